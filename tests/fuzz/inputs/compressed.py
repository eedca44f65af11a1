"""Bodies with a content coding, against the standard library fed piece by piece.

An input is a byte for the coding, one for the size of pieces, two for the limit, and a body.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from inputs.target import Target

from collector.decode import compression
from collector.decode.compression import CompressionError, TooLargeError, inflate

HEAD = 4
_CODINGS = ("gzip", "deflate", "x-gzip", "", " GZip ", "identity", "br", "gzip, gzip")
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_REFUSED = "refused"


class _Counting:
    """A library of which the decompressors add up what they hand out.

    Args:
        library: zlib or one with its interface.
        made: bytes so far.
    """

    def __init__(self, library: Any, made: list[int]) -> None:
        self.error = library.error
        self._library = library
        self._made = made

    def decompressobj(self, bits: int) -> Any:
        return _Counted(self._library.decompressobj(bits), self._made)


class _Counted:
    def __init__(self, decoder: Any, made: list[int]) -> None:
        self._decoder = decoder
        self._made = made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def decompress(self, data: Any, most: int) -> bytes:
        part = self._decoder.decompress(data, most)
        self._made[0] += len(part)
        return bytes(part)


def run(data: bytes) -> None:
    """The same comes out whatever inflates it and in which pieces, and never more than may."""
    head, body = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    coding, limit = _CODINGS[head[0] % len(_CODINGS)], int.from_bytes(head[2:], "little")
    made = [0]
    libraries = {name: _Counting(getattr(compression, name), made) for name in ("fast", "zlib")}
    with patch.multiple(compression, **libraries):
        ours = _outcome(body, coding, limit)
    assert made[0] <= limit + 1, f"{made[0]} bytes were inflated, and {limit} may be"
    plain = _Counting(zlib, [0])
    with patch.multiple(compression, fast=plain, zlib=plain):
        assert _outcome(body, coding, limit) == ours, "the libraries differ"
    expected = _expected(body, coding.strip().lower(), limit, head[1] + 1)
    assert ours == expected, f"{ours[:80]!r} is not {expected[:80]!r}"


def _outcome(body: bytes, coding: str, limit: int) -> bytes | str:
    try:
        return inflate(body, coding, limit)
    except (TooLargeError, CompressionError):
        return _REFUSED


def _expected(body: bytes, coding: str, limit: int, step: int) -> bytes | str:
    if coding in ("", "identity"):
        return body if len(body) <= limit else _REFUSED
    made, rest = b"", body
    while coding in _WINDOW:
        decoder = zlib.decompressobj(_WINDOW[coding])
        while not decoder.eof:
            piece, rest = rest[:step], rest[step:]
            try:
                made += decoder.decompress(piece, limit + 1 - len(made))
            except zlib.error:
                return _REFUSED
            if len(made) > limit or not piece:
                return _REFUSED
        rest = decoder.unused_data + rest
        if not rest:
            return made
        if coding == "deflate":
            break
    return _REFUSED


def seeds() -> Iterator[bytes]:
    """Bodies of each coding: whole, in members, cut short, spoiled, with every optional header."""
    text = b'{"resourceSpans":[]}' * 20
    packed = gzip.compress(text, mtime=0)
    named = packed[:3] + b"\x1e" + packed[4:10] + b"\x02\0ab" + b"name\0" + b"comment\0"
    crc = zlib.crc32(named).to_bytes(4, "little")[:2]
    bodies = {
        0: (
            packed, packed + gzip.compress(b"x", 1), packed * 3, packed[:-3], packed[:9], b"",
            packed[:-6] + bytes(6), packed + bytes(8), gzip.compress(b"", mtime=0) * 9,
            named + crc + packed[10:], gzip.compress(bytes(60_000), mtime=0),
            gzip.compress(text, 0, mtime=0), packed + packed[:5],
        ),
        1: (
            zlib.compress(text), zlib.compress(text, 9) + b"x", zlib.compress(b""), text,
            zlib.compressobj(9, zlib.DEFLATED, -15).flush(),
            zlib.compressobj(zdict=b"resource").flush(), zlib.compressobj(wbits=9).flush(),
        ),
        3: (text, b""),
        6: (b"x",),
    }  # fmt: skip
    for coding, some in bodies.items():
        for number, body in enumerate(some):
            for limit in (400, 399, 60_000):
                yield bytes([coding, number * 7 % 256]) + limit.to_bytes(2, "little") + body


WORDS = (b"\x1f\x8b\x08", b"\x1f\x8b\x08\x1f", b"\x78\x9c", b"\x78\x01", b"\0\0\xff\xff", b"\x03\0")

TARGET = Target(run, seeds, WORDS)
