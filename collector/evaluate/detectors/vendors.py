"""Tokens of services for messages, mail, payments and design.

Sources: the issuers' documentation where a row names it, else gitleaks, TruffleHog and
CredSweeper, which agree but for lengths; the longer range is taken then.
"""

from __future__ import annotations

import re

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.checks import decoded
from collector.evaluate.detectors.shapes import AFTER, BEFORE, keyed, plausible, simple

_plausible = plausible()
_random = plausible(4.0)
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

#: Segments of a key under which a hexadecimal value names something and opens nothing.
IDS = frozenset(
    {
        *("trace", "span", "parent", "id", "sid", "uid", "uuid", "guid", "hash", "digest"),
        *("sha", "sha1", "md5", "commit", "revision", "version", "checksum", "etag", "request"),
        *("message", "transaction", "host", "org", "image", "build", "fingerprint"),
    }
)


def _slack(match: re.Match[str]) -> bool:
    return any(map(str.isdigit, match[0])) and _plausible(match)


def _discord(match: re.Match[str]) -> bool:
    """The first part is the base64 of the bot's id."""
    raw = decoded(match["id"])
    digits = raw is not None and raw.isdigit() and not raw.startswith(b"0")
    return digits and _random(match)


def _square(match: re.Match[str]) -> bool:
    """Base64 of numbers begins like a token, and goes on with more zeros."""
    return _random(match) and not match[0].startswith("EAAAA")


VENDORS: tuple[Detector, ...] = (
    # docs.slack.dev, "Tokens": the digits name the workspace, the app and the user
    Detector(
        "slack-token",
        Rank.CRITICAL,
        r"xox[a-z]|xapp-",
        re.compile(
            rf"{BEFORE}(?:xox[abceops]-(?:\d{{1,14}}-){{1,4}}[A-Za-z0-9]{{16,200}}+"
            r"|xoxe\.xox[bp]-\d-[A-Za-z0-9]{100,200}+"
            r"|xox[ar]-(?:\d-)?[A-Za-z0-9]{18,48}+"
            r"|xoxd-[A-Za-z0-9%+/]{60,400}+={0,2}"
            rf"|xapp-\d-[A-Z0-9]{{8,14}}-\d{{8,14}}-[0-9a-f]{{64}}){AFTER}"
        ),
        _slack,
        public=1,
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
    Detector(
        "teams-webhook",
        Rank.HIGH,
        r"\.webhook\.office\.com/",
        re.compile(
            rf"\.webhook\.office\.com/webhook(?:b2)?/(?P<secret>{_UUID}@{_UUID}/IncomingWebhook/"
            rf"[0-9a-z]{{32}}/{_UUID}(?:/[A-Za-z0-9_-]{{20,100}})?)"
        ),
        _plausible,
    ),
    # discord.com, "Webhook resource"
    Detector(
        "discord-webhook",
        Rank.HIGH,
        r"discord(?:app)?\.com/api/",
        re.compile(
            r"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{17,20}/"
            rf"(?P<secret>[A-Za-z0-9_-]{{60,72}}){AFTER}"
        ),
        _random,
    ),
    # The first letters are those of the base64 of three digits, of which none is a leading zero.
    # Spelled out, because an automaton finds a literal sooner than a class.
    Detector(
        "discord-bot-token",
        Rank.HIGH,
        r"(?:M[Tjz]|N[DTjz]|O[DT])[AEIMQUYcgk][w-z0-5][A-Za-z0-9_-]{19,24}\.[A-Za-z0-9_-]{6}\.",
        re.compile(
            rf"{BEFORE}(?P<id>[MNO][DTjz][AEIMQUYcgk][w-z0-5][A-Za-z0-9]{{19,24}})"
            rf"\.[A-Za-z0-9_-]{{6}}\.[A-Za-z0-9_-]{{27,38}}{AFTER}"
        ),
        _discord,
    ),
    # core.telegram.org, "Authorizing your bot"
    Detector(
        "telegram-bot-token",
        Rank.HIGH,
        "[0-9]{8}:AA[A-Za-z0-9_-]{33}",
        re.compile(rf"{BEFORE}(?:bot)?(?P<secret>\d{{8,10}}:AA[A-Za-z0-9_-]{{33}}){AFTER}"),
        _random,
    ),
    # docs.stripe.com, "API keys"
    simple("stripe-key", Rank.CRITICAL, "[sr]k_live_", "[A-Za-z0-9]{10,128}", public=8),
    simple("stripe-test-key", Rank.LOW, "[sr]k_test_", "[A-Za-z0-9]{10,128}", public=8),
    simple("stripe-webhook-secret", Rank.HIGH, "whsec_", "[A-Za-z0-9+/]{32,64}={0,2}", public=6),
    Detector(
        "square-token",
        Rank.HIGH,
        "EAAA[A-Za-z0-9_-]{60}",
        re.compile(r"(?<![A-Za-z0-9+/_.-])EAAA[A-Za-z0-9_-]{60}(?![A-Za-z0-9+/=_-])"),
        _square,
        public=2,
    ),
    simple(
        "square-token",
        Rank.HIGH,
        "sq0(?:atp|csp)-",
        "[A-Za-z0-9_-]{22}(?:[A-Za-z0-9_-]{21})?",
        public=2,
        bits=3.5,
    ),
    # shopify.dev, "Access tokens"
    simple("shopify-token", Rank.HIGH, "shp(?:at|ss|ca|pa)_", "[0-9a-fA-F]{32}", public=3),
    # twilio.com, "API keys"; AC and its digits name an account and are no secret
    simple("twilio-key", Rank.HIGH, "SK", "[0-9a-f]{32}", gate="SK[0-9a-f]{32}", public=2),
    keyed(
        "twilio-key",
        Rank.HIGH,
        r"twilio[\w .-]{0,20}?(?:auth|token|secret)",
        "[0-9a-f]{32}",
        gate="(?i:twilio)",
        words=frozenset({"twilio"}),
        not_words=IDS,
    ),
    simple(
        "sendgrid-key",
        Rank.HIGH,
        r"SG\.",
        r"[\w-]{22}\.[\w-]{43}",
        gate=r"SG\.[A-Za-z0-9_-]{22}\.",
        public=3,
    ),
    keyed(
        "mailgun-key",
        Rank.HIGH,
        "mailgun",
        "(?:key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})",
        gate="(?i:mailgun)",
        words=frozenset({"mailgun"}),
    ),
    simple(
        "mailchimp-key",
        Rank.HIGH,
        "",
        "[0-9a-f]{32}-us[0-9]{1,2}",
        gate="[0-9a-f]{4}-us[0-9]",
    ),
    simple("linear-key", Rank.HIGH, "lin_api_", "[A-Za-z0-9]{40}", public=8),
    # developers.notion.com, "Authentication"
    simple("notion-token", Rank.HIGH, "ntn_", "[0-9]{11}[A-Za-z0-9]{35}", public=4),
    keyed(
        "notion-token",
        Rank.HIGH,
        "notion",
        "secret_[A-Za-z0-9]{43}",
        gate="secret_[A-Za-z0-9]{43}",
        words=frozenset({"notion"}),
        public=4,
        bits=4.0,
    ),
    simple("postman-key", Rank.HIGH, "PMAK-", "[0-9a-f]{24}-[0-9a-f]{34}", public=5),
    simple(
        "figma-token",
        Rank.HIGH,
        "fig(?:d|[ou][rh]?)_",
        "[A-Za-z0-9_-]{40}",
        gate="fig(?:d|[ou][rh]?)_[A-Za-z0-9_-]{40}",
        public=3,
        bits=4.0,
    ),
)
