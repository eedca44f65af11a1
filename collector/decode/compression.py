"""Inflating request bodies within a bound, so that a small body cannot fill the memory."""

from __future__ import annotations

from typing import Any

zlib: Any
try:
    from isal import isal_zlib as zlib  # the same interface, twice as fast
except ImportError:  # no wheel for this platform
    import zlib

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS

#: Content codings that are read, with zlib's window bits; an empty coding is the identity.
CODINGS: dict[str, int | None] = {
    "": None,
    "identity": None,
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": _ZLIB,
}


class CompressionError(ValueError):
    """A body that is not what its Content-Encoding says."""


class TooLargeError(ValueError):
    """A body that is larger than the limit, as sent or once inflated."""


def inflate(body: bytes, coding: str, limit: int) -> bytes:
    """Undo a content coding.

    Args:
        body: as received.
        coding: value of Content-Encoding; case does not matter.
        limit: bytes allowed after inflation.

    Raises:
        CompressionError: if the coding is unknown, or the body is corrupt or cut short.
        TooLargeError: if more than `limit` bytes would come out; no more than that many
            are ever inflated.
    """
    name = coding.strip().lower()
    if name not in CODINGS:
        allowed = ", ".join(sorted(filter(None, CODINGS)))
        raise CompressionError(f"Content-Encoding is not supported; allowed are {allowed}")
    bits = CODINGS[name]
    if bits is None:
        if len(body) > limit:
            raise TooLargeError(f"the body is larger than {limit} bytes")
        return body
    return _inflate(body, name, bits, limit)


def _inflate(body: bytes, name: str, bits: int, limit: int) -> bytes:
    members: list[bytes] = []
    room = limit
    rest = body
    while True:
        decoder = zlib.decompressobj(bits)
        try:
            member = decoder.decompress(rest, room + 1)
        except zlib.error:
            raise CompressionError(f"the body is not valid {name}") from None
        if len(member) > room:
            raise TooLargeError(f"the body inflates to more than {limit} bytes")
        if not decoder.eof:
            raise CompressionError(f"the {name} body is cut short")
        members.append(member)
        room -= len(member)
        rest = decoder.unused_data
        if not rest or bits != _GZIP:  # RFC 1952 allows several gzip members in a row
            break
    if rest:
        raise CompressionError(f"bytes follow the end of the {name} body")
    return b"".join(members)
