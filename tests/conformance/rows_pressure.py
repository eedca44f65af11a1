"""E: overload, partial success, and what clients may try again."""

from __future__ import annotations

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
from conformance.samples import JSON, PROTOBUF, as_json, as_protobuf, span
from conformance.servers import Program
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
