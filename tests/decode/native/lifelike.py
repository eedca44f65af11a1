"""Spans of databases, messages and requests, in traces that hang together."""

from __future__ import annotations

import random
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from queries import query

_START = 10**18
_PAGES = (
    "http://es/t/_search?from=40&size=5", "http://es/t?a=1&skip=30#x", "http://es/t?from=4x", 7,
    "http://es/t/_search?from=" + "0" * 17 + "9", "http://es/t?" + "x" * 2031 + "&from=99999",
)  # fmt: skip
_STEP = 10**7
_HOSTILE = (0, 1, 2**63, 2**64 - 1)
_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5
_ANY = ("x", 1, 1.5, True, ("x",), (1,), ("x", "y"), (("x",),), (), None, "", b"x", -1, 0)
_UUID = "a1b2c3d4-0000-4000-8000-00000000abcd"

#: Keys that the demands name, with the values that stand under them.
TELLING: dict[str, tuple[Any, ...]] = {
    "idempotency.key": ("k1", "k2", 7, ("k1",), (7,), "", True),
    "http.request.header.idempotency-key": (("k1",), ("k1", "k2"), "k2"),
    "messaging.message.id": ("m1", "m2", 5),
    "messaging.message_id": ("m1",),
    "tenant.id": ("acme", "blue", 7, "7", ("acme",), _UUID, _UUID.upper(), f"{{{_UUID}}}"),
    "tenant_id": ("acme", "blue", f"urn:uuid:{_UUID}", _UUID.replace("-", ""), f"{{{_UUID}x"),
    "Tenant-Id": ("acme",),
    "org": ("acme", "blue", 1.5),
    "db.response.returned_rows": (0, 3, 9, -5, 2**40, "9", 9.0),
    "db.operation.batch.size": (0, 1, 3, "3"),
    "messaging.batch.message_count": (0, 2, -1),
    "db.query.parameter.0": ("a", "b", 1, 1.0, True, None, ("a",)),
    "db.query.parameter.id": (1, 2),
    "db.operation.parameter.skip": (30, 30.5, "30", " 30 ", "\u00a030", "x", -30, True),
    "db.query.parameter.offset": (11, "0000000000000000000012", "99999999999999999999", 2**62),
    "cache.hit": (True, False, "true"),
    "kind": ("critical", "other"),
}  # fmt: skip


def fill(request: Any, rng: random.Random) -> None:
    """Fill a request with spans of one or two traces."""
    trace, parent = rng.choice((1, 1, 1, 2)), rng.randrange(4)
    makers, queries = rng.choices(_MAKERS, k=rng.choice((1, 2, 5))), [query(rng), query(rng)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        block = request.resource_spans.add()
        put(block.resource, "service.name", rng.choice(("shop", "shop", "pay")))
        spans = block.scope_spans.add().spans
        for _ in range(rng.choice((1, 4, 9, 16))):
            span = spans.add(trace_id=bytes([trace if rng.random() < 0.9 else 2]) * 16)
            _fill(span, rng, parent if rng.random() < 0.5 else rng.randrange(25))
            rng.choice(makers)(span, rng, rng.choice(queries) if rng.random() < 0.7 else query(rng))
            _tell(span, rng)


def _fill(span: Span, rng: random.Random, parent: int) -> None:
    span.span_id = bytes([rng.randrange(1, 21)]) * 8
    # Half of all have one parent; some are missing, some go round in a circle.
    span.parent_span_id = bytes([parent]) * 8 if parent else b""
    span.flags = rng.choice((0, 0x100, 0x300))
    span.start_time_unix_nano = _START + rng.randrange(8) * _STEP
    span.end_time_unix_nano = span.start_time_unix_nano + rng.choice((0, 1, 5, 30)) * _STEP
    if rng.random() < 0.05:
        span.start_time_unix_nano = rng.choice(_HOSTILE)
    if rng.random() < 0.05:
        span.end_time_unix_nano = rng.choice(_HOSTILE)


def _tell(span: Span, rng: random.Random) -> None:
    for key in rng.choices(tuple(TELLING), k=rng.choice((0, 0, 1, 2, 4))):
        put(span, key, rng.choice(TELLING[key] if rng.random() < 0.9 else _ANY))
    if rng.random() < 0.3:
        span.status.code = rng.choice((1, 2))
    for _ in range(rng.choice((0, 0, 1, 3))):
        event = span.events.add(name=rng.choice(("exception", "exception", "retry", "")))
        put(event, rng.choice(("exception.type", "other")), rng.choice(("Timeout", "E", 1)))


def put(holder: Any, key: str, value: Any) -> None:
    """Add an attribute; None is a map."""
    _set(holder.attributes.add(key=key).value, value)


def _set(to: Any, value: Any) -> None:
    if value is None:
        to.kvlist_value.SetInParent()
    elif isinstance(value, bool):
        to.bool_value = value
    elif isinstance(value, str):
        to.string_value = value
    elif isinstance(value, bytes):
        to.bytes_value = value
    elif isinstance(value, int):
        to.int_value = value
    elif isinstance(value, float):
        to.double_value = value
    else:
        to.array_value.SetInParent()
        for one in value:
            _set(to.array_value.values.add(), one)


def _database(span: Span, rng: random.Random, text: str) -> None:
    span.kind = rng.choice((_CLIENT, _CLIENT, _CLIENT, 1, _SERVER))
    span.name = rng.choice(("SELECT t", "BEGIN", "query"))
    if rng.random() < 0.95:
        put(
            span,
            rng.choice(("db.system.name", "db.system")),
            rng.choice(("postgresql", "MySQL", "mongodb")),
        )
    word = rng.random()
    if word < 0.2:
        put(span, "db.operation.name", rng.choice(("BEGIN", "begin", "COMMIT", "INSERT", "delete")))
    elif word < 0.9:
        told: Any = text if rng.random() < 0.98 else rng.choice(_ANY)
        put(span, rng.choice(("db.query.text", "db.statement")), told)
    if rng.random() < 0.3:
        put(span, "db.collection.name", rng.choice(("orders", "outbox_events")))
    if rng.random() < 0.1:
        put(span, rng.choice(("url.full", "http.url")), rng.choice(_PAGES))
    if rng.random() < 0.1:
        put(span, "db.query.summary", rng.choice(("SELECT orders", "INSERT outbox", "")))
    if rng.random() < 0.5:
        put(span, "server.address", rng.choice(("pg-1", "pg-1", "pg-2")))


def _cache(span: Span, rng: random.Random, _text: str) -> None:
    span.kind, span.name = _CLIENT, rng.choice(("GET", "SET"))
    put(span, "db.system", rng.choice(("redis", "memcached")))
    put(span, "db.statement", rng.choice(("GET user:1", "SET a 1", "hget x y", "MGET ? ?")))


def _message(span: Span, rng: random.Random, _text: str) -> None:
    span.kind, span.name = rng.choice((_PRODUCER, _CONSUMER)), rng.choice(("send", "process"))
    put(span, "messaging.system", "kafka")
    put(span, "messaging.destination.name", rng.choice(("orders", "mails")))
    for _ in range(rng.choice((0, 1, 1, 2))):
        link = span.links.add(span_id=bytes([rng.randrange(21)]) * rng.choice((8, 8, 8, 7)))
        link.trace_id = bytes([rng.choice((0, 1, 2))]) * rng.choice((16, 16, 16, 3))


def _request(span: Span, rng: random.Random, _text: str) -> None:
    span.kind = rng.choice((_SERVER, _CLIENT))
    span.name = "POST"
    put(span, "http.request.method", "POST")
    put(span, "http.route", rng.choice(("/orders", "/pay", "/**")))
    put(span, "url.path", rng.choice(("/orders", "/pay", "/livez")))
    put(span, "http.response.status_code", rng.choice((200, 503, 503)))
    if rng.random() < 0.1:
        put(span, "http.request.resend_count", 1)
    if rng.random() < 0.3:
        put(span, "request.body.hash", rng.choice(("h1", "h2", 3)))


_MAKERS = (_database, _database, _database, _message, _message, _request, _cache)
