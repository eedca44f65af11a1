"""Requests of a sender who wants inspections to be slow: all of it new, or all of it one trace."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from corpus import FULL, attributes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_START = 1_790_000_000_000_000_000
_ATTRIBUTES = 12
_GIANT = b"\x17" * 16

Make = Callable[[Random, int], Span]


def _span(random: Random, *, trace_id: bytes = b"", parent: bytes = b"") -> Span:
    return Span(
        trace_id=trace_id or random.randbytes(16),
        span_id=random.randbytes(8),
        parent_span_id=parent,
        flags=0x101,
        kind=Span.SPAN_KIND_CLIENT,
        name="call",
        start_time_unix_nano=_START,
        end_time_unix_nano=_START + 10**6,
    )


def new_strings(random: Random, _number: int) -> Span:
    """Every value of every span was never seen."""
    span = _span(random)
    said = {f"app.value.{at}": random.randbytes(16).hex() for at in range(_ATTRIBUTES)}
    span.attributes.extend(attributes(said))
    return span


def new_shapes(random: Random, _number: int) -> Span:
    """Every span has a set of keys that was never seen, of keys that were never seen."""
    span = _span(random)
    said = {f"app.{random.randbytes(8).hex()}": "value" for _ in range(_ATTRIBUTES)}
    span.attributes.extend(attributes(said))
    return span


def _usual(span: Span, number: int) -> Span:
    said = {f"app.value.{at}": f"value {number % 7}" for at in range(_ATTRIBUTES)}
    span.attributes.extend(attributes(said))
    return span


def new_names(random: Random, number: int) -> Span:
    """Every span has a name that was never seen, as those do that hold an id."""
    span = _usual(_span(random), number)
    span.name = f"GET /users/{random.randrange(10**12)}"
    return span


def new_queries(random: Random, number: int) -> Span:
    """Every span has a query that was never seen, of a table of its own."""
    span = _usual(_span(random), number)
    text = f"SELECT a FROM t_{random.randbytes(8).hex()}"
    span.attributes.extend(attributes({"db.system.name": "postgresql", "db.query.text": text}))
    return span


def new_peers(random: Random, number: int) -> Span:
    """Every call goes to a peer that was never seen."""
    span = _usual(_span(random), number)
    span.attributes.extend(attributes({"server.address": random.randbytes(8).hex()}))
    return span


def lone_spans(random: Random, number: int) -> Span:
    """Every span is a trace of its own, with a parent that never comes."""
    return _usual(_span(random, parent=random.randbytes(8)), number)


def giant_trace(random: Random, number: int) -> Span:
    """All spans are failed calls of one trace, under one parent."""
    span = _usual(_span(random, trace_id=_GIANT, parent=b"\x18" * 8), number)
    span.attributes.extend(
        attributes({"http.request.method": "GET", "http.response.status_code": 503})
    )
    return span


KINDS: dict[str, Make] = {
    "every string new": new_strings,
    "every shape new": new_shapes,
    "every span name new": new_names,
    "every peer new": new_peers,
    "every query new": new_queries,
    "one trace per span": lone_spans,
    "one giant trace": giant_trace,
}


def request(make: Make, random: Random, items: int = FULL) -> bytes:
    """A request of such spans.

    Args:
        make: one of `KINDS`.
        random: where they come from.
        items: spans.
    """
    message = ExportTraceServiceRequest()
    block = message.resource_spans.add()
    block.resource.attributes.extend(attributes({"service.name": "hostile"}))
    block.scope_spans.add().spans.extend(make(random, number) for number in range(items))
    return message.SerializeToString()
