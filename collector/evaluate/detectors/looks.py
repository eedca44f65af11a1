"""Ways to look at a text: as it stands, percent-decoded, and with its escapes resolved."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import NamedTuple

_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[\"'\\/bfnrt])")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ROUNDS = 2  # a URL inside a URL's query is encoded twice


class _Parts(NamedTuple):
    """The encoded parts of a text, in its order.

    Attributes:
        begins: index of each in the decoded text.
        ends: index after each in the decoded text.
        sources: where each stands in what was decoded.
        shifts: by how much plain text before each is moved, and at last that after all of them.
    """

    begins: list[int]
    ends: list[int]
    sources: list[range]
    shifts: list[int]


class Look:
    """A text, and how to find a part of it in the text that was received.

    Args:
        text: to look into.
        source: what it was decoded from; None for a piece of the text that was received.
        escapes: the encoded parts of the source.
        resolve: what such a part stands for.
        base: where a piece begins in the text that was received.
    """

    __slots__ = ("_base", "_escapes", "_parts", "_resolve", "_source", "text")

    def __init__(
        self,
        text: str,
        source: Look | None = None,
        escapes: re.Pattern[str] = _PERCENT,
        resolve: Callable[[re.Match[str]], str] = str,
        base: int = 0,
    ) -> None:
        self.text = text
        self._source = source
        self._escapes = escapes
        self._resolve = resolve
        self._base = base
        self._parts: _Parts | None = None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of this text stands in the text that was received.

        An encoded run that the part touches belongs to it as a whole.
        """
        if self._source is None:
            return start + self._base, end + self._base
        return self._source.origin(self._back(start, last=False), self._back(end, last=True))

    def _back(self, index: int, *, last: bool) -> int:
        parts = self._parts
        if parts is None:
            parts = self._parts = self._read()
        at = (bisect_left if last else bisect_right)(parts.ends, index)
        if at < len(parts.ends):
            begin, source = parts.begins[at], parts.sources[at]
            if index > begin or (index == begin and not last):
                return source.stop if last else source.start
        return index + parts.shifts[at]

    def _read(self) -> _Parts:
        """The encoded parts, read once: a text can have as many finds in it as parts."""
        parts = _Parts([], [], [], [0])
        for match in self._escapes.finditer(self._source.text if self._source else ""):
            begin = match.start() - parts.shifts[-1]
            end = begin + len(self._resolve(match))
            parts.begins.append(begin)
            parts.ends.append(end)
            parts.sources.append(range(*match.span()))
            parts.shifts.append(match.end() - end)
        return parts


def _percent(match: re.Match[str]) -> str:
    """What an encoded run stands for; itself when that is no text, as in %DB_PASSWORD%."""
    try:
        return bytes.fromhex(match[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        return match[0]


def _escape(match: re.Match[str]) -> str:
    body = match[0][1:]
    if len(body) > 1:
        return chr(int(body[1:], 16))
    return _LETTERS.get(body, body)


def decoded(look: Look) -> list[Look]:
    """Further ways to look at a text; none when nothing in it is encoded."""
    found: list[Look] = []
    current = look
    for _ in range(_ROUNDS):
        if "%" not in current.text:
            break
        text = _PERCENT.sub(_percent, current.text)
        if text == current.text:
            break
        current = Look(text, current, _PERCENT, _percent)
        found.append(current)
    for source in (look, *found):
        before = source
        for _ in range(_ROUNDS):
            if "\\" not in before.text:
                break
            text = _ESCAPE.sub(_escape, before.text)
            if text == before.text:
                break
            before = Look(text, before, _ESCAPE, _escape)
            found = [*found, before]
    return found
