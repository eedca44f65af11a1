"""A connection of the OTLP/HTTP listener, in process: bytes in, answers and ledger out.

An input is two bytes that say where the bytes are split, and the bytes of a connection.
"""

from __future__ import annotations

import asyncio
import logging
import random
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from inputs.http_seeds import TOKEN, WORDS, seeds
from inputs.in_process import Inline, Log, Transport
from inputs.target import Target

from collector.accept import http
from collector.accept.admission import Admission
from collector.accept.guard import Guard, Tokens
from collector.accept.http import HttpListener
from collector.decode import best
from collector.decode.messages import Encoding
from collector.decode.otlp_json import to_protobuf
from collector.demand import Demand
from collector.ledger import Ledger, Refusal
from collector.violation import Signal

HEAD = 2
_MAX_BYTES = 2000
_MOST_TURNS = 2000
_MALFORMED = b"this is no HTTP request"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: A request line without a version is one of HTTP/0.9, and answered in its words.
_VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9")
#: aiohttp reads on for so long what is sent to a connection that it will close.
_LINGERING = 5.0
_DECODER = best.decoder(Demand())


class _Answer(NamedTuple):
    """What can be compared of an answer."""

    status: int
    kind: str
    body: bytes
    closes: bool


class _Seen(NamedTuple):
    """What came of a connection."""

    answers: list[_Answer]
    bodies: list[tuple[Signal, bytes, Encoding]]
    closed: bool


def run(data: bytes) -> None:
    """However the bytes are split, the answers are the same, and nothing is left of them."""
    head, sent = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    whole = _connection([sent], guarded=bool(head[0] & 1))
    split = _connection(_pieces(sent, int.from_bytes(head)), guarded=bool(head[0] & 1))
    for one, other in zip(whole.answers, split.answers, strict=False):
        # Requests right before what is no HTTP are lost with it where they arrive together, and
        # what comes after an answer that closes the connection may have arrived or not.
        if _MALFORMED in one.body + other.body:
            return
        assert one[:3] == other[:3], f"{one} is not {other}"
        if one.closes or other.closes:
            return
    if b"upgrade" in sent.lower():
        return  # which is not given; what arrives together with the request is left with it
    assert len(whole.answers) == len(split.answers), (whole, split)
    assert whole.bodies == split.bodies


def _pieces(data: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    most = rng.choice((1, 2, 7, 60, 400))
    pieces, at = [], 0
    while at < len(data):
        size = rng.randint(1, most)
        pieces.append(data[at : at + size])
        at += size
    return pieces


def _connection(pieces: Sequence[bytes], *, guarded: bool) -> _Seen:
    """Send bytes over a connection of a listener, and then close it."""
    bodies: list[tuple[Signal, bytes, Encoding]] = []

    def inspect(signal: Signal, body: bytes, encoding: Encoding) -> int:
        parsed = (
            _DECODER.adopt(to_protobuf(signal, body))
            if encoding is Encoding.JSON
            else _DECODER.parse(signal, body)
        )
        del parsed
        bodies.append((signal, body, encoding))
        return 1

    ledger, admission = Ledger(), Admission(max_bytes=_MAX_BYTES)
    guard = Guard(tokens=Tokens([TOKEN])) if guarded else Guard()
    listener = HttpListener(
        "127.0.0.1:0", inspect, ledger, admission, guard=guard, max_bytes=_MAX_BYTES
    )
    loop = listener._loop
    listener._workers.shutdown()
    listener._workers = Inline()  # type: ignore[assignment]
    log = Log()
    logging.getLogger().addHandler(log)
    try:
        seen = _talk(listener, loop, pieces, bodies)
    finally:
        logging.getLogger().removeHandler(log)
        loop.close()
    assert not log.lines, log.lines
    return seen


def _talk(
    listener: HttpListener,
    loop: asyncio.AbstractEventLoop,
    pieces: Sequence[bytes],
    bodies: list[tuple[Signal, bytes, Encoding]],
) -> _Seen:
    raised: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: raised.append(context))
    runner = loop.run_until_complete(_set_up(listener))
    transport = Transport(loop)
    protocol = transport.protocol = runner.server()
    loop.call_soon(protocol.connection_made, transport)
    _settle(loop)
    for piece in pieces:
        if transport.is_closing():
            break
        loop.call_soon(protocol.data_received, piece)
        _settle(loop)
    closed = transport.is_closing()
    if not closed:
        loop.call_soon(transport.close)
    _settle(loop)
    later = loop.time() + _LINGERING
    loop.time = lambda: later  # type: ignore[method-assign]
    _settle(loop)
    assert not raised, raised
    _left_nothing(listener, loop, runner)
    answers = _answers(bytes(transport.written))
    _is_accounted_for(listener._ledger, answers)
    loop.run_until_complete(runner.cleanup())
    return _Seen(answers, bodies, closed)


async def _set_up(listener: HttpListener) -> Any:
    """The listener's own runner, which listens nowhere."""

    async def nowhere(runner: Any, *_: Any) -> str:
        return ""

    http.listen, real = nowhere, http.listen  # type: ignore[assignment]
    try:
        await listener._open()
    finally:
        http.listen = real
    return listener._runner


def _settle(loop: asyncio.AbstractEventLoop) -> None:
    """Run what is ready until nothing is; timers do not count."""
    for _ in range(_MOST_TURNS):
        loop.call_soon(loop.stop)
        loop.run_forever()
        if not loop._ready:  # type: ignore[attr-defined]
            return
    raise AssertionError("a connection does not come to rest")


def _left_nothing(listener: HttpListener, loop: asyncio.AbstractEventLoop, runner: Any) -> None:
    assert not runner.server.connections
    assert not listener._active
    assert listener._admission.in_flight == (0, 0)
    assert not asyncio.all_tasks(loop)
    timers = [one for one in loop._scheduled if not one.cancelled()]  # type: ignore[attr-defined]
    assert not timers, timers


def _is_accounted_for(ledger: Ledger, answers: list[_Answer]) -> None:
    entries = ledger.snapshot()
    received, inspected = entries.received.total(), entries.inspected.total()
    assert received == inspected + entries.refused.total(), ledger.balance()
    assert len(answers) <= received
    assert inspected >= sum(one.status == 200 for one in answers)
    reasons = dict.fromkeys(Refusal, 0)
    for (*_, reason), count in entries.refused.items():
        reasons[Refusal(reason)] += count
    assert reasons[Refusal.INTERNAL] == 0
    assert reasons[Refusal.MALFORMED] >= sum(_MALFORMED in one.body for one in answers)


def _answers(written: bytes) -> list[_Answer]:
    """The answers in what was written, each of which must be whole."""
    found = []
    while written:
        if written.startswith(_CONTINUE):
            written = written[len(_CONTINUE) :]
            continue
        head, end, written = written.partition(b"\r\n\r\n")
        assert end, head
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version in _VERSIONS, first
        fields = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
        }
        size = int(fields["content-length"])
        # A request with HEAD gets none of the body whose length it is told.
        body = b"" if written.startswith(b"HTTP/") else written[:size]
        assert len(body) in (0, size), body
        written = written[len(body) :]
        closes = fields.get("connection", "").lower() == "close" or version != "HTTP/1.1"
        found.append(_Answer(int(status), fields.get("content-type", ""), body, closes))
    return found


TARGET = Target(run, seeds, WORDS, longest=10_000)

# aiohttp warns of its own use of an event loop that ends; nothing of it concerns a connection.
warnings.filterwarnings("ignore", category=DeprecationWarning, module="aiohttp")
