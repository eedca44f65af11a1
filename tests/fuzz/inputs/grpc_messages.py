"""Compressed messages over gRPC, against the standard library.

They are written to a real socket, for gRPC reads them first. It tells the listener neither their
coding nor whether they are compressed at all: a message is taken for what it looks like. An input
is a byte for the coding, one for the flag that says whether it is compressed, and a message.
"""

from __future__ import annotations

import atexit
import gzip
import socket
import zlib
from collections.abc import Iterator
from functools import lru_cache
from threading import Condition
from typing import NamedTuple

from inputs.target import Target

from collector.accept.admission import Admission
from collector.accept.grpc import GrpcListener
from collector.decode.messages import SERVICES, Encoding
from collector.ledger import Ledger, Refusal, Transport
from collector.violation import Signal

HEAD = 2
_MAX_BYTES = 2000
_SECONDS = 20.0
_CODINGS = ("gzip", "deflate", "identity", "")
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
#: Frames of HTTP/2 (RFC 9113), and what ends a stream or a connection.
_DATA, _HEADERS, _RESET, _SETTINGS, _AWAY = 0, 1, 3, 4, 7
_END_STREAM, _END_HEADERS = 1, 4
_FRAME = 9


class _Counted(Ledger):
    """A ledger on which one can wait until it balances."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = Condition()

    def inspected(self, signal: Signal, transport: Transport, items: int) -> None:
        super().inspected(signal, transport, items)
        self._tell()

    def refused(self, signal: Signal | None, transport: Transport, reason: Refusal) -> None:
        super().refused(signal, transport, reason)
        self._tell()

    def settle(self) -> bool:
        """Whether every request that began comes to an end, and in time."""
        with self._changed:
            return self._changed.wait_for(self._balances, _SECONDS)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _balances(self) -> bool:
        entries = self.snapshot()
        ended = entries.inspected.total() + entries.refused.total()
        return entries.received.total() == ended


class _Server(NamedTuple):
    """A listener, and what it was given to inspect."""

    port: int
    ledger: _Counted
    bodies: list[bytes]


@lru_cache(maxsize=1)
def _server() -> _Server:
    bodies: list[bytes] = []
    ledger = _Counted()

    def inspect(signal: Signal, body: bytes, encoding: Encoding) -> int:
        bodies.append(body)
        return 1

    listener = GrpcListener(
        "127.0.0.1:0", inspect, ledger, Admission(), max_bytes=_MAX_BYTES, threads=4
    )
    port = int(listener.start().rpartition(":")[2])
    atexit.register(listener.stop, 0)
    return _Server(port, ledger, bodies)


def run(data: bytes) -> None:
    """What is inspected is what inflates within the bound, and the ledger balances."""
    server = _server()
    head, body = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    coding, compressed = _CODINGS[head[0] % len(_CODINGS)], head[1] & 1
    expected = _expected(body)
    server.bodies.clear()
    _call(server.port, coding, bytes([compressed]) + len(body).to_bytes(4) + body)
    assert server.ledger.settle(), server.ledger.balance()
    wanted = [[] if expected is None else [expected]]
    if expected is None and _spoiled_later(body):
        wanted.append([body])
    if compressed and coding not in _WINDOW:
        wanted.append([])  # gRPC may refuse it
    assert server.bodies in wanted, f"{server.bodies} is not {wanted}"


def _expected(body: bytes) -> bytes | None:
    """The message as the listener should see it; None when it should not."""
    if len(body) > _MAX_BYTES:
        return None
    if body.startswith(b"\x1f\x8b"):
        return _inflated(body, "gzip", None)
    if len(body) > 1 and body[0] == 0x78 and int.from_bytes(body[:2]) % 31 == 0:
        return _inflated(body, "deflate", body)
    return body


def _spoiled_later(body: bytes) -> bool:
    """Whether a message is broken beyond where it is too large, so that it may be either."""
    if body[:1] != b"\x78" or len(body) > _MAX_BYTES:
        return False
    decoder = zlib.decompressobj(_WINDOW["deflate"])
    try:
        decoder.decompress(body)
    except zlib.error:
        return True
    return not decoder.eof or bool(decoder.unused_data)


def _inflated(body: bytes, coding: str, spoiled: bytes | None) -> bytes | None:
    """What a message inflates to; None when it is too large."""
    whole, rest = b"", body
    while rest:
        decoder = zlib.decompressobj(_WINDOW[coding])
        try:
            whole += decoder.decompress(rest, _MAX_BYTES + 1 - len(whole))
        except zlib.error:
            return spoiled
        if len(whole) > _MAX_BYTES:
            return None
        if not decoder.eof or (decoder.unused_data and coding != "gzip"):
            return spoiled
        rest = decoder.unused_data
    return whole


def _call(port: int, coding: str, message: bytes) -> None:
    """Call Export with the bytes of a message, and wait for the end of the call."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": f"/{SERVICES[Signal.TRACES]}/Export",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
        "grpc-encoding": coding,
    }
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in headers.items()
        if value
    )
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + _frame(_SETTINGS, 0, 0, b"")
            + _frame(_HEADERS, _END_HEADERS, 1, block)
            + _frame(_DATA, _END_STREAM, 1, message)
        )
        with connection.makefile("rb") as answers:
            while len(head := answers.read(_FRAME)) == _FRAME:
                kind, flags = head[3], head[4]
                answers.read(int.from_bytes(head[:3]))
                ends = kind in (_HEADERS, _DATA) and flags & _END_STREAM
                if ends or kind in (_RESET, _AWAY):
                    return


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def seeds() -> Iterator[bytes]:
    """Messages compressed and not, whole and spoiled, within the bound and beyond."""
    for size in (0, 300, _MAX_BYTES, _MAX_BYTES + 1, 60_000):
        text = (b"\x0a\x00" * size)[:size]
        packed = gzip.compress(text, mtime=0)
        yield b"\0\1" + packed
        yield b"\1\1" + zlib.compress(text)
        yield b"\2\0" + text[:3000]
        yield b"\0\1" + packed[:-3]
        yield b"\0\1" + packed + b"x"
    yield b"\0\0plain"
    yield b"\3\1plain"
    yield b"\2\1plain"
    yield b"\0\1" + gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0)


WORDS = (b"\x1f\x8b\x08", b"\x78\x9c", b"\0\0\xff\xff", b"\x03\0", b"\x0a\x00")

TARGET = Target(run, seeds, WORDS)
