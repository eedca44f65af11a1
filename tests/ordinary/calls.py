"""What programs do inside a trace: serve, fetch, query, look up, publish, process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from ordinary.tracing import (
    CLIENT,
    CONSUMER,
    ERROR,
    INTERNAL,
    PRODUCER,
    SERVER,
    Open,
    Trace,
    Where,
)
from ordinary.world import Process

BROWSERS = tuple(
    f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{n}.0.0.0"
    for n in range(120, 140)
)

#: Share of calls whose first attempt fails and is repeated; of those again a tenth.
RETRIED, RETRIED_AGAIN = 0.007, 0.1

#: How a call fails that is worth another attempt: status and ``error.type``.
FAILURES: tuple[tuple[int | None, str], ...] = (
    (503, "503"),
    (502, "502"),
    (429, "429"),
    (None, "timeout"),
    (None, "ECONNRESET"),
)


@contextmanager
def serve(
    t: Trace, process: Process, method: str, route: str, path: str = "", **said: Any
) -> Iterator[Open]:
    """A SERVER span of HTTP, with what the framework adds below it."""
    path = path or route
    attributes = {
        "http.request.method": method,
        "http.route": route,
        "url.path": path,
        "url.scheme": "http",
        "http.response.status_code": 200,
        "server.address": process.service,
        "server.port": 8080,
        "network.protocol.version": "1.1",
        "user_agent.original": t.random.choice(BROWSERS),
        "client.address": f"10.1.{t.random.randrange(16)}.{t.random.randrange(250)}",
    } | said
    with t.span(process, SERVER, f"{method} {route}", attributes) as span:
        t.work(0.3)
        with _framework(t, process, method, route):
            yield span
        t.work(0.2)
        if span.attributes["http.response.status_code"] >= 500:
            span.status = ERROR


@contextmanager
def _framework(t: Trace, process: Process, method: str, route: str) -> Iterator[None]:
    framework = process.stack.framework
    if framework == "express":
        with t.span(process, INTERNAL, "middleware - jsonParser", {"express.type": "middleware"}):
            t.work(0.05)
        # The handler's span ends when it returns its promise: all it awaits outlives it.
        handler = {"express.type": "request_handler", "express.name": route}
        with t.span(process, INTERNAL, f"request handler - {route}", handler) as span:
            t.work(0.02)
        with t.under(span.where):
            yield
    elif framework == "spring":
        name = "".join(part.title() for part in route.split("/") if part.isalpha()) or "Root"
        with t.span(process, INTERNAL, f"{name}Controller.handle", {"thread.id": 41}):
            yield
    elif framework == "asgi":
        yield
        for kind in ("http.response.start", "http.response.body"):
            with t.span(
                process, INTERNAL, f"{method} {route} http send", {"asgi.event.type": kind}
            ):
                t.work(0.02)
    else:
        yield


@contextmanager
def fetch(
    t: Trace, process: Process, host: str, method: str, path: str, **said: Any
) -> Iterator[Open]:
    """A CLIENT span of HTTP; what the peer does happens inside."""
    attributes = {
        "http.request.method": method,
        "url.full": f"http://{host}{path}",
        "server.address": host,
        "server.port": 8080,
        "http.response.status_code": 200,
    } | said
    with t.span(process, CLIENT, method, attributes) as span:
        t.work(0.3)
        yield span
        t.work(0.3)
        status = span.attributes["http.response.status_code"]
        if status is None or status >= 400:
            span.status = ERROR


def fail(span: Open, failure: tuple[int | None, str]) -> None:
    """Let a call end without a good answer."""
    span.attributes["http.response.status_code"], span.attributes["error.type"] = failure
    span.status = ERROR


def attempts(t: Trace, base: float = 0.1) -> Iterator[bool]:
    """Whether each attempt of a call fails: most work at once; waits double, with full jitter."""
    if t.chance(RETRIED):
        yield True
        t.now += t.random.uniform(0, base)
        if t.chance(RETRIED_AGAIN):
            yield True
            t.now += t.random.uniform(0, 2 * base)
    yield False


@contextmanager
def call(
    t: Trace, caller: Process, callee: Process, method: str, route: str, path: str, **said: Any
) -> Iterator[Open]:
    """A call between services; yields the SERVER span that works.

    It is repeated when it fails, if that is safe: writes need an idempotency key for it.
    """
    sent = {key: value for key, value in said.items() if key.startswith("http.request.header")}
    safe = method in ("GET", "HEAD", "PUT", "DELETE") or sent
    for failing in attempts(t) if safe else (False,):
        with fetch(t, caller, callee.service, method, path, **sent) as client:
            if failing:
                t.work(20)
                fail(client, t.random.choice(FAILURES))
                continue
            with serve(t, callee, method, route, path, **said) as server:
                yield server
            status = server.attributes["http.response.status_code"]
            client.attributes["http.response.status_code"] = status


@contextmanager
def rpc(t: Trace, caller: Process, callee: Process, method: str) -> Iterator[Open]:
    """A unary gRPC call; yields its SERVER span. Attempts that fail are spans of their own."""
    said = {"rpc.system.name": "grpc", "rpc.method": method, "rpc.response.status_code": "OK"}
    peer = said | {"server.address": callee.service, "server.port": 50051}
    for number, failing in enumerate(attempts(t)):
        attempt = {"previous-rpc-attempts": number} if number else {}
        with t.span(caller, CLIENT, method, peer | attempt) as client:
            t.work(0.3)
            if failing:
                client.attributes["rpc.response.status_code"] = "UNAVAILABLE"
                client.status = ERROR
                continue
            with t.span(callee, SERVER, method, said) as server:
                t.work(0.3)
                yield server
            t.work(0.2)


def query(
    t: Trace,
    process: Process,
    text: str,
    *,
    system: str = "postgresql",
    host: str = "",
    ms: float = 2.0,
    rows: int | None = None,
    kind: int = CLIENT,
    **said: Any,
) -> Open:
    """A call of a database; verb and table are the words of the text."""
    words = text.split()
    verb = words[0].upper()
    table = next((b for a, b in pairwise(words) if a.upper() in _BEFORE_TABLE), None)
    attributes = {
        "db.system.name": system,
        "db.namespace": "shop",
        "db.operation.name": verb,
        "db.collection.name": table.split("(")[0] if table else None,
        "db.query.text": text,
        "server.address": host or f"{process.service}-db",
        "server.port": 5432,
        "db.response.returned_rows": rows,
    } | said
    with t.span(process, kind, f"{verb} {table or 'shop'}", attributes) as span:
        t.work(ms)
    return span


_BEFORE_TABLE = ("FROM", "INTO", "UPDATE")


def cache(t: Trace, process: Process, command: str, key: str, **said: Any) -> Open:
    """A call of Redis."""
    verb = command.upper()
    attributes = {
        "db.system.name": "redis",
        "db.operation.name": verb,
        "db.query.text": f"{verb} {key}",
        "server.address": "redis",
        "server.port": 6379,
    } | said
    with t.span(process, CLIENT, verb, attributes) as span:
        t.work(0.4)
    return span


def publish(
    t: Trace, process: Process, destination: str, *, system: str = "kafka", **said: Any
) -> Where:
    """Send a message; returns what its consumers link to."""
    attributes = {
        "messaging.system": system,
        "messaging.destination.name": destination,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "server.address": system,
        "server.port": 9092,
    } | said
    with t.span(process, PRODUCER, f"send {destination}", attributes) as span:
        t.work(1)
    return span.where


@contextmanager
def process_message(
    t: Trace,
    process: Process,
    destination: str,
    *,
    system: str = "kafka",
    links: Sequence[Where] = (),
    **said: Any,
) -> Iterator[Open]:
    """Work on a message or on a batch of them."""
    attributes = {
        "messaging.system": system,
        "messaging.destination.name": destination,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
    } | said
    with t.span(process, CONSUMER, f"process {destination}", attributes, links=links) as span:
        t.work(0.5)
        yield span
