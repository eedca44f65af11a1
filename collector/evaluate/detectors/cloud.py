"""Keys and tokens of Amazon Web Services and Google Cloud.

Sources: docs.aws.amazon.com, "IAM identifiers"; cloud.google.com, "Service account keys"; and
the shapes that gitleaks, TruffleHog and CredSweeper publish.
"""

from __future__ import annotations

import re

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checks import entropy, is_hex
from collector.evaluate.detectors.placeholders import is_placeholder, is_published
from collector.evaluate.detectors.shapes import AFTER, BEFORE, keyed, plausible, simple
from collector.evaluate.detectors.tokens import PEM, is_pem

_REACH = 2048  # a service account's key is this far from what tells whose it is
_ACCOUNT = re.compile(r"service_account|private_key_id|gserviceaccount\.com")


def _aws_key_id(match: re.Match[str]) -> bool:
    return entropy(match[0]) > 2.5 and not is_placeholder(match[0])  # noqa: PLR2004 (bits)


def _aws_secret(match: re.Match[str]) -> bool:
    secret = secret_of(match)
    path = secret.count("/") > 4 or secret.startswith("/")  # noqa: PLR2004 (random: 0.6 of 40)
    return entropy(secret) > 4 and not (is_hex(secret) or path) and not is_published(secret)  # noqa: PLR2004


def _google(match: re.Match[str]) -> bool:
    return entropy(match[0]) > 4 and not is_placeholder(match[0])  # noqa: PLR2004 (Purview's bound)


def _service_account(match: re.Match[str]) -> bool:
    near = match.string[max(0, match.start() - _REACH) : match.end() + _REACH]
    return _ACCOUNT.search(near) is not None and is_pem(match)


_AWS_WORDS = r"(?:aws|amazon|secret[_-]?access[_-]?key|secret[_-]?key)"
_AWS_SECRET = r"(?P<secret>(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))"  # noqa: S105
_AWS_SESSIONS = "(?:IQoJb3JpZ2luX2Vj|FwoGZXIvYXdz|FQoGZXIvYXdz)"

CLOUD: tuple[Detector, ...] = (
    Detector(
        "aws-access-key-id",
        Rank.MEDIUM,
        r"A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}",
        re.compile(r"(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
        _aws_key_id,
        public=4,
    ),
    Detector(
        "aws-secret-access-key",
        Rank.CRITICAL,
        rf"(?i:{_AWS_WORDS})[^\n]{{0,29}}[^A-Za-z0-9/+\n][A-Za-z0-9/+]{{40}}",
        re.compile(rf"(?<![A-Za-z0-9])(?i:{_AWS_WORDS})[^\n]{{0,30}}?{_AWS_SECRET}"),
        _aws_secret,
        words=frozenset({"aws"}),
        bare=re.compile(_AWS_SECRET),
    ),
    # TruffleHog: base64 of what every token of the Security Token Service begins with
    Detector(
        "aws-session-token",
        Rank.HIGH,
        _AWS_SESSIONS,
        re.compile(rf"(?<![A-Za-z0-9+/]){_AWS_SESSIONS}[A-Za-z0-9+/]{{100,4096}}+={{0,2}}"),
        plausible(4.0),
    ),
    # gitleaks: base64 of BedrockAPIKey-, and of the request that a short-lived key signs
    Detector(
        "aws-bedrock-key",
        Rank.CRITICAL,
        "ABSKQmVkcm9ja0FQSUtleS|bedrock-api-key-YmVkcm9jay5hbWF6b25hd3Mu",
        re.compile(
            rf"{BEFORE}(?:ABSKQmVkcm9ja0FQSUtleS[A-Za-z0-9+/]{{80,300}}+"
            r"|bedrock-api-key-YmVkcm9jay5hbWF6b25hd3Mu[A-Za-z0-9+/_-]{100,8192}+)={0,2}"
        ),
        plausible(4.0),
    ),
    # learn.microsoft.com, Purview's definition of a Google API key
    Detector(
        "gcp-api-key",
        Rank.HIGH,
        r"AIza[A-Za-z0-9_-]{35}",
        re.compile(rf"{BEFORE}AIza[A-Za-z0-9_-]{{35}}{AFTER}"),
        _google,
        public=4,
    ),
    simple("gcp-oauth-token", Rank.HIGH, r"ya29\.", r"[A-Za-z0-9._-]{30,2048}+", public=5),
    keyed(
        "gcp-oauth-token",
        Rank.HIGH,
        "refresh|oauth|google|gcp",
        r"1//0[A-Za-z0-9_-]{40,200}+",
        gate="1//0[A-Za-z0-9_-]{40}",
        words=frozenset({"refresh", "oauth", "google", "gcp"}),
        public=4,
        bits=4.0,
    ),
    simple("gcp-client-secret", Rank.HIGH, "GOCSPX-", r"[A-Za-z0-9_-]{28}", public=7),
    Detector(
        "gcp-service-account-key",
        Rank.CRITICAL,
        r"private_key[\"'\\]{1,8}[ \t]{0,4}:[ \t]{0,4}[\"'\\]{1,8}-----BEGIN",
        re.compile(r"private_key[\"'\\]{1,8}\s{0,4}:\s{0,4}[\"'\\]{1,8}(?P<secret>" + PEM + ")"),
        _service_account,
    ),
)
