"""Telemetry to measure with: made from a seed, new in every request where it is new in life.

Items are laid out once as protobuf and cut into pieces around their ids; a request joins such
pieces with fresh ids, at several hundred thousand spans a second. What is repeated in a
measurement is therefore the shape of the traffic, never its values: about a sixth of the
strings of a span were not seen before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

#: Items of a full request, as the batch span processor of the SDKs sends them.
FULL = 512

SERVICES = [
    "frontend",
    "cart",
    "checkout",
    "payment",
    "shipping",
    "currency",
    "ad",
    "recommendation",
    "email",
]
METHODS = ["GET", "GET", "GET", "POST", "PUT", "DELETE"]
ROUTES = (
    "/api/v1/users/{id}",
    "/api/v1/orders/{id}",
    "/api/v1/cart",
    "/api/v1/cart/{id}/items",
    "/api/v1/products/{id}",
    "/api/v1/search",
    "/login",
    "/api/v1/checkout",
)
STATUS = (200,) * 24 + (201, 204, 301, 304, 400, 404, 404, 503)
TABLES = [
    "users",
    "orders",
    "order_items",
    "products",
    "carts",
    "payments",
    "shipments",
    "sessions",
]
BROWSERS = tuple(
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{version}.0.0.0 Safari/537.36"
    for version in range(100, 140)
)
WORDS = [
    "connection",
    "request",
    "timeout",
    "user",
    "order",
    "failed",
    "cache",
    "lookup",
    "payload",
    "upstream",
    "database",
    "handler",
    "completed",
    "started",
    "worker",
    "queue",
    "message",
    "processed",
    "with",
    "status",
]
METRICS = (
    "http.server.request.duration",
    "http.server.active_requests",
    "db.client.operation.duration",
    "process.cpu.time",
    "rpc.server.call.duration",
    "messaging.client.sent.messages",
    "http.client.request.duration",
    "shop.jobs",
)

# Placeholders in laid-out items; each run becomes an id of the same length.
TRACE, SPAN, PARENT = b"\x01" * 16, b"\x02" * 8, b"\x03" * 8
HEX, DIGIT = "\x04", "\x05"
_HOLES = re.compile(rb"(\x01{16}|\x02{8}|\x03{8}|\x04{6,}|\x05{6,})")
# Of `flags`: the parent is known to be local, to be remote.
_LOCAL, _REMOTE = b"\x85\x01\x01\x01\0\0", b"\x85\x01\x01\x03\0\0"
_START = 1_790_000_000_000_000_000

Item = Any
Pieces = tuple[bytes, ...]


class Corpus:
    """An endless supply of requests.

    Args:
        seed: of everything.
        secrets: share of spans and log records that hold a secret.
        retries: share of HTTP calls that say they were sent again.
        growing: share of data points under a label value that was never seen.
        variants: laid-out items of each signal.
        services: further services, beside those that call one another.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        secrets: float = 0.0,
        retries: float = 0.001,
        growing: float = 0.0,
        variants: int = 2048,
        services: int = 0,
    ) -> None:
        self._random = Random(seed)
        self._secrets, self._retries, self._growing = secrets, retries, growing
        self._spans = [_cut(self._span()) for _ in range(variants)]
        self._logs = [_cut(self._log()) for _ in range(variants)]
        self._points = [_cut(self._metric(at % len(METRICS))) for at in range(variants // 64)]
        self._resources = [
            Resource(attributes=self._resource(service)).SerializeToString()
            for service in (*SERVICES, *(f"service-{at}" for at in range(services)))
            for _ in range(1 if services else 4)
        ]

    def traces(self, items: int = FULL) -> bytes:
        """A request of spans; a trace has seven spans, each the child of the one before."""
        return self._request(items, self._spans, _SpanIds)

    def logs(self, items: int = FULL) -> bytes:
        """A request of log records."""
        return self._request(items, self._logs, _RecordIds)

    def metrics(self, items: int = FULL) -> bytes:
        """A request of data points, sixteen to a metric."""
        return self._request(max(1, items // 16), self._points, _RecordIds)

    def _request(
        self, items: int, laid_out: Sequence[Pieces], ids: Callable[[Random], Any]
    ) -> bytes:
        blocks = 4 if items >= FULL // 16 else 1
        scopes = 2 if items >= FULL // 16 else 1
        share = max(1, items // (blocks * scopes))
        request = []
        for _ in range(blocks):
            fill = ids(self._random).fill
            block = [_field(10, self._random.choice(self._resources))]
            for scope in range(scopes):
                parts = [_field(10, InstrumentationScope(name=f"shop.{scope}").SerializeToString())]
                parts += [_field(18, fill(one)) for one in self._random.choices(laid_out, k=share)]
                block.append(_field(18, b"".join(parts)))
            request.append(_field(10, b"".join(block)))
        return b"".join(request)

    # ------------------------------------------------------------------ what items look like

    def _resource(self, service: str) -> list[KeyValue]:
        number = self._random.randrange(10_000)
        return attributes(
            {
                "service.name": service,
                "service.version": f"1.{number % 7}.2",
                "service.namespace": "shop",
                "service.instance.id": self._random.randbytes(16).hex(),
                "deployment.environment.name": "staging",
                "k8s.pod.name": f"{service}-{self._random.randbytes(5).hex()}",
                "k8s.namespace.name": "shop",
                "host.name": f"ip-10-0-{number % 4}-{number % 250}",
                "telemetry.sdk.name": "opentelemetry",
                "telemetry.sdk.language": "python",
                "telemetry.sdk.version": "1.38.0",
            }
        )

    def _span(self) -> Span:
        start = _START + self._random.randrange(10**11)
        span = Span(
            trace_id=TRACE,
            span_id=SPAN,
            parent_span_id=PARENT,
            flags=0x101,
            start_time_unix_nano=start,
            end_time_unix_nano=start + self._random.randrange(10**5, 10**9),
        )
        kind = self._random.random()
        make = self._server if kind < 0.5 else self._client if kind < 0.7 else self._query
        (make if kind < 0.95 else self._publish)(span)
        if self._random.random() < self._secrets:
            span.attributes.extend(attributes({"app.debug": f"token={secret(self._random)}"}))
        if self._random.random() < 0.2:
            event = span.events.add(time_unix_nano=start + 1000, name="exception")
            event.attributes.extend(
                attributes(
                    {
                        "exception.type": "TimeoutError",
                        "exception.message": "upstream timed out after 3000 ms",
                    }
                )
            )
        return span

    def _http(self, span: Span) -> tuple[str, str, dict[str, Any]]:
        method, route = self._random.choice(METHODS), self._random.choice(ROUTES)
        status = self._random.choice(STATUS)
        if status >= 500:
            span.status.code, span.status.message = 2, "upstream error"
        return (
            method,
            route,
            {
                "http.request.method": method,
                "url.scheme": "https",
                "http.response.status_code": status,
                "server.address": f"{self._random.choice(SERVICES)}.shop.svc.cluster.local",
                "server.port": self._random.choice((80, 443, 8080)),
                "network.protocol.version": self._random.choice(("1.1", "2")),
                "user.id": self._user(),
                "request.id": HEX * 32,
                "app.cached": self._random.random() < 0.3,
            },
        )

    def _server(self, span: Span) -> None:
        method, route, said = self._http(span)
        span.kind, span.name = Span.SPAN_KIND_SERVER, f"{method} {route}"
        said |= {
            "url.path": route.replace("{id}", DIGIT * 8),
            "http.route": route,
            "user_agent.original": self._random.choice(BROWSERS),
            "client.address": f"10.{self._random.randrange(8)}.{self._random.randrange(250)}.9",
        }
        span.attributes.extend(attributes(said))

    def _client(self, span: Span) -> None:
        method, route, said = self._http(span)
        span.kind, span.name = Span.SPAN_KIND_CLIENT, method
        path = route.replace("{id}", DIGIT * 8)
        said["url.full"] = f"https://{said['server.address']}{path}?q={HEX * 6}"
        if self._random.random() < self._retries:
            said["http.request.resend_count"] = self._random.randrange(1, 4)
        span.attributes.extend(attributes(said))

    def _query(self, span: Span) -> None:
        table, other = self._random.choice(TABLES), self._random.choice(TABLES)
        literal = self._random.random() < 0.3
        span.kind, span.name = Span.SPAN_KIND_CLIENT, f"SELECT {table}"
        span.attributes.extend(
            attributes(
                {
                    "db.system.name": "postgresql",
                    "db.namespace": "shop",
                    "db.collection.name": table,
                    "db.operation.name": "SELECT",
                    "db.query.text": f"SELECT t.id, t.status, o.name FROM {table} t JOIN {other} o "
                    f"ON t.o_id = o.id WHERE t.id = {DIGIT * 9 if literal else '?'} LIMIT 50",
                    "server.address": f"pg-{self._random.randrange(4)}.db.internal",
                    "server.port": 5432,
                    "db.response.returned_rows": self._random.randrange(500),
                    "network.peer.address": f"10.9.0.{self._random.randrange(4)}",
                    "app.db.pooled": True,
                    "app.db.wait": self._random.random(),
                }
            )
        )

    def _publish(self, span: Span) -> None:
        span.kind, span.name = Span.SPAN_KIND_PRODUCER, "send orders"
        span.attributes.extend(
            attributes(
                {
                    "messaging.system": "kafka",
                    "messaging.destination.name": "orders",
                    "messaging.operation.name": "send",
                    "messaging.operation.type": "send",
                    "messaging.message.id": HEX * 32,
                    "messaging.message.body.size": self._random.randrange(4000),
                    "messaging.destination.partition.id": str(self._random.randrange(16)),
                    "messaging.kafka.offset": self._random.getrandbits(40),
                    "user.id": self._user(),
                }
            )
        )

    def _log(self) -> LogRecord:
        severity, text = self._random.choice(
            ((9, "INFO"), (9, "INFO"), (13, "WARN"), (17, "ERROR"))
        )
        body = " ".join(self._random.choice(WORDS) for _ in range(14))
        if self._random.random() < self._secrets:
            body += f" token={secret(self._random)}"
        record = LogRecord(
            time_unix_nano=_START,
            observed_time_unix_nano=_START + 10**6,
            severity_number=severity,
            severity_text=text,
            trace_id=TRACE,
            span_id=SPAN,
        )
        record.body.string_value = f"{body} id={DIGIT * 12} elapsed={self._random.randrange(999)}ms"
        record.attributes.extend(
            attributes(
                {
                    "code.file.path": f"/srv/{self._random.choice(SERVICES)}/handlers.py",
                    "code.line.number": self._random.randrange(900),
                    "code.function.name": self._random.choice(WORDS),
                    "thread.name": f"worker-{self._random.randrange(32)}",
                    "user.id": self._user(),
                    "app.sampled": True,
                }
            )
        )
        return record

    def _metric(self, number: int) -> Metric:
        metric = Metric(name=METRICS[number], unit="s" if number % 2 == 0 else "{item}")
        for _ in range(16):
            point: Any
            if number % 2 == 0:
                metric.histogram.aggregation_temporality = 2
                counts = [self._random.randrange(1000) for _ in range(15)]
                point = metric.histogram.data_points.add(
                    count=sum(counts), sum=self._random.random() * 1000, bucket_counts=counts
                )
                point.explicit_bounds.extend(range(14))
            else:
                metric.sum.aggregation_temporality = 2
                metric.sum.is_monotonic = True
                point = metric.sum.data_points.add(as_int=self._random.getrandbits(30))
            point.start_time_unix_nano, point.time_unix_nano = _START, _START + 10**10
            grows = self._random.random() < self._growing
            point.attributes.extend(
                attributes(
                    {
                        "http.request.method": self._random.choice(METHODS),
                        "http.route": self._random.choice(ROUTES),
                        "http.response.status_code": self._random.choice(STATUS),
                        "server.address": f"{self._random.choice(SERVICES)}.shop.internal",
                        "cart.id": HEX * 16 if grows else str(self._random.randrange(20)),
                    }
                )
            )
        return metric

    def _user(self) -> str:
        return DIGIT * 6 if self._random.random() < 0.3 else str(self._random.randrange(2000))


class _SpanIds:
    """Fresh ids for the spans of a block: chains of seven spans."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._left = 0
        self._ids = {1: b"", 2: b"", 3: b""}

    def fill(self, pieces: Pieces) -> bytes:
        randbytes = self._random.randbytes
        entry = self._left == 0
        if entry:
            self._left = 7
            self._ids[1] = randbytes(16)
        self._left -= 1
        self._ids[3] = randbytes(8) if entry else self._ids[2]
        self._ids[2] = randbytes(8)
        filled = list(pieces)
        for at in range(1, len(pieces), 2):
            kind = pieces[at][0]
            filled[at] = self._ids[kind] if kind < 4 else _text(pieces[at], self._random)
        made = b"".join(filled)
        # A trace begins with the call of another service.
        return made.replace(_LOCAL, _REMOTE) if entry else made


class _RecordIds:
    """Fresh ids, all of them independent."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def fill(self, pieces: Pieces) -> bytes:
        filled = list(pieces)
        for at in range(1, len(pieces), 2):
            hole = pieces[at]
            random = self._random
            filled[at] = random.randbytes(len(hole)) if hole[0] < 4 else _text(hole, random)
        return b"".join(filled)


def _text(hole: bytes, random: Random) -> bytes:
    size = len(hole)
    if hole[0] == 4:
        return random.randbytes((size + 1) // 2).hex()[:size].encode()
    return b"%0*d" % (size, random.randrange(10**size))


def _cut(item: Item) -> Pieces:
    """An item as bytes between its ids, with a run in place of each id."""
    return tuple(_HOLES.split(item.SerializeToString()))


def attributes(said: dict[str, Any]) -> list[KeyValue]:
    """Attributes as protobuf has them."""
    made = []
    for key, value in said.items():
        one = KeyValue(key=key)
        name = {bool: "bool_value", int: "int_value", float: "double_value"}.get(
            type(value), "string_value"
        )
        setattr(one.value, name, value)
        made.append(one)
    return made


def secret(random: Random) -> str:
    """What the detectors call critical: an AWS access key id."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "AKIA" + "".join(random.choice(letters) for _ in range(16))


def _field(tag: int, data: bytes) -> bytes:
    size, prefix = len(data), bytearray((tag,))
    while size > 0x7F:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + data
