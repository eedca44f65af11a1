"""Texts of a sender made shorter, or alike, in whole words.

What is shown passes the detectors of secrets, which know a token by its form: half of one, one in
lower case, or one without its digits would pass them. So what is done to a name before it is shown
is done to whole words, and what may be part of a token is taken out as a whole or left as it is.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

#: Stands for what was left out.
GAP = "…"

_PIECES = re.compile(r"[^\s/]+|[\s/]+")
#: A word beside a cut that is no part of a token or number with blanks or slashes in it.
_PLAIN = re.compile(r"[^\d+~]{0,24}")
_LONG_WORD = re.compile(r"[^\s/]{16,}")
_CAPITALS = re.compile(r"[A-Z]{20}")  # as in the id of an AWS key, which may have no digit

_LEAST = 16  # characters of a token
_SIGNS = f"{string.ascii_letters}{string.digits}_+=~-"  # that a token is made of
_RUN = re.compile(rf"[{re.escape(_SIGNS)}]{{16,}}")
_STEM = re.compile(r"(?:[A-Za-z]{1,12}[_-])*+")
_DIGIT_THEN_LETTER = re.compile(r"[0-9](?=[A-Za-z])")
_DIGITS = re.compile(r"[0-9]{3,}")
_LONG_PART = re.compile(r"[A-Za-z0-9+=~]{12,}")
_SHORT_WORD = "A[nst]|By|I[dns]|No|O[fnr]|To|Up"
_WORDS = re.compile(rf"(?:[A-Z]*[a-z]{{2,}}|{_SHORT_WORD}|[0-9]+)*+[A-Z]*")
_NUMBER = re.compile(rf"(?P<run>{_RUN.pattern})|{_DIGITS.pattern}")


def cut(text: str, most: int) -> str:
    """The beginning of a text, up to the end of a word.

    Args:
        text: of any length.
        most: characters of the result.
    """
    if len(text) <= most:
        return text
    pieces = _PIECES.findall(text[: max(0, most - len(GAP))])
    return "".join(reversed(list(_sure(reversed(pieces))))) + GAP


def cut_query(query: str, most: int) -> str:
    """The beginning of a query without its values, up to the end of a name.

    Names in it have digits, and often no blank between them; what may be a token has gone.

    Args:
        query: as `collector.statements.masked` leaves it.
        most: characters of the result.
    """
    if len(query) <= most:
        return query
    return query[: max(0, most - len(GAP))].rstrip(_SIGNS).rstrip() + GAP


def _sure(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces of a text away from a cut, from the first that is no part of what was cut."""
    rest = iter(pieces)
    next(rest, "")  # half a word
    for piece in rest:
        if _PLAIN.fullmatch(piece) and not piece[0].isspace() and piece[0] != "/":
            yield piece
            break
    yield from rest


def lower(text: str) -> str:
    """The text in lower case, but for one with a word that may be a token: its case is its form."""
    for match in _LONG_WORD.finditer(text):
        word = match[0]
        mixed = any(map(str.isdigit, word)) and any(map(str.isupper, word))
        if mixed or _CAPITALS.search(word):
            return text
    return text.lower()


def without_tokens(text: str, stand_in: str) -> str:
    """The text without long runs in which letters and digits are mixed; words before them stay.

    Args:
        text: of any length.
        stand_in: takes the place of each.
    """

    def told(match: re.Match[str]) -> str:
        run = match[0]
        stem = _STEM.match(run)
        start = stem.end() if stem else 0
        mixed = len(_DIGIT_THEN_LETTER.findall(run, start)) > 1
        return run[:start] + stand_in if mixed and len(run) - start >= _LEAST else run

    return _RUN.sub(told, text)


def without_numbers(text: str, stand_in: str) -> str:
    """The text without numbers of three digits or more, but for those that may be part of a token.

    Args:
        text: without those that are surely tokens.
        stand_in: takes the place of each number.
    """

    def told(match: re.Match[str]) -> str:
        run = match["run"]
        if run is None:
            return stand_in
        words = all(map(_WORDS.fullmatch, _LONG_PART.findall(run)))
        return _DIGITS.sub(stand_in, run) if words else run

    return _NUMBER.sub(told, text)
