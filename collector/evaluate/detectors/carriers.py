"""Credentials by the ways in which programs write them: commands, SQL, dumps of headers, sentences.

Sources: the manuals of the programs (curl, mysql, openssl, redis, sshpass), RFC 6265 and RFC 9110
for headers, RFC 7578 for forms, the drivers' data source names, and PHP's, Go's and Java's ways of
printing a map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.evaluate.detectors.base import Detector, Found, Rank, secret_of
from collector.evaluate.detectors.checks import is_wordlike
from collector.evaluate.detectors.names import API_KEY_HEADERS, Name, is_session, read
from collector.evaluate.detectors.placeholders import is_placeholder
from collector.evaluate.detectors.values import (
    is_opaque,
    is_password,
    is_secret,
    is_unquoted_password,
)

_SHORTEST_COOKIE = 16  # Datadog's rule for session cookies
_COOKIE_BEFORE = 1024  # characters in which the header's name is looked for
_LONG = 8

_NAMED = r"(?P<name>[\w.-]{2,60})"
_WORD = r"(?P<secret>[^\s\"'`]{3,512})"
_QUOTE = r"(?:\\?[\"'])?"


def _names(match: re.Match[str]) -> bool:
    """Whether the name beside it promises a secret, and the value is one."""
    name, secret = read(match["name"]).name, secret_of(match)
    if name is Name.PASSWORD or match["name"].lower() in {"pass", "pw"}:
        return is_password(secret)
    return name in {Name.SECRET, Name.API_KEY} and is_secret(secret)


def _states(match: re.Match[str]) -> bool:
    return is_password(secret_of(match))


def _unquoted(match: re.Match[str]) -> bool:
    return is_unquoted_password(secret_of(match))


def _told(match: re.Match[str]) -> bool:
    """Whether what a sentence calls a password is one, and not the next word."""
    secret = secret_of(match)
    strong = len(secret) >= _LONG and any(map(str.isdigit, secret)) and is_password(secret)
    return strong and (match["unsure"] is None or not is_wordlike(secret))


def _header(match: re.Match[str]) -> bool:
    secret = secret_of(match)
    return len(secret) >= _LONG and is_secret(secret)


def _opaque(match: re.Match[str]) -> bool:
    return is_opaque(secret_of(match))


def _cookie(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - _COOKIE_BEFORE) : match.start()].lower()
    secret = secret_of(match)
    named = "cookie" in before and is_session(match["name"])
    return named and not is_placeholder(secret) and not is_wordlike(secret)


def _inserted(text: str) -> Iterator[Found]:
    """Values of the columns of an INSERT whose names promise a secret."""
    for match in _INSERT.finditer(text):
        columns = [one.strip(" \t\n\"'`[]") for one in match["columns"].split(",")]
        values = list(_LITERAL.finditer(text, match.start("values"), match.end("values")))
        if len(columns) != len(values):
            continue
        for column, value in zip(columns, values, strict=True):
            if value["secret"] is None:
                continue
            name = read(column).name
            judge = {Name.PASSWORD: is_password, Name.SECRET: is_secret}.get(name)
            if judge is not None and judge(value["secret"]):
                yield Found(*value.span("secret"), column)


_LITERAL = re.compile(r"\s*(?:N?'(?P<secret>[^'\n]{0,512})'|[^,'()]{1,128})\s*(?:,|$)")
_INSERT = re.compile(
    r"(?i:INSERT\s+INTO\s)[^\s(]{1,128}\s*\((?P<columns>[^()]{1,1024})\)"
    r"\s*(?i:VALUES)\s*\((?P<values>(?:[^()']|'[^'\n]{0,512}'){1,4096})\)"
)
_SESSION_NAME = (
    r"(?P<name>[\w.-]{0,60}?(?i:sess(?:ion)?[\w.-]{0,48}|sid|auth[\w.-]{0,24}|token|jwt"
    r"|wordpress_(?:logged_in|sec)\w{0,40}|remember[\w-]{0,24}))"
)


def _row(
    name: str, gate: str, expression: str, confirm: object = _states, *, silent: bool = True
) -> Detector:
    return Detector(
        name,
        Rank.HIGH,
        gate,
        re.compile(expression),
        confirm,  # type: ignore[arg-type]
        silent=silent,
    )


_PASSWORD, _SECRET, _API_KEY = "password-assignment", "secret-assignment", "api-key-header"

CARRIERS: tuple[Detector, ...] = (
    _row(
        "session-cookie",
        r"(?i:cookies?)[\"'\\]{0,3}[ \t]{0,4}[:=]",
        rf"(?<![\w.-]){_SESSION_NAME}{_QUOTE}(?:=|:[ ]?){_QUOTE}"
        rf"(?P<secret>[^;,\s\"'\\\]}}]{{{_SHORTEST_COOKIE},4096}})",
        _cookie,
        silent=False,
    ),
    _row(
        "session-cookie",
        r"(?:-b|--cookie)[ =]{1,2}[\"']?[A-Za-z_]",
        r"(?:\s-b|--cookie)[ =]{1,2}[\"']?(?P<name>[\w.-]{1,60})="
        rf"(?P<secret>[^;\s\"']{{{_SHORTEST_COOKIE},4096}})",
        lambda match: is_session(match["name"]) and not is_placeholder(secret_of(match)),
        silent=False,
    ),
    _row(
        "authorization-header",
        r"(?i:authorization)[\"'\\]{0,3}[ \t]{0,4}[:=]",
        rf"(?i:authorization){_QUOTE}\s{{0,4}}[:=]\s{{0,4}}{_QUOTE}[A-Za-z-]{{3,24}}\\?\s{{1,2}}"
        r"(?P<secret>[A-Za-z0-9._~+/-]{16,4096}={0,2})",
        _opaque,
    ),
    _row(
        _API_KEY,
        rf"(?i:{'|'.join(sorted(API_KEY_HEADERS))})[\"'\\]{{0,3}}[ ]{{0,2}}[:=,]",
        rf"(?i:(?<![\w-])(?P<name>{'|'.join(sorted(API_KEY_HEADERS, key=len, reverse=True))}))"
        rf"{_QUOTE}\s{{0,2}}[:=,]\s{{0,2}}\[?{_QUOTE}\[?(?P<secret>[A-Za-z0-9._~+/=-]{{8,512}})",
        _header,
        silent=False,
    ),
    _row(
        _SECRET,
        r"(?i:passw(?:or)?d|secret|token|credential|[_-]key)[A-Za-z0-9_.-]{0,24}"
        r"[\"']?[ ]{0,2},?[ \t\r\n]{1,12}?[\"']?value[\"']?[ ]?:"
        r"|(?i:passw(?:or)?d|secret|token|credential|[_-]key)[A-Za-z0-9_.-]{0,24}"
        r"[\"'],[ ]?[\"']value[\"'][ ]?:",
        rf"(?i:\b(?:name|key))[\"']?\s{{0,2}}[:=]\s{{0,2}}[\"']?{_NAMED}[\"']?\s{{0,12}},?\s{{0,12}}"
        rf"[\"']?(?i:value)[\"']?\s{{0,2}}[:=]\s{{0,2}}[\"']?{_WORD}",
        _names,
    ),
    _row(
        _SECRET,
        r"--[a-z-]{0,20}(?:secret|token|pass|key)[a-z-]{0,12}[ =]",
        rf"(?<!\S)--{_NAMED}[ =][\"']?(?!-){_WORD}",
        _names,
    ),
    _row(_PASSWORD, r"sshpass -p", rf"\bsshpass\s-p\s?[\"']?{_WORD}"),
    _row(
        _PASSWORD,
        r"mysql[a-z]{0,6} -",
        r"\bmysql[a-z]{0,6}\s[^\n|;]{0,200}?(?<=\s)-p(?P<secret>[^\s\"'=-][^\s\"']{3,255})",
    ),
    _row(_PASSWORD, r"-pass(?:in|out)? pass:", rf"-pass(?:in|out)?\spass:{_WORD}"),
    _row(
        _PASSWORD,
        r"curl [^\n]{0,300}(?:-u|--user)[ =]",
        r"\bcurl(?:\s[^\n]{0,300}?)?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,64}:"
        r"(?P<secret>[^\s\"']{3,256})",
    ),
    _row(
        _PASSWORD,
        r"redis-cli [^\n]{0,200}(?:-a|--pass) ",
        rf"\bredis-cli(?:\s[^\n]{{0,200}}?)?\s(?:-a|--pass)\s[\"']?{_WORD}",
    ),
    _row(
        _PASSWORD,
        r"(?i:requirepass|masterauth)[ \"']",
        rf"(?i:\b(?:requirepass|masterauth))[\"']?\s{{1,4}}[\"']?{_WORD}",
    ),
    _row(
        _PASSWORD, r"AUTH [^ \t\r\n]{4}", rf"^\s?AUTH\s(?:[\w.-]{{1,64}}\s)?{_WORD}\s?$", _unquoted
    ),
    _row(
        _PASSWORD,
        r"(?i:password)[ ]?(?:\(|= ?N)['\"]",
        r"(?i:\bpassword)\s?(?:\(|=\s?N)[\"'](?P<secret>[^\"'\n]{3,512})[\"']",
    ),
    _row(
        _PASSWORD,
        r"@(?:tcp|unix)\(",
        r"(?<![\w/@:])[\w.-]{1,64}:(?P<secret>[^\s@/:]{3,256})@(?:tcp|unix)\(",
    ),
    _row(
        _PASSWORD,
        r"jdbc:oracle:",
        r"jdbc:oracle:(?:thin|oci8?):[^/\s@]{1,64}/(?P<secret>[^@\s/]{3,256})@",
    ),
    _row(
        _PASSWORD,
        r"(?i:login)[ ][^ \r\n]{1,64}[ ]password[ ]",
        rf"\blogin\s[^\s]{{1,64}}\spassword\s{_WORD}",
    ),
    _row(
        _SECRET,
        r"ENV [A-Z0-9_]{0,48}(?:PASS|SECRET|TOKEN|KEY)[A-Z0-9_]{0,12}[ =]",
        rf"\bENV\s{_NAMED}[ =][\"']?{_WORD}",
        _names,
    ),
    _row(_PASSWORD, r"pass=", r"(?<![\w.-])pass=[\"']?(?P<secret>[^\s\"',;&]{6,256})", _unquoted),
    _row(
        _PASSWORD,
        r"form-data; name=",
        rf"form-data; name=\"{_NAMED}\"[^\n]{{0,80}}\r?\n"
        r"(?:[A-Z][\w-]{2,40}:[^\n]{0,80}\r?\n){0,3}\r?\n"
        r"(?P<secret>[^\r\n]{3,512})",
        _names,
    ),
    _row(
        _PASSWORD,
        r"(?i:passw(?:or)?[dt])[^\n:=]{0,80}(?: is|:)[ ]",
        r"(?i:\bpassw(?:or)?[dt](?:\s(?:for|of|to)\s(?:user\s)?[\w.@'-]{1,64})?)"
        r"\s?(?:(?P<unsure>is)|is\s?:|:)\s{1,3}(?P<secret>[^\s\"'`<>]{7,255}[^\s\"'`<>.,;:!?)])",
        _told,
    ),
    Detector(
        _PASSWORD,
        Rank.HIGH,
        r"(?i:insert)[ \t]{1,4}(?i:into)[ \t]",
        _INSERT,
        silent=True,
        finder=_inserted,
    ),
)
