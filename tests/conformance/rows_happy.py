"""A: requests that are right, and the two encodings of them."""

from __future__ import annotations

import gzip

from conformance import wire
from conformance.rows import Level, Target, accepted, expect, nothing_rejected, row
from conformance.samples import JSON, PROTOBUF, RESPONSES, SIGNALS, as_json, as_protobuf


@row("A1", Level.MUST, "protobuf is answered 200 in protobuf, partial_success unset")
def _(target: Target) -> None:
    nothing_rejected("traces", accepted("traces", target.post("traces", as_protobuf("traces"))))


@row("A2", Level.MUST, "JSON is answered 200 in JSON, partialSuccess unset")
def _(target: Target) -> None:
    answer = target.post("traces", as_json("traces"), JSON)
    nothing_rejected("traces", accepted("traces", answer, JSON))


@row("A3", Level.MUST, "metrics and logs are taken like traces, in both encodings")
def _(target: Target) -> None:
    for signal in ("metrics", "logs"):
        answer = target.post(signal, as_protobuf(signal))
        nothing_rejected(signal, accepted(signal, answer))
        answer = target.post(signal, as_json(signal), JSON)
        nothing_rejected(signal, accepted(signal, answer, JSON))


@row("A4", Level.SHOULD, "profiles are taken or not found, never a server error")
def _(target: Target) -> None:
    answer = target.post("", b"", path="/v1development/profiles")
    expect(answer.status in (200, 404), f"answered {answer.status}")


@row("A5", Level.SHOULD, "an empty protobuf body is an empty request")
def _(target: Target) -> None:
    for signal in SIGNALS:
        accepted(signal, target.post(signal, b""))


@row("A6", Level.SHOULD, "{} is an empty request")
def _(target: Target) -> None:
    for signal in SIGNALS:
        accepted(signal, target.post(signal, b"{}", JSON), JSON)


@row("A8", Level.SHOULD, "envelopes without telemetry are taken")
def _(target: Target) -> None:
    hollow = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"empty"}]}]}]}'
    accepted("metrics", target.post("metrics", hollow, JSON), JSON)
    accepted("traces", target.post("traces", b'{"resourceSpans":[{}]}', JSON), JSON)
    accepted("logs", target.post("logs", b'{"resourceLogs":[{"scopeLogs":[{}]}]}', JSON), JSON)
    accepted("traces", target.post("traces", b"\x0a\x00"))


@row("A9", Level.COLLECTOR, "a charset beside application/json is taken")
def _(target: Target) -> None:
    for kind in ("application/json; charset=utf-8", "application/json;charset=UTF-8"):
        accepted("traces", target.post("traces", as_json("traces"), kind), JSON)


@row("A10", Level.COLLECTOR, "media types are compared without case")
def _(target: Target) -> None:
    accepted("traces", target.post("traces", as_json("traces"), "APPLICATION/JSON"), JSON)
    body = as_protobuf("traces")
    accepted("traces", target.post("traces", body, "Application/X-Protobuf"))


@row("A11", Level.SHOULD, "both encodings alternate on one connection")
def _(target: Target) -> None:
    token = {"Authorization": f"Bearer {target.token}"} if target.token else {}
    with wire.Connection(target.http) as connection:
        for kind, make in ((JSON, as_json), (PROTOBUF, as_protobuf)) * 2:
            headers = {"Content-Type": kind} | token
            connection.send(wire.request("/v1/traces", make("traces"), headers))
            accepted("traces", connection.answer(), kind)


@row("A12", Level.SHOULD, "an answer that says it is gzip is gzip")
def _(target: Target) -> None:
    answer = target.post("traces", as_protobuf("traces"), Accept_Encoding="gzip")
    accepted("traces", answer)
    if answer.headers.get("content-encoding") == "gzip":
        RESPONSES["traces"].FromString(gzip.decompress(answer.body))


@row("A13", Level.COLLECTOR, "chunked bodies are taken, and Expect: 100-continue is answered")
def _(target: Target) -> None:
    token = {"Authorization": f"Bearer {target.token}"} if target.token else {}
    body = as_json("logs")
    with wire.Connection(target.http) as connection:
        headers = {"Content-Type": JSON, "Transfer-Encoding": "chunked"} | token
        connection.send(wire.request("/v1/logs", None, headers))
        connection.send(wire.chunks([body[:5], body[5:]]))
        accepted("logs", connection.answer(), JSON)
    with wire.Connection(target.http) as connection:
        size = {"Content-Length": str(len(body))}
        headers = {"Content-Type": JSON, "Expect": "100-continue"} | size | token
        connection.send(wire.request("/v1/logs", None, headers))
        expect(connection.interim() == 100, "no 100 Continue before the body")
        connection.send(body)
        accepted("logs", connection.answer(), JSON)
