"""Texts laid out for one automaton, from values that are objects already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collector.views import Blob, PackedValues


def encoded(text: str) -> bytes:
    """UTF-8; what cannot be encoded, such as half a surrogate pair, becomes ``?``."""
    return text.encode("utf-8", "replace")


def pack(texts: Sequence[str], owners: Sequence[int], most: int) -> list[Blob]:
    """Texts joined by line breaks.

    Args:
        texts: in any order.
        owners: the index of the value of each.
        most: bytes of one blob, where a single text is not longer.
    """
    found: list[Blob] = []
    data = bytearray()
    starts: list[int] = []
    first = 0
    for at, text in enumerate(texts):
        raw = encoded(text)
        if starts and len(data) + len(raw) >= most:
            found.append((bytes(data), starts, owners[first:at]))
            data, starts, first = bytearray(), [], at
        starts.append(len(data))
        data += raw
        data += b"\n"
    if starts:
        found.append((bytes(data), starts, owners[first:]))
    return found


class Listed(PackedValues):
    """Keys and texts in a list.

    Args:
        pairs: key and text of each value.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def pair(self, index: int) -> tuple[str, str]:
        """See `PackedValues.pair`."""
        return self._pairs[index]

    def blobs(
        self, special: Callable[[str], bool], shortest: int, longest: int, most: int
    ) -> tuple[list[Blob], list[int]]:
        """See `PackedValues.blobs`."""
        texts: list[str] = []
        owners: list[int] = []
        alone: list[int] = []
        for index, (key, text) in enumerate(self._pairs):
            if special(key) or len(text) > longest:
                alone.append(index)
            elif len(text) < shortest:
                continue
            elif "%" in text or "\\" in text:
                alone.append(index)
            else:
                texts.append(text)
                owners.append(index)
        return pack(texts, owners, most), alone
