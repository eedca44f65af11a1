"""Tokens of code hosts and package registries, web tokens and private keys.

Sources: the issuers' documentation of their token formats, which a row names, and the shapes
that gitleaks, TruffleHog and CredSweeper publish.
"""

from __future__ import annotations

import re
import zlib

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.checks import (
    base36,
    base62_crc32,
    decoded,
    entropy,
    is_hex,
    is_jwt,
    json_object,
)
from collector.evaluate.detectors.placeholders import is_published
from collector.evaluate.detectors.shapes import AFTER, BEFORE, plausible, simple

_CHECKSUM = 6
_FOREVER = 1e12  # no end in seconds; some issuers give milliseconds, which never end here

_GITLAB_CHECKSUM = 7
_GITLAB_PAYLOAD = 27  # the shortest payload of a routable token
_GITLAB_CLASSIC = 90  # the longest token that is not routable, and some more
_GITLAB_PREFIX = 21  # of the instance, before that of the token, and a dash
_plausible = plausible()


def _crc32(match: re.Match[str]) -> bool:
    """The last six characters are the checksum of those after the prefix."""
    body: str = match["body"]
    return base62_crc32(body[:-_CHECKSUM]) == body[-_CHECKSUM:]


def _gitlab(match: re.Match[str]) -> bool:
    """A routable token ends with the CRC32 of all before it, the instance's prefix included."""
    if not _plausible(match):
        return False
    if match["checksum"] is None or len(match["payload"]) < _GITLAB_PAYLOAD:
        return len(match[0]) <= _GITLAB_CLASSIC
    text, start, end = match.string, match.start(), match.end() - _GITLAB_CHECKSUM
    return any(
        base36(zlib.crc32(text[begin:end].encode()), _GITLAB_CHECKSUM) == text[end : match.end()]
        for begin in range(max(0, start - _GITLAB_PREFIX), start + 1)
    )


def _atlassian(match: re.Match[str]) -> bool:
    token: str = match[0]
    body, checksum = token[:-8], token[-8:]
    # Published tokens sum the equals sign too; issuers' libraries are known that leave it out.
    sums = {zlib.crc32(body.encode()), zlib.crc32(body.removesuffix("=").encode())}
    return is_hex(checksum) and int(checksum, 16) in sums


def _pypi(match: re.Match[str]) -> bool:
    raw = decoded(match[0].removeprefix("pypi-")[:32])
    return raw is not None and b"pypi.org" in raw


def _jwt(match: re.Match[str]) -> bool:
    return is_jwt(match[0]) and not is_published(match[0])


def _jwt_expiry(match: re.Match[str]) -> float | None:
    """The claim ``exp`` (RFC 7519, section 4.1.4), where the payload can be read."""
    claims = json_object(match[0].split(".")[1])
    ends = claims.get("exp") if claims else None
    return float(ends) if isinstance(ends, int | float) and 0 < ends < _FOREVER else None


#: A private key (RFC 7468), also on one line, escaped or cut short. Possessive, because a body
#: that is tried from each of its characters takes minutes.
PEM = (
    r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?P<body>(?>(?:(?:\s|\\{1,8}[nr]){0,8}[A-Za-z-]{1,40}: [^\n\\]{0,200}){0,6})"
    r"[A-Za-z0-9+/=\s\\]{32,}+)(?:-----END [A-Z0-9 ]{0,60}-----)?"
)


def is_pem(match: re.Match[str]) -> bool:
    """Whether what follows the header of a private key can be one."""
    body = re.sub(r"\\{1,8}[nr]|[\s\\]", "", match["body"])
    return len(body) >= 32 and entropy(body) >= 3  # noqa: PLR2004 (a key is longer, and random)


TOKENS: tuple[Detector, ...] = (
    # "Behind GitHub's new authentication token formats", github.blog, 2021
    Detector(
        "github-token",
        Rank.CRITICAL,
        r"gh[pousr]_[A-Za-z0-9]{36}",
        re.compile(
            rf"{BEFORE}(?:gh[pous]_(?=[A-Za-z0-9]{{36}}(?![A-Za-z0-9]))|ghr_(?=[A-Za-z0-9]{{76}}(?![A-Za-z0-9])))"
            r"(?P<body>[A-Za-z0-9]{36,76})"
        ),
        _crc32,
        public=4,
    ),
    # gitleaks
    simple(
        "github-fine-grained-token",
        Rank.CRITICAL,
        "github_pat_",
        "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
        public=11,
    ),
    # docs.gitlab.com, "Token prefixes"; lib/authn/token_field/generator/routable_token.rb
    Detector(
        "gitlab-token",
        Rank.CRITICAL,
        r"gl(?:pat|dt|rt|rtr|ptt|cbt|soat|agent|oas|ft|imt|ffct|wt)-[A-Za-z0-9_-]{20}",
        re.compile(
            rf"{BEFORE}gl(?:pat|dt|rt|rtr|ptt|cbt|soat|agent|oas|ft|imt|ffct|wt)-"
            r"(?P<payload>[A-Za-z0-9_-]{20,300}+)"
            rf"(?P<checksum>(?:\.[0-9a-z]{{2}})?\.[0-9a-z]{{9}}{AFTER})?"
        ),
        _gitlab,
        public=5,
    ),
    # "Introducing the new npm access token format", github.blog, 2021: the scheme of GitHub
    Detector(
        "npm-token",
        Rank.CRITICAL,
        r"npm_[A-Za-z0-9]{36}",
        re.compile(rf"{BEFORE}npm_(?P<body>[A-Za-z0-9]{{36}})(?![A-Za-z0-9])"),
        _crc32,
        public=4,
    ),
    # pypitoken.readthedocs.io: a macaroon, whose location is pypi.org
    Detector(
        "pypi-token",
        Rank.CRITICAL,
        r"pypi-AgE",
        re.compile(r"(?<![\w-])pypi-AgE[A-Za-z0-9_-]{50,}"),
        _pypi,
        public=5,
    ),
    # gitleaks; microsoft/security-utilities, SEC101/031; Docker's documentation, TruffleHog
    simple("rubygems-token", Rank.HIGH, "rubygems_", "[0-9a-f]{48}", public=9),
    simple(
        "nuget-key",
        Rank.HIGH,
        "oy2",
        "[a-z2-7]{43}",
        gate="oy2[a-z2-7]{43}",
        public=3,
        bits=3.5,
    ),
    simple("docker-token", Rank.HIGH, "dckr_(?:pat|oat)_", r"[A-Za-z0-9_-]{27,32}", public=5),
    # DataDog/dd-sensitive-data-scanner and CredSweeper: CRC32 of what stands before it
    Detector(
        "atlassian-token",
        Rank.CRITICAL,
        r"AT[AC]TT3",
        re.compile(rf"{BEFORE}AT[AC]TT3[A-Za-z0-9_-]{{150,220}}=[0-9A-F]{{8}}{AFTER}"),
        _atlassian,
        public=2,
    ),
    Detector(
        "atlassian-token",
        Rank.CRITICAL,
        r"ATBB[A-Za-z0-9]{24}",
        re.compile(rf"{BEFORE}ATBB[A-Za-z0-9]{{24}}[0-9A-F]{{8}}{AFTER}"),
        _atlassian,
        public=2,
    ),
    # RFC 7519
    Detector(
        "jwt",
        Rank.HIGH,
        r"eyJ[A-Za-z0-9_-]{12}[A-Za-z0-9_-]*\.",
        re.compile(
            rf"{BEFORE}eyJ[A-Za-z0-9_-]{{12,4096}}+(?:"
            r"(?:\.[A-Za-z0-9_-]*+){4}(?![\w-])|\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++)"
        ),
        _jwt,
        public=3,
        expires=_jwt_expiry,
    ),
    Detector("private-key", Rank.CRITICAL, r"PRIVATE KEY", re.compile(PEM), is_pem),
)
