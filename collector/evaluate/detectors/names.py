"""What the name of an attribute, header, parameter or member says about its value."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from collector.evaluate.detectors.checks import words

_LONGEST = 256  # only the end of a longer name is read
_SEGMENT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_HEADER = re.compile(r"(?:^|\.)(?:headers?|metadata)\.(?P<header>[^.]+)$", re.IGNORECASE)
_BAGGAGE = re.compile(r"baggage\.(?P<member>.+)", re.IGNORECASE | re.DOTALL)


class Name(Enum):
    """What a name promises."""

    PLAIN = auto()
    PASSWORD = auto()
    SECRET = auto()
    AUTHORIZATION = auto()
    API_KEY = auto()
    COOKIE = auto()
    SESSION = auto()


class Key(NamedTuple):
    """What is known of a value by the key under which it stands.

    Attributes:
        name: what the last segments promise.
        words: all segments, in lower case.
        member: of a ``baggage.NAME`` attribute, the name.
        members: the value is a baggage header.
    """

    name: Name
    words: frozenset[str]
    member: str = ""
    members: bool = False


#: Headers that carry a key; source: the vendors' API references.
API_KEY_HEADERS = words(
    """
    x-api-key api-key apikey x-apikey x-auth-token x-auth-key x-access-token x-vault-token
    x-goog-api-key ocp-apim-subscription-key dd-api-key dd-application-key x-amz-security-token
    x-functions-key x-ms-client-principal x-github-token x-gitlab-token private-token
    job-token x-consul-token x-shopify-access-token x-honeycomb-team x-insert-key x-license-key
    api-token x-api-token x-session-token x-api-secret x-rapidapi-key x-figma-token
    x-datadog-api-key x-newrelic-api-key x-sf-token x-secret-key x-client-secret x-plex-token
    """
)

_PASSWORDS = words(
    "password passwd pwd passphrase passcode passwords passwort kennwort senha passe contrasena"
)
_SECRETS = words(
    """
    secret apikey apitoken accesstoken authtoken secretkey privatekey clientsecret sessiontoken
    refreshtoken idtoken accesskey token credential credentials jwt bearer cvv cvc
    """
)
_KEYED = words(
    """
    api access secret private encryption signing master account shared subscription license
    storage hmac app application auth deploy webhook
    """
)
_PASS_BEFORE = words("db user smtp mysql redis admin root auth login postgres pg ldap")
_NEUTRAL = words(
    """
    value values text raw plain plaintext string str current old new confirm confirmation
    header param decoded encoded literal base
    """
)
_NO_TOKEN = words(
    """
    page next continuation pagination cursor sync max min stop eos bos pad sep mask unk lock
    fencing resume cancellation idempotency client delivery input output prompt completion
    total cached reasoning unexpected syntax invalid lexer parser first per watch progress
    start end skip previous prev change correlation request
    """
)
_NO_SECRET = words("k8s kubernetes sealed external")
_SESSIONS = re.compile(
    r"(?:__(?:host|secure)-)?(?:[\w.-]*(?:sess(?:ion)?(?:[-_.]?(?:id|token|key))?|sid|auth|token|jwt)"
    r"|\.?aspnet(?:core)?[\w.-]*|asp\.net_sessionid|remember[\w-]*|[\w-]*_session[\w-]*"
    r"|s?sess[0-9a-f]{32}|wordpress_(?:logged_in|sec)\w*)",
    re.IGNORECASE,
)


def segments(name: str) -> list[str]:
    """The words of a name in dots, dashes, underscores or camel case, in lower case."""
    return [part.lower() for part in _SEGMENT.findall(name[-_LONGEST:])]


def is_session(cookie: str) -> bool:
    """Whether a cookie of this name holds a session."""
    return _SESSIONS.fullmatch(cookie[-_LONGEST:]) is not None


def _secret(parts: list[str]) -> Name:
    while len(parts) > 1 and (parts[-1] in _NEUTRAL or parts[-1].isdigit()):
        parts = parts[:-1]
    if not parts or "checksum" in parts:
        return Name.PLAIN
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if last in {"hash", "digest"} and before in _PASSWORDS:
        return Name.PASSWORD
    if last in _PASSWORDS or last.endswith(("password", "passwd")):
        operation = before in {"forgot", "reset", "change"} or last.startswith(
            ("forgot", "reset", "change")
        )
        return Name.PLAIN if operation else Name.PASSWORD
    if last == "pass" and before in _PASS_BEFORE:
        return Name.PASSWORD
    benign = _NO_TOKEN if last == "token" else _NO_SECRET
    if last in _SECRETS and before not in benign:
        return Name.SECRET
    return Name.SECRET if last == "key" and before in _KEYED else Name.PLAIN


def _what(name: str, parts: list[str]) -> Name:
    header = _HEADER.search(name)
    spelled = (header["header"] if header else name).lower().replace("_", "-")
    if parts and parts[-1] == "authorization":
        return Name.AUTHORIZATION
    if spelled in API_KEY_HEADERS:
        return Name.API_KEY
    if spelled in {"cookie", "set-cookie"} or parts[-1:] in (["cookie"], ["cookies"]):
        return Name.COOKIE
    if "cookie" in parts[:-1] and is_session(name.rpartition(".")[2]):
        return Name.SESSION
    return _secret(parts)


@lru_cache(maxsize=16_384)
def read(key: str) -> Key:
    """What a key says about the value under it."""
    tail = key[-_LONGEST:]
    attribute = _BAGGAGE.fullmatch(tail)
    member = attribute["member"] if attribute else ""
    parts = segments(member or tail)
    return Key(
        _what(member or tail, parts),
        frozenset(parts),
        member,
        members=not member and parts[-1:] == ["baggage"],
    )
