"""Inflating request bodies within a bound, so that a small body cannot fill the memory."""

from __future__ import annotations

import zlib
from typing import Any

fast: Any
try:
    from isal import isal_zlib as fast  # the same interface, twice as fast
except ImportError:  # no wheel for this platform
    fast = zlib

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS

#: Flags of a gzip header that no reader may pass over (RFC 1952); ISA-L does.
_RESERVED = 0xE0

#: Bytes with which a member after the first is begun; each further piece is twice as large.
_FIRST_STEP = 256

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
    if bits == _GZIP and any(flags & _RESERVED for flags in body[3:4]):
        raise CompressionError(f"the body is not valid {name}")
    inflated: list[bytes] = []
    room, at, view = limit, 0, memoryview(body)
    library, step = fast, len(view)
    while at < len(view) or not at:
        decoder = library.decompressobj(bits)
        while not decoder.eof:
            piece = view[at : at + step]
            if not piece:
                raise CompressionError(f"the {name} body is cut short")
            part = _decompressed(decoder, piece, name, room)
            if part:
                inflated.append(part)
            room -= len(part)
            if room < 0:
                raise TooLargeError(f"the body inflates to more than {limit} bytes")
            at += len(piece)
            step *= 2
        at -= len(decoder.unused_data)
        if at < len(view) and bits != _GZIP:  # RFC 1952 allows several gzip members in a row
            raise CompressionError(f"bytes follow the end of the {name} body")
        # Each member copies what follows it in its piece, and isal is slow to begin one: many
        # tiny members would take hours otherwise.
        library, step = zlib, _FIRST_STEP
    return b"".join(inflated)


def _decompressed(decoder: Any, piece: memoryview, name: str, room: int) -> bytes:  # noqa: ANN401
    """What comes out of a piece, one byte more than there is room for at most."""
    try:
        return bytes(decoder.decompress(piece, room + 1))
    except (zlib.error, fast.error):
        raise CompressionError(f"the body is not valid {name}") from None
