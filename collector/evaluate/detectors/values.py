"""Judges a value by what its name promises: names first, no look at its form."""

from __future__ import annotations

import re

from collector.evaluate.detectors.checks import decoded, entropy, is_jwt, is_random, is_wordlike
from collector.evaluate.detectors.placeholders import is_placeholder

_WRAPPING = " \t\r\n\"'[]`,;"
_SHORTEST_PASSWORD = 3
_SHORTEST_SECRET = 8
_SHORTEST_OPAQUE = 16
_LONGEST_NUMBER = 11  # a longer run of digits can be a token; a shorter is a count or a time
_SENTENCE = re.compile(r"[A-Za-z0-9 .,'!?()-]*")
_REFERENCE = re.compile(
    r"""
      arn:[\w-]*:.* | [a-z][a-z0-9+.-]*://[^@\s]* | (?:/|\./|~/|[A-Za-z]:\\).*
    | (?:vault|secret|secrets|projects|kv|ssm|env|file|op|keyvault)[:/].*
    | \d{4}-\d\d-\d\d(?:[T ].*)? | v?\d+(?:\.\d+)+
    """,
    re.VERBOSE | re.DOTALL,
)

_OBJECT = re.compile(r"[\[{]\s*\\?[\"']")

_CODE = re.compile(r"[A-Za-z_$][\w.>$-]*[\[(].*", re.DOTALL)


def trimmed(text: str) -> tuple[int, int]:
    """Where the value stands inside quotes, brackets and white space."""
    start = len(text) - len(text.lstrip(_WRAPPING))
    return start, max(start, len(text.rstrip(_WRAPPING)))


def is_password(text: str) -> bool:
    """Whether what stands under a password's name is one: anything but a stand-in or prose."""
    if len(text) < _SHORTEST_PASSWORD or is_placeholder(text):
        return False
    prose = " " in text and _SENTENCE.fullmatch(text) is not None
    return not prose and _REFERENCE.fullmatch(text) is None and _OBJECT.match(text) is None


def is_secret(text: str) -> bool:
    """Whether what stands under a secret's name is one: no number, word, path or reference."""
    if len(text) < _SHORTEST_SECRET or is_placeholder(text) or any(map(str.isspace, text)):
        return False
    if text.isdecimal() and len(text) <= _LONGEST_NUMBER:
        return False
    return not is_wordlike(text) and _REFERENCE.fullmatch(text) is None


def is_opaque(text: str) -> bool:
    """Whether it is long and random enough to open something."""
    if len(text) < _SHORTEST_OPAQUE or is_placeholder(text) or is_wordlike(text):
        return False
    return is_random(text, bits=2.5) or entropy(text) > 4.0 or is_jwt(text)  # noqa: PLR2004 (bits)


def is_basic(text: str) -> bool:
    """Whether it is the base64 of a user's name and a password (RFC 7617)."""
    raw = decoded(text)
    if raw is None:
        return False
    try:
        user, colon, password = raw.decode().partition(":")
    except UnicodeDecodeError:
        return False
    shown = user.isprintable() and password.isprintable()
    return bool(colon and password) and shown and not is_placeholder(password)


def is_code(text: str) -> bool:
    """Whether an unquoted value is an expression that reads a secret from somewhere."""
    return _CODE.fullmatch(text) is not None


def is_unquoted_password(text: str) -> bool:
    """Whether a bare word after ``password:`` is one, and not the next word of a sentence."""
    return is_password(text) and (not is_wordlike(text) or any(map(str.isdigit, text)))
