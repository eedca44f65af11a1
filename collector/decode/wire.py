"""The wire format of protobuf, as far as it is read here without protobuf."""

from __future__ import annotations

from collections.abc import Iterator

# Wire types.
VARINT, DELIMITED, GROUPS = 0, 2, frozenset({3, 4})
FIXED = {1: 8, 5: 4}
_MORE = 0x80


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return value, at


def _parts(data: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """The tag of each field up to a group, and where it, its content and what follows begin."""
    at = 0
    while at < len(data):
        tag, content = varint(data, at)
        wire = tag & 7
        if wire in GROUPS:
            return
        size = FIXED.get(wire)
        if size is None:
            size, content = varint(data, content)
        end = content if wire == VARINT else content + size
        yield tag, at, content, end
        at = end


def fields(data: memoryview, number: int) -> Iterator[memoryview]:
    """The contents of a field that holds messages, each time it stands in one.

    Args:
        data: a message that protobuf could read, and that holds no group.
        number: of the field.
    """
    for tag, _, content, end in _parts(data):
        if tag & 7 == DELIMITED and tag >> 3 == number:
            yield data[content:end]


def head(raw: bytes, most: int) -> bytes:
    """The first fields of a message that together have at most so many bytes.

    Args:
        raw: a message that protobuf could read; a shorter one is returned as it is.
        most: bytes; a field that is longer is left out.
    """
    if len(raw) <= most:
        return raw
    data, kept = memoryview(raw), bytearray()
    for _, begin, _, end in _parts(data):
        if end - begin > most:
            continue
        if len(kept) + end - begin > most:
            break
        kept += data[begin:end]
    return bytes(kept)
