"""Checks that tell a secret from a string that only looks like one."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import zlib
from collections import Counter
from functools import lru_cache

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HEX = frozenset("0123456789abcdefABCDEF")
_PIECE = re.compile(r"[a-z]+|[A-Z]+|[A-Z][a-z]+|[a-z]*[vV]?[0-9]{1,3}|[0-9]+")
_SPLIT = re.compile(r"[-_./:,; ]+")
_LONGEST_WORD = 16  # a longer run of letters of one case is rather random than a word


def words(text: str) -> frozenset[str]:
    """A set of words, written as a text."""
    return frozenset(text.split())


def entropy(text: str) -> float:
    """Shannon entropy in bits per character; 0 for an empty text."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values()) if total else 0.0


def _spelled(number: int, alphabet: str, digits: int) -> str:
    out = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        out = alphabet[digit] + out
    return out.rjust(digits, "0")


def base36(number: int, digits: int) -> str:
    """A number in 0-9 and a-z, padded with zeros."""
    return _spelled(number, _BASE36, digits)


def base62(number: int, digits: int) -> str:
    """A number in 0-9, A-Z and a-z, padded with zeros."""
    return _spelled(number, _BASE62, digits)


def base62_crc32(text: str, digits: int = 6) -> str:
    """CRC32 of a text in base62.

    Source: github.blog, "Behind GitHub's new authentication token formats" (2021).
    """
    return base62(zlib.crc32(text.encode()), digits)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        number = int(char) * (1 + place % 2)
        total += number - 9 if number > 9 else number  # noqa: PLR2004 (the digit sum)
    return total % 10 == 0


def mod97(account: str) -> bool:
    """Whether the check digits of an IBAN without spaces are right (ISO 13616)."""
    moved = account[4:] + account[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def decoded(text: str) -> bytes | None:
    """Bytes of base64 or base64url, padded or not; None when it is neither."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def json_object(text: str) -> dict[str, object] | None:
    """The JSON object that base64url stands for; None when it is no such thing."""
    raw = decoded(text)
    if raw is None or not raw.lstrip().startswith(b"{"):
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def is_jwt(text: str) -> bool:
    """Whether it is a signed token (RFC 7519 in the form of RFC 7515) or an encrypted one.

    The header must be JSON with ``alg``. A payload must be JSON too, and a signature must
    follow; an encrypted token has five parts and an ``enc`` in its header.
    """
    parts = text.split(".")
    header = json_object(parts[0])
    if header is None or not isinstance(header.get("alg"), str):
        return False
    if len(parts) == 5:  # noqa: PLR2004 (RFC 7516)
        return "enc" in header
    signed = len(parts) == 3 and parts[2] != ""  # noqa: PLR2004 (RFC 7515)
    return signed and json_object(parts[1]) is not None


def _is_word(piece: str) -> bool:
    if piece.isascii():
        return _PIECE.fullmatch(piece) is not None
    return piece.isalpha() and (piece.islower() or piece.isupper() or piece.istitle())


@lru_cache(maxsize=1024)
def is_wordlike(text: str) -> bool:
    """Whether a text reads as words, names or a path rather than as random characters."""
    pieces = [piece for piece in _SPLIT.split(text) if piece]
    return all(len(piece) < _LONGEST_WORD and _is_word(piece) for piece in pieces)


def is_hex(text: str) -> bool:
    """Whether there is nothing but hexadecimal digits."""
    return _HEX.issuperset(text)


def is_random(text: str, *, bits: float = 3.0) -> bool:
    """Whether it has letters and digits and at least so much entropy per character."""
    return (
        any(char.isdigit() for char in text)
        and any(char.isalpha() for char in text)
        and entropy(text) >= bits
    )
