"""Credentials that are known by what stands beside them: URLs, assignments, headers, cookies.

Sources: the ``url`` registry of the semantic conventions (query keys to be redacted), RFC 7617,
RFC 6750, RFC 6265, and the shapes that gitleaks and detect-secrets publish.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from collector.evaluate.detectors.base import Detector, Found, Rank, secret_of
from collector.evaluate.detectors.checks import decoded
from collector.evaluate.detectors.names import Name, is_session, read
from collector.evaluate.detectors.placeholders import is_placeholder
from collector.evaluate.detectors.values import (
    is_basic,
    is_code,
    is_opaque,
    is_password,
    is_secret,
    is_unquoted_password,
    trimmed,
)

_SHORTEST_COOKIE = 16  # Datadog's rule for session cookies

_VALUE = (
    # quoted inside a string that is itself quoted; quoted; a stand-in with its brackets; bare
    r"(?P<secret>(?<=\\\")[^\"\\\n]{1,512}|(?<=[^\\]\")(?:\\.|[^\"\\\n]){1,512}|(?<=')[^'\n]{1,512}"
    r"|(?<![\"'])(?:[$#%@]?\{{1,2}[^{}\n]{0,80}\}{1,2}|<[^<>\n]{0,80}>|\[[^\[\]\n]{0,80}\])[^\s\"',;&)\]}|]{0,80}"
    r"|(?<![\"'])[^\s\"',;&<>)\]}|]{1,512})"
)
_MARK = r"(?:\\?[\"']|&quot;|&#0?3[49];|\])?"
_ASSIGN = rf"{_MARK}\s{{0,4}}(?:=>|:=|=|:)\s{{0,4}}(?:\\?[\"']|&quot;|&#0?3[49];)?"
_PHRASES = (
    r"(?:passw(?:or)?[dt]|passphrase|passcode|kennwort|mot_?de_?passe|contrasena|senha|pwd"
    r"|(?<=db_)pass|(?<=user_)pass)"
)
_KEY_NAMES = (
    r"(?:secret|token|credential|(?:api|access|private|signing|encryption|master|auth|account"
    r"|shared|subscription|storage|hmac|app|license)[_.-]?key)"
)
_QUERY_NAMES = (
    "x-amz-signature|x-amz-credential|x-amz-security-token|awsaccesskeyid|x-goog-signature"
    "|signature|sig|access_token|refresh_token|id_token|auth_token|api_key|api-key|apikey"
    "|client_secret|password|passwd|pwd|secret|reset_token|session_token|sessionid|token"
    "|client_assertion|magic_token|invite_token"
)
_PARAMETER = rf"(?P<name>(?i:{_QUERY_NAMES}))=(?P<secret>[^&\s\"'<>#;,|)]{{1,8192}})"
_SIGNATURES = frozenset({"signature", "sig"})


def _assignment(word: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.-])(?P<name>[\w.-]{{0,60}}?{word}[\w.-]{{0,24}}){_ASSIGN}{_VALUE}",
        re.IGNORECASE,
    )


def _is_quoted(match: re.Match[str]) -> bool:
    return match.string[match.start("secret") - 1 : match.start("secret")] in {'"', "'"}


def _is_glued(match: re.Match[str]) -> bool:
    """Whether it follows an equals sign at once, as nothing in a sentence does."""
    return match.string[match.start("secret") - 1 : match.start("secret")] == "="


def _assigns_password(match: re.Match[str]) -> bool:
    if read(match["name"]).name is not Name.PASSWORD:
        return False
    secret = secret_of(match)
    if _is_quoted(match):
        return is_password(secret)
    if is_code(secret):
        return False
    return is_password(secret) if _is_glued(match) else is_unquoted_password(secret)


def _assigns_secret(match: re.Match[str]) -> bool:
    known = read(match["name"]).name in {Name.SECRET, Name.API_KEY}
    secret = secret_of(match)
    if not known or not is_secret(secret):
        return False
    if _is_quoted(match):
        return True
    sure = _is_glued(match) or is_opaque(secret) or any(map(str.isdigit, secret))
    return sure and not is_code(secret)


def _states_password(match: re.Match[str]) -> bool:
    return is_password(secret_of(match))


def _in_query(match: re.Match[str]) -> bool:
    secret, name = secret_of(match), match["name"].lower()
    if is_placeholder(secret) or secret.upper().startswith("REDACTED"):
        return False
    if name in _SIGNATURES:
        return is_opaque(secret)
    if name == "token" or name.endswith("_token"):
        return is_secret(secret)
    return len(secret) > 3  # noqa: PLR2004 (a shorter one cannot be told from a flag)


def _in_userinfo(match: re.Match[str]) -> bool:
    return not is_placeholder(secret_of(match))


def _basic(match: re.Match[str]) -> bool:
    return is_basic(secret_of(match))


def _bearer(match: re.Match[str]) -> bool:
    return is_opaque(secret_of(match))


def _cookie(match: re.Match[str]) -> bool:
    secret = secret_of(match)
    return len(secret) >= _SHORTEST_COOKIE and not is_placeholder(secret)


def _connection(match: re.Match[str]) -> bool:
    raw = decoded(secret_of(match))
    return raw is not None and len(raw) in {32, 64} and not is_placeholder(secret_of(match))


_SCHEME = r"(?P<secret>[A-Za-z0-9._~+/-]{16,4096}={0,2})"
_COOKIE_PAIR = re.compile(
    r"(?:^|[;,\s\"'\[{])(?P<name>[\w.-]{1,128})(?:=|[\"']:\s?[\"'])(?P<secret>[^;,\s\"'\]]{1,4096})"
)

CREDENTIALS: tuple[Detector, ...] = (
    Detector(
        "azure-connection-string",
        Rank.CRITICAL,
        r"(?i:AccountKey|SharedAccessKey)=",
        re.compile(r"(?i:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{43,86}={1,2})"),
        _connection,
    ),
    Detector(
        "basic-auth-url",
        Rank.HIGH,
        r"://[^/?# \t\r\n@]*@",
        re.compile(
            r"://[^\s/?#@:]{0,256}:(?P<secret>[^\s/?#@]{1,256}(?:@[^\s/?#@:]{1,64}(?=@))?)@"
        ),
        _in_userinfo,
        silent=True,
    ),
    Detector(
        "basic-auth-header",
        Rank.HIGH,
        r"(?i:basic)(?:[ \t+]|%20)[A-Za-z0-9+/_-]{4}",
        re.compile(r"(?<![\w-])(?i:basic)[\s+]{1,4}(?P<secret>[A-Za-z0-9+/_-]{4,4096}={0,2})"),
        _basic,
        silent=True,
    ),
    Detector(
        "bearer-token",
        Rank.HIGH,
        r"(?i:bearer)\\?[ \t+]{1,4}[A-Za-z0-9._~+/-]{16}",
        re.compile(rf"(?<![\w-])(?i:bearer)\\?[\s+]{{1,4}}{_SCHEME}"),
        _bearer,
    ),
    Detector(
        "authorization-header",
        Rank.HIGH,
        r"(?i:authorization)[\"'\\]{0,3}[ \t]{0,4}[:=]",
        re.compile(rf"(?i:authorization)(?:\\?[\"'])?\s{{0,4}}[:=]\s{{0,4}}(?:\\?[\"'])?{_SCHEME}"),
        _bearer,
    ),
    Detector(
        "url-query-secret",
        Rank.HIGH,
        rf"[?&#](?i:{_QUERY_NAMES})=|(?i:{_QUERY_NAMES})=[^ \t\r\n]*&",
        re.compile(rf"(?:[?&#]|^(?=[^\s,;{{}}]*&)){_PARAMETER}"),
        _in_query,
        words=frozenset({"query"}),
        not_words=frozenset({"db", "sql"}),
        bare=re.compile(rf"(?:[?&#]|^){_PARAMETER}"),
    ),
    Detector(
        "session-cookie",
        Rank.HIGH,
        r"(?i:jsessionid|phpsessid|connect\.sid|asp\.net_sessionid|laravel_session)=",
        re.compile(
            r"(?P<name>(?i:jsessionid|phpsessid|connect\.sid|asp\.net_sessionid|laravel_session))"
            r"=(?P<secret>[^;,&?\s\"'\]]{1,4096})"
        ),
        _cookie,
    ),
    Detector(
        "password-assignment",
        Rank.HIGH,
        r"(?i:passw(?:or)?[dt]|passphrase|passcode|kennwort|de_?passe|contrasena|senha|pwd|db_pass"
        r"|user_pass)[A-Za-z0-9_.\x80-\xff-]{0,24}(?:[\"'\\\]]{0,3}|&quot;|&#0?3[49];)"
        r"[ \t\r\n]{0,4}[:=]",
        _assignment(_PHRASES),
        _assigns_password,
        silent=True,
    ),
    Detector(
        "password-assignment",
        Rank.HIGH,
        r"(?i:identified[ ]by|--passw|password[ ]['\"]|passw(?:or)?d>)",
        re.compile(
            r"(?i:\bIDENTIFIED\s+BY\s+|--passw(?:or)?d[ =]|\bPASSWORD\s+(?=['\"]))[\"']?"
            r"(?P<secret>(?<=\")[^\"\n]{1,512}|(?<=')[^'\n]{1,512}|(?<![\"'])[^\s\"']{1,512})"
        ),
        _states_password,
        silent=True,
    ),
    Detector(
        "password-assignment",
        Rank.HIGH,
        r"(?i:passw(?:or)?d)(?:[ ][^<>\n]{0,100})?>",
        re.compile(
            r"<(?P<name>[\w.:-]{0,40}(?i:passw(?:or)?d))(?:\s[^<>\n]{0,100})?>"
            r"(?P<secret>[^<\n]{1,512})<"
        ),
        _states_password,
        silent=True,
    ),
    Detector(
        "secret-assignment",
        Rank.HIGH,
        r"(?i:secret|token|credential|(?:api|access|private|signing|encryption|master|auth|account"
        r"|shared|subscription|storage|hmac|app|license)[_.-]?key)[A-Za-z0-9_.-]{0,24}"
        r"(?:[\"'\\\]]{0,3}|&quot;|&#0?3[49];)[ \t]{0,4}[:=]",
        _assignment(_KEY_NAMES),
        _assigns_secret,
    ),
)

#: Detectors that go by the name of a value alone.
BY_NAME: tuple[Detector, ...] = tuple(
    Detector(name, rank, "", re.compile(r"(?!)"), silent=silent)
    for name, rank, silent in (
        ("secret-attribute", Rank.HIGH, True),
        ("authorization-header", Rank.HIGH, True),
        ("api-key-header", Rank.HIGH, False),
        ("session-cookie", Rank.HIGH, False),
    )
)
_NAMED = {detector.name: detector for detector in BY_NAME}


def _whole(
    name: str, judge: Callable[[str], bool]
) -> Callable[[str], Iterator[tuple[Detector, Found]]]:
    def look(text: str) -> Iterator[tuple[Detector, Found]]:
        start, end = trimmed(text)
        if judge(text[start:end]):
            yield _NAMED[name], Found(start, end)

    return look


def _authorization(text: str) -> Iterator[tuple[Detector, Found]]:
    start, end = trimmed(text)
    scheme, _, rest = text[start:end].partition(" ")
    if scheme.lower() == "basic" and rest:
        secret = is_basic(rest.strip())
    elif rest:
        secret = _is_header_key(rest.strip())
    else:
        secret = is_opaque(scheme)
    if secret:
        yield _NAMED["authorization-header"], Found(start, end)


def _cookies(text: str) -> Iterator[tuple[Detector, Found]]:
    for match in _COOKIE_PAIR.finditer(text):
        if is_session(match["name"]) and _cookie(match):
            yield _NAMED["session-cookie"], Found(*match.span("secret"), match["name"])


def _is_header_key(text: str) -> bool:
    return len(text) >= 6 and not is_placeholder(text)  # noqa: PLR2004 (the shortest key in use)


def _is_cookie(text: str) -> bool:
    return len(text) >= _SHORTEST_COOKIE and not is_placeholder(text)


#: What to do with a value under a name that promises something.
NAMED: dict[Name, Callable[[str], Iterator[tuple[Detector, Found]]]] = {
    Name.PASSWORD: _whole("secret-attribute", is_password),
    Name.SECRET: _whole("secret-attribute", is_secret),
    Name.AUTHORIZATION: _authorization,
    Name.API_KEY: _whole("api-key-header", _is_header_key),
    Name.SESSION: _whole("session-cookie", _is_cookie),
    Name.COOKIE: _cookies,
}
