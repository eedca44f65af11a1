"""Tokens with a shape of their own: a prefix, a length, often a checksum.

Sources: the issuers' documentation of their token formats, and the shapes that gitleaks,
TruffleHog and CredSweeper publish.
"""

from __future__ import annotations

import re
import zlib

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checks import (
    base62_crc32,
    decoded,
    entropy,
    is_hex,
    is_jwt,
    json_object,
)
from collector.evaluate.detectors.placeholders import is_placeholder, is_published

_BITS = 3.0  # entropy per character below which a long token is a mask or a sample
_CHECKSUM = 6
_FOREVER = 1e12  # no end in seconds; some issuers give milliseconds, which never end here
_BEFORE = r"(?<![A-Za-z0-9])"
_AFTER = r"(?![A-Za-z0-9_-])"


def _plausible(match: re.Match[str]) -> bool:
    secret = secret_of(match)
    return entropy(secret) >= _BITS and not is_placeholder(secret)


def _crc32(match: re.Match[str]) -> bool:
    """The last six characters are the checksum of those after the prefix."""
    body: str = match["body"]
    return base62_crc32(body[:-_CHECKSUM]) == body[-_CHECKSUM:]


def _atlassian(match: re.Match[str]) -> bool:
    token: str = match[0]
    body, checksum = token[:-8].removesuffix("="), token[-8:]
    return is_hex(checksum) and zlib.crc32(body.encode()) == int(checksum, 16)


def _grafana(match: re.Match[str]) -> bool:
    body, checksum = match[0][:-9], match[0][-8:]
    swapped = zlib.crc32(body.encode()).to_bytes(4, "little").hex()
    return checksum.lower() in {swapped, f"{zlib.crc32(body.encode()):08x}"}


def _aws_key_id(match: re.Match[str]) -> bool:
    return not is_published(match[0]) and entropy(match[0]) > 2.5  # noqa: PLR2004 (bits)


def _aws_secret(match: re.Match[str]) -> bool:
    secret = secret_of(match)
    path = secret.count("/") > 4 or secret.startswith("/")  # noqa: PLR2004 (random: 0.6 of 40)
    return entropy(secret) > 4 and not (is_hex(secret) or path) and not is_published(secret)  # noqa: PLR2004


def _google(match: re.Match[str]) -> bool:
    return entropy(match[0]) > 4 and not is_placeholder(match[0])  # noqa: PLR2004 (Purview's bound)


def _slack(match: re.Match[str]) -> bool:
    return any(map(str.isdigit, match[0])) and _plausible(match)


def _jwt(match: re.Match[str]) -> bool:
    return is_jwt(match[0]) and not is_published(match[0])


def _jwt_expiry(match: re.Match[str]) -> float | None:
    """The claim ``exp`` (RFC 7519, section 4.1.4), where the payload can be read."""
    claims = json_object(match[0].split(".")[1])
    ends = claims.get("exp") if claims else None
    return float(ends) if isinstance(ends, int | float) and 0 < ends < _FOREVER else None


def _pypi(match: re.Match[str]) -> bool:
    raw = decoded(match[0].removeprefix("pypi-")[:32])
    return raw is not None and b"pypi.org" in raw


def _simple(
    name: str, rank: Rank, prefix: str, body: str, *, gate: str = "", public: int = 0
) -> Detector:
    """A prefix and a body of a known length and alphabet."""
    return Detector(
        name,
        rank,
        gate or prefix,
        re.compile(f"{_BEFORE}{prefix}{body}{_AFTER}"),
        _plausible,
        public=public,
    )


_AWS_WORDS = r"(?:aws|amazon|secret[_-]?access[_-]?key|secret[_-]?key)"
_AWS_SECRET = r"(?P<secret>(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))"  # noqa: S105

# Possessive, because a body that is tried from each of its characters takes minutes.
_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?P<body>(?>(?:(?:\s|\\{1,8}[nr]){0,8}[A-Za-z-]{1,40}: [^\n\\]{0,200}){0,6})"
    r"[A-Za-z0-9+/=\s\\]{32,}+)(?:-----END [A-Z0-9 ]{0,60}-----)?"
)


def _pem(match: re.Match[str]) -> bool:
    body = re.sub(r"\\{1,8}[nr]|[\s\\]", "", match["body"])
    return len(body) >= 32 and entropy(body) >= _BITS  # noqa: PLR2004 (a key is longer)


TOKENS: tuple[Detector, ...] = (
    Detector(
        "github-token",
        Rank.CRITICAL,
        r"gh[pousr]_[A-Za-z0-9]{36}",
        re.compile(
            rf"{_BEFORE}(?:gh[pous]_(?=[A-Za-z0-9]{{36}}(?![A-Za-z0-9]))|ghr_(?=[A-Za-z0-9]{{76}}(?![A-Za-z0-9])))"
            r"(?P<body>[A-Za-z0-9]{36,76})"
        ),
        _crc32,
        public=4,
    ),
    _simple(
        "github-fine-grained-token",
        Rank.CRITICAL,
        "github_pat_",
        "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
        public=11,
    ),
    _simple(
        "gitlab-token",
        Rank.CRITICAL,
        "gl(?:pat|dt|rt|rtr|ptt|cbt|soat|agent|oas|ft|imt|ffct)-",
        r"[A-Za-z0-9_-]{20,64}(?:\.[0-9a-z.]{4,20})?",
        public=3,
    ),
    Detector(
        "npm-token",
        Rank.CRITICAL,
        r"npm_[A-Za-z0-9]{36}",
        re.compile(rf"{_BEFORE}npm_(?P<body>[A-Za-z0-9]{{36}})(?![A-Za-z0-9])"),
        _crc32,
        public=4,
    ),
    Detector(
        "pypi-token",
        Rank.CRITICAL,
        r"pypi-AgE",
        re.compile(r"(?<![\w-])pypi-AgE[A-Za-z0-9_-]{50,}"),
        _pypi,
        public=5,
    ),
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
        re.compile(rf"(?i:{_AWS_WORDS})[^\n]{{0,30}}?{_AWS_SECRET}"),
        _aws_secret,
        words=frozenset({"aws"}),
        bare=re.compile(_AWS_SECRET),
    ),
    Detector(
        "gcp-api-key",
        Rank.HIGH,
        r"AIza[A-Za-z0-9_-]{35}",
        re.compile(rf"{_BEFORE}AIza[A-Za-z0-9_-]{{35}}{_AFTER}"),
        _google,
        public=4,
    ),
    _simple("gcp-oauth-token", Rank.HIGH, r"ya29\.", r"[A-Za-z0-9._-]{30,2048}", public=5),
    _simple("gcp-client-secret", Rank.HIGH, "GOCSPX-", r"[A-Za-z0-9_-]{28}", public=7),
    Detector(
        "slack-token",
        Rank.CRITICAL,
        r"xox[abeoprs]|xapp-",
        re.compile(rf"{_BEFORE}(?:xox[abeoprs](?:\.xox[bp])?|xapp)-[A-Za-z0-9-]{{18,512}}"),
        _slack,
        public=4,
    ),
    Detector(
        "slack-webhook",
        Rank.HIGH,
        r"hooks\.slack\.com/",
        re.compile(
            r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Z0-9]{8,}/[A-Za-z0-9/]{20,})"
        ),
        _plausible,
    ),
    _simple("stripe-key", Rank.CRITICAL, "[sr]k_live_", "[A-Za-z0-9]{10,128}", public=8),
    _simple("stripe-test-key", Rank.LOW, "[sr]k_test_", "[A-Za-z0-9]{10,128}", public=8),
    _simple("stripe-webhook-secret", Rank.HIGH, "whsec_", "[A-Za-z0-9+/]{32,64}={0,2}", public=6),
    Detector(
        "openai-key",
        Rank.CRITICAL,
        r"T3BlbkFJ",
        re.compile(
            rf"{_BEFORE}sk-(?:[a-z]{{1,12}}-)?[A-Za-z0-9_-]{{20,80}}?T3BlbkFJ[A-Za-z0-9_-]{{20,80}}"
        ),
        _plausible,
        public=3,
    ),
    _simple(
        "anthropic-key",
        Rank.CRITICAL,
        r"sk-ant-(?:api03|admin01|oat01)-",
        r"[A-Za-z0-9_-]{91}[A-Za-z0-9_-]{0,4}AA",
        public=7,
    ),
    _simple(
        "hugging-face-token", Rank.HIGH, "hf_", "[A-Za-z]{34}", gate="hf_[A-Za-z]{34}", public=3
    ),
    _simple(
        "sendgrid-key", Rank.HIGH, r"SG\.", r"[\w-]{22}\.[\w-]{43}", gate=r"SG\.[A-Za-z0-9_-]{22}\."
    ),
    _simple(
        "vault-token",
        Rank.CRITICAL,
        r"hv[sbr]\.",
        r"[A-Za-z0-9_-]{24,300}",
        gate=r"hv[sbr]\.[A-Za-z0-9_-]{24}",
    ),
    _simple("digitalocean-token", Rank.HIGH, "do[opr]_v1_", "[0-9a-f]{64}", public=7),
    _simple(
        "databricks-token", Rank.HIGH, "dapi", "[0-9a-f]{32}(?:-[0-9])?", gate="dapi[0-9a-f]{32}"
    ),
    _simple("shopify-token", Rank.HIGH, "shp(?:at|ss|ca|pa)_", "[0-9a-fA-F]{32}", public=6),
    _simple("docker-token", Rank.HIGH, "dckr_(?:pat|oat)_", r"[A-Za-z0-9_-]{27,32}", public=9),
    _simple("new-relic-key", Rank.HIGH, "NR(?:AK|II)-", "[A-Za-z0-9_-]{27,32}", public=5),
    _simple("linear-key", Rank.HIGH, "lin_api_", "[A-Za-z0-9]{40}", public=8),
    _simple("postman-key", Rank.HIGH, "PMAK-", "[0-9a-f]{24}-[0-9a-f]{34}", public=5),
    Detector(
        "atlassian-token",
        Rank.CRITICAL,
        r"ATATT3",
        re.compile(rf"{_BEFORE}ATATT3[A-Za-z0-9_-]{{150,220}}=[0-9A-F]{{8}}{_AFTER}"),
        _atlassian,
        public=6,
    ),
    Detector(
        "grafana-token",
        Rank.CRITICAL,
        r"glsa_",
        re.compile(rf"{_BEFORE}glsa_[A-Za-z0-9]{{32}}_[0-9a-fA-F]{{8}}{_AFTER}"),
        _grafana,
        public=5,
    ),
    Detector(
        "jwt",
        Rank.HIGH,
        r"eyJ[A-Za-z0-9_-]{12}",
        re.compile(
            rf"{_BEFORE}eyJ[A-Za-z0-9_-]{{12,}}(?:\.[A-Za-z0-9_-]*){{4}}(?![\w-])"
            rf"|{_BEFORE}eyJ[A-Za-z0-9_-]{{12,}}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
        ),
        _jwt,
        public=3,
        expires=_jwt_expiry,
    ),
    Detector("private-key", Rank.CRITICAL, r"PRIVATE KEY", _PEM, _pem),
)
