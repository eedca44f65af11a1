"""E: overload, partial success, and what clients may try again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from conformance import wire
from conformance.rows import (
    Level,
    Target,
    accepted,
    expect,
    grpc_refused,
    nothing_rejected,
    refused,
    row,
)
from conformance.rows_grpc import code, retry_infos
from conformance.samples import (
    JSON,
    PROTOBUF,
    REJECTED,
    REQUESTS,
    RESPONSES,
    SIGNALS,
    as_json,
    as_protobuf,
    span,
)
from conformance.servers import Program
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo

_SECONDS = 5.0


@contextmanager
def _overload(target: Target) -> Iterator[Target]:
    """A server of which all places are taken by requests whose bodies do not come."""
    make: Callable[[], Program] = target.fact("busy")
    places: int = target.fact("max_requests")
    program = make()
    full = Target(program.http, program.grpc, target.limit, target.token)
    headers = {"Content-Type": PROTOBUF, "Content-Length": "100"}
    with ExitStack() as held:
        for _ in range(places):
            connection = held.enter_context(wire.Connection(program.http))
            connection.send(wire.request("/v1/traces", None, headers) + b"x")
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            if full.post("traces", as_protobuf("traces")).status != 200:
                break
        yield full


@row("E1", Level.SHOULD, "overload over HTTP is answered 429 or 503 with a Status, Retry-After")
def _(target: Target) -> None:
    with _overload(target) as full:
        for kind, body in ((PROTOBUF, as_protobuf("logs")), (JSON, as_json("logs"))):
            answer = full.post("logs", body, kind)
            status = refused(answer, 429, 503, content_type=kind)
            expect("retry-after" in answer.headers, "no Retry-After")
            held = any(one.Is(RetryInfo.DESCRIPTOR) for one in status.details)
            expect(held, "no RetryInfo in the Status")


@row("E2", Level.SHOULD, "overload over gRPC is answered UNAVAILABLE")
def _(target: Target) -> None:
    with _overload(target) as full:
        told = code(grpc_refused(full, "traces", as_protobuf("traces")))
        expect(told == "UNAVAILABLE", f"answered {told}")


@row("E3", Level.HARDENING, "RetryInfo stands in the details and in a trailer of its own")
def _(target: Target) -> None:
    with _overload(target) as full:
        found = retry_infos(grpc_refused(full, "traces", as_protobuf("traces")))
        expect(found == (True, True), f"in details: {found[0]}, as a trailer: {found[1]}")


@row("E4", Level.MUST, "overload is never RESOURCE_EXHAUSTED without RetryInfo")
def _(target: Target) -> None:
    with _overload(target) as full:
        for _ in range(3):
            call = grpc_refused(full, "metrics", as_protobuf("metrics"))
            lost = code(call) == "RESOURCE_EXHAUSTED" and not retry_infos(call)[0]
            expect(not lost, "clients would drop the data")


def _in_every_way(target: Target, signal: str, body: Callable[[str], bytes]) -> Iterator[Message]:
    """The response messages to a request, sent in each way."""
    yield RESPONSES[signal].FromString(target.call(signal, body(PROTOBUF)))
    for kind in (PROTOBUF, JSON):
        yield accepted(signal, target.post(signal, body(kind), kind), kind)


@row("E5", Level.MUST, "where items were rejected, their number stands in partial_success")
def _(target: Target) -> None:
    make: Callable[[], Program] = target.fact("rejecting")
    count: int = target.fact("rejected")
    program = make()
    server = Target(program.http, program.grpc, target.limit, target.token)
    for signal in SIGNALS:
        bodies = {PROTOBUF: as_protobuf(signal), JSON: as_json(signal)}
        for message in _in_every_way(server, signal, bodies.__getitem__):
            part = message.partial_success  # type: ignore[attr-defined] # of the three responses
            rejected = getattr(part, REJECTED[signal])
            expect(rejected == count, f"{rejected} rejected of {signal}, not {count}")
            expect(part.error_message, "no message")


@row("E6", Level.MUST, "a mere warning rejects nothing, and has a message")
def _(target: Target) -> None:
    make: Callable[[], Program] = target.fact("warning")
    program = make()
    server = Target(program.http, program.grpc, target.limit, target.token)
    for message in _in_every_way(server, "traces", _violating):
        part = message.partial_success  # type: ignore[attr-defined] # of the three responses
        expect(not part.rejected_spans, f"{part.rejected_spans} rejected")
        expect("telemetry-auditor: " in part.error_message, "no message")
    answer = server.post("metrics", as_json("metrics"), JSON)
    nothing_rejected("metrics", accepted("metrics", answer, JSON))


def _violating(kind: str) -> bytes:
    """A request with a secret under a key that no request had."""
    key, value = f"http.request.header.x-{os.urandom(4).hex()}", f"Bearer {os.urandom(24).hex()}"
    if kind == JSON:
        attributes = [{"key": f"{key}.authorization", "value": {"stringValue": value}}]
        return as_json("traces", span(attributes=attributes))
    message = REQUESTS["traces"].FromString(as_protobuf("traces"))
    block = message.resource_spans[0]
    block.resource.attributes.add(key="service.name").value.string_value = "conformance"
    one = block.scope_spans[0].spans[0]
    one.attributes.add(key=f"{key}.authorization").value.string_value = value
    return bytes(message.SerializeToString())


@row("E7", Level.MUST, "where everything was taken, partial_success is not set")
def _(target: Target) -> None:
    for signal in ("traces", "metrics", "logs"):
        message = accepted(signal, target.post(signal, as_json(signal), JSON), JSON)
        nothing_rejected(signal, message)


@row("E9", Level.HARDENING, "telemetry that violates a policy is taken as a whole")
def _(target: Target) -> None:
    attributes = [{"key": "password", "value": {"stringValue": "9x!kQ2r7Zt-not-shown"}}]
    answer = target.post("traces", as_json("traces", span(attributes=attributes)), JSON)
    nothing_rejected("traces", accepted("traces", answer, JSON))
