"""What is a secret or a personal datum in some systems only; off unless a policy names it.

Sources: IANA's special-purpose address registries (by `ipaddress`), RFC 9562 (UUID), RFC 9542 (MAC
addresses), gitleaks (rule generic-api-key: its words, and 3.5 bits of entropy per character),
HashiCorp's upgrade guide to Vault 1.10 (tokens began with ``s.`` before), and the issuers'
documentation of identifiers.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checks import entropy, is_hex, is_random, is_wordlike, words
from collector.evaluate.detectors.names import segments
from collector.evaluate.detectors.placeholders import is_placeholder
from collector.evaluate.detectors.shapes import AFTER, BEFORE, plausible

_ALONE, _ENDS = r"(?<![\w.:-])", r"(?![\w:-])(?!\.\w)"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_VERSION = re.compile(r"(?:version|release|build|\bver?)[\"' :=/.]{0,4}$", re.IGNORECASE)
_BEFORE_SHOWN = 20  # characters before an address in which it may be called a version

#: A UUID, a path and the base64 of JSON are ids, names and cursors far more often than secrets.
_NO_SECRET_FORM = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|(?:[\w.-]*/){3}|eyJ")
#: Samples of RFC 9562 and of documentation everywhere.
_UUIDS = words(
    """
    f81d4fae-7dec-11d0-a765-00a0c91e6bf6 c232ab00-9414-11ec-b3c8-9f6bdeced846
    919108f7-52d1-4320-9bac-f847db4148a8 017f22e2-79b0-7cc3-98c4-dc0c0c07398f
    550e8400-e29b-41d4-a716-446655440000 123e4567-e89b-12d3-a456-426614174000
    123e4567-e89b-12d3-a456-426655440000
    """
)
#: MD5, SHA-1, SHA-224, SHA-256 and the first of SHA-512 of nothing.
_OF_NOTHING = ("d41d8cd98f00b204", "da39a3ee5e6b4b0d", "d14a028c2a3a2bc9", "e3b0c44298fc1c14", "cf83e1357eefb8bd")  # fmt: skip  # noqa: E501
_GENERIC = words("access api auth credential credentials creds key password secret token")
_NO_SECRET = words(
    """
    arn cache checksum column continuation cursor dedup digest fingerprint foreign hash id
    idempotency index message monkey natural next object page partition path primary public
    publishable routing row s3 shard sort start subject surrogate sync trace unique uri url version
    websocket
    """
)


def _is_public(match: re.Match[str]) -> bool:
    text = secret_of(match)
    if text.endswith(".0.0") or _VERSION.search(
        match.string[max(0, match.start() - _BEFORE_SHOWN) : match.start()]
    ):
        return False
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast


def _is_mac(match: re.Match[str]) -> bool:
    """One device's: not none, not all, not a group's, not of documentation (RFC 9542)."""
    digits = re.sub("[.:-]", "", match[0]).lower()
    group = int(digits[1], 16) & 1
    return not group and len(set(digits)) > 1 and not digits.startswith("00005e0053")


def _is_uuid(match: re.Match[str]) -> bool:
    return match[0].lower() not in _UUIDS and entropy(match[0]) > 2.5  # noqa: PLR2004 (0000…0001)


def _is_digest(match: re.Match[str]) -> bool:
    text = match[0].lower()
    return not text.startswith(_OF_NOTHING) and plausible()(match)


def _is_generic(match: re.Match[str]) -> bool:
    named = set(segments(match["name"]))
    return bool(named & _GENERIC) and not named & _NO_SECRET and _is_unguessable(match)


def _is_unguessable(match: re.Match[str]) -> bool:
    secret = secret_of(match)
    if is_placeholder(secret) or is_wordlike(secret) or _NO_SECRET_FORM.match(secret):
        return False
    return is_random(secret, bits=3.0 if is_hex(secret) else 3.5)


def _public_key(gate: str, expression: str, public: int) -> Detector:
    return Detector(
        "identifier-key",
        Rank.LOW,
        gate,
        re.compile(f"{BEFORE}{expression}{AFTER}"),
        plausible(),
        public=public,
        opt_in=True,
    )


_OPAQUE = r"(?<![\w+/.-])[A-Za-z0-9+/_.-]{16,150}={0,2}(?![\w+/=-])"

OPTIONAL: tuple[Detector, ...] = (
    Detector(
        "public-ip",
        Rank.LOW,
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
        # after a slash only that of a URL: Chrome/126.0.6478.57 is no address
        re.compile(rf"(?<![\w.+-])(?<!\w/)(?:{_OCTET}\.){{3}}{_OCTET}(?![\w-])(?!\.\w)"),
        _is_public,
        not_words=words("version ver release build"),
        opt_in=True,
    ),
    Detector(
        "public-ip",
        Rank.LOW,
        "[23][0-9a-fA-F]{3}:[0-9a-fA-F]{0,4}:",
        re.compile(rf"{_ALONE}[23][0-9A-Fa-f]{{3}}(?::[0-9A-Fa-f]{{0,4}}){{2,7}}(?![\w:.])"),
        _is_public,
        opt_in=True,
    ),
    Detector(
        "mac-address",
        Rank.LOW,
        "[0-9A-Fa-f]{2}[:-](?:[0-9A-Fa-f]{2}[:-]){4}[0-9A-Fa-f]{2}"
        r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        re.compile(
            rf"{_ALONE}(?:[0-9A-Fa-f]{{2}}(?P<sep>[:-])(?:[0-9A-Fa-f]{{2}}(?P=sep)){{4}}"
            rf"[0-9A-Fa-f]{{2}}|(?:[0-9A-Fa-f]{{4}}\.){{2}}[0-9A-Fa-f]{{4}}){_ENDS}"
        ),
        _is_mac,
        opt_in=True,
    ),
    Detector(
        "uuid",
        Rank.LOW,
        "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB]",
        re.compile(
            r"(?<![\w-])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}"
            r"-[0-9a-fA-F]{12}(?![\w-])"
        ),
        _is_uuid,
        opt_in=True,
    ),
    Detector(
        "hex-digest",
        Rank.LOW,
        r"\b[0-9a-fA-F]{32}",
        re.compile(
            r"(?<![\w-])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}"
            r"|[0-9a-f]{128}|[0-9A-F]{32}|[0-9A-F]{40}|[0-9A-F]{56}|[0-9A-F]{64})(?![\w-])"
        ),
        _is_digest,
        not_words=words("trace span traceparent"),
        opt_in=True,
    ),
    Detector(
        "generic-secret",
        Rank.MEDIUM,
        "(?i:access|api|auth|cred|key|passw|secret|token)[a-zA-Z0-9_.-]{0,20}[\"']?"
        " ?(?::=|=>|=|:)[ \"'=]{0,5}[A-Za-z0-9+/_.-]{16}",
        re.compile(
            r"(?<![\w.-])(?P<name>[A-Za-z0-9_.-]{0,40}?(?i:access|api|auth|cred|key|passw|secret|token)"
            rf"[A-Za-z0-9_.-]{{0,20}})[\"']? ?(?::=|=>|=|:)[ \"'=]{{0,5}}(?P<secret>{_OPAQUE})"
        ),
        _is_generic,
        not_words=_NO_SECRET,
        opt_in=True,
    ),
    Detector(
        "generic-secret",
        Rank.MEDIUM,
        "",
        re.compile(_OPAQUE),
        _is_unguessable,
        words=_GENERIC,
        not_words=_NO_SECRET,
        bare=re.compile(_OPAQUE),
        opt_in=True,
    ),
    Detector(
        "vault-legacy-token",
        Rank.CRITICAL,
        r"s\.[A-Za-z0-9]{24}",
        re.compile(r"(?<![\w./-])s\.[A-Za-z0-9]{24}(?![\w.(-])"),
        _is_unguessable,
        public=2,
        opt_in=True,
    ),
    _public_key("pk_(?:live|test)_", "pk_(?:live|test)_[A-Za-z0-9]{10,128}", 8),  # docs.stripe.com
    _public_key("AC[0-9a-f]{32}", "AC[0-9a-f]{32}", 2),  # twilio.com: an account's SID
    _public_key(
        r"\.apps\.googleusercontent\.com",
        r"(?P<secret>[0-9]{6,24}-[a-z0-9]{32})\.apps\.googleusercontent\.com",
        0,
    ),
    # docs.aws.amazon.com, "IAM identifiers": unique ids of a user, role, group and profile
    _public_key(
        "A(?:ROA|IDA|GPA|IPA|NPA)[A-Z2-7]{16}", "A(?:ROA|IDA|GPA|IPA|NPA)[A-Z2-7]{16,17}", 4
    ),
    # docs.sentry.io, "DSN": the public key of a project
    _public_key(
        r"[0-9a-f]{32}@[a-z0-9.-]{0,124}sentry\.io",
        r"(?P<secret>[0-9a-f]{32})@(?:[a-z0-9-]{1,30}\.){0,4}sentry\.io(?!\.\w)",
        0,
    ),
)
