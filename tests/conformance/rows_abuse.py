"""H: connections that are abused, and the server's own end."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from conformance import wire
from conformance.rows import Level, Target, accepted, expect, refused, row
from conformance.samples import JSON, PROTOBUF, as_json, as_protobuf
from conformance.servers import Program

_SPARE = 10.0
_GRACE = 20.0


@row("H1", Level.HARDENING, "headers that dribble are cut off")
def _(target: Target) -> None:
    timeout: float = target.fact("header_timeout")
    with wire.Connection(target.http) as connection:
        connection.send(b"POST /v1/traces HTTP/1.1\r\nHo")
        expect(connection.closed_within(timeout + _SPARE), "the connection stays open")
    with wire.Connection(target.http) as connection:
        connection.send(wire.request("/v1/logs", as_json("logs"), {"Content-Type": JSON}))
        accepted("logs", connection.answer(), JSON)
        connection.send(b"POST /v1/logs HTTP/1.1\r\n")
        expect(connection.closed_within(timeout + _SPARE), "it stays open after a request")


@row("H2", Level.HARDENING, "a body that stalls is answered 408, or its connection closed")
def _(target: Target) -> None:
    timeout: float = target.fact("body_timeout")
    headers = {"Content-Type": PROTOBUF, "Content-Length": "100"}
    with wire.Connection(target.http, seconds=timeout + wire.SECONDS) as connection:
        connection.send(wire.request("/v1/traces", None, headers) + b"abc")
        answer = connection.answer()
        if answer.status:
            refused(answer, 408)


@row("H5", Level.HARDENING, "beyond the bound of connections others are closed, and it answers on")
def _(target: Target) -> None:
    most: int = target.fact("max_connections")
    with ExitStack() as held:
        first = held.enter_context(wire.Connection(target.http))
        first.send(wire.request("/v1/logs", as_json("logs"), {"Content-Type": JSON}))
        accepted("logs", first.answer(), JSON)
        idle = [held.enter_context(wire.Connection(target.http)) for _ in range(most + 20)]
        closed = sum(one.closed_within(0.05) for one in idle[most:])
        expect(closed > 0, f"{most + 20} idle connections stay open")
        first.send(wire.request("/v1/logs", as_json("logs"), {"Content-Type": JSON}))
        accepted("logs", first.answer(), JSON)
    target.call("traces", as_protobuf("traces"))


@row("H6", Level.HARDENING, "SIGTERM with a request in flight: it is answered, exit code 0")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    program = start({})
    body = as_json("traces")
    headers = {"Content-Type": JSON, "Content-Length": str(len(body))}
    with wire.Connection(program.http) as connection, ThreadPoolExecutor(1) as pool:
        connection.send(wire.request("/v1/traces", None, headers) + body[:10])
        time.sleep(0.2)  # until the request is in flight: its answer is what is waited for
        stopped = pool.submit(program.stop, _GRACE)
        time.sleep(0.2)
        connection.send(body[10:])
        accepted("traces", connection.answer(), JSON)
        expect(stopped.result() == 0, f"exit code {stopped.result()}")


@row("H8", Level.HARDENING, "a port in use is named at start, with an exit code that is not 0")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    for section, address in (("http", target.http), ("grpc", target.grpc)):
        try:
            start({section: {"address": address}})
        except RuntimeError as error:
            expect(address in str(error), f"not named: {error}")
        else:
            expect(False, "it started")


@row("H9", Level.HARDENING, "received = inspected + refused, after good requests and bad")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    program = start({})
    mine = Target(program.http, program.grpc)
    for body, kind in ((as_json("logs"), JSON), (b"{", JSON), (b"x", "text/plain")):
        for _ in range(3):
            mine.post("logs", body, kind)
    mine.call("traces", as_protobuf("traces"))
    _, text = program.page("/metrics")

    def total(name: str) -> float:
        lines = (one for one in text.splitlines() if one.startswith(f"telemetry_auditor_{name}"))
        return sum(float(one.rpartition(" ")[2]) for one in lines)

    received, inspected = total("requests_received_total"), total("requests_inspected_total")
    expect(received == 10, f"received {received:g} of 10")
    expect(inspected == 4, f"inspected {inspected:g} of 4")
    expect(total("requests_refused_total") == received - inspected, "the ledger is not balanced")
