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


def fields(data: memoryview, number: int) -> Iterator[memoryview]:
    """The contents of a field that holds messages, each time it stands in one.

    Args:
        data: a message that protobuf could read, and that holds no group.
        number: of the field.
    """
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        size = FIXED.get(wire)
        if size is None:
            size, at = varint(data, at)
        if wire == VARINT:
            continue
        if wire == DELIMITED and tag >> 3 == number:
            yield data[at : at + size]
        at += size


def head(raw: bytes, most: int) -> bytes:
    """The first fields of a message that together have at most so many bytes.

    Args:
        raw: a message that protobuf could read; a shorter one is returned as it is.
        most: bytes; a field that is longer is left out.
    """
    if len(raw) <= most:
        return raw
    data, at, room, kept = memoryview(raw), 0, most, bytearray()
    while at < len(data):
        tag, end = varint(data, at)
        wire = tag & 7
        if wire in GROUPS:
            break
        size = FIXED.get(wire)
        if size is None:
            size, end = varint(data, end)
        end += 0 if wire == VARINT else size
        if end - at <= most:
            room -= end - at
            if room < 0:
                break
            kept += data[at:end]
        at = end
    return bytes(kept)
