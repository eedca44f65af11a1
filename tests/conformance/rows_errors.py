"""C: requests that are wrong, and what a client can learn from the answer."""

from __future__ import annotations

from conformance import samples, wire
from conformance.rows import Level, Target, accepted, expect, refused, row
from conformance.samples import JSON, PROTOBUF, SIGNALS, as_json, as_protobuf
from google.rpc.error_details_pb2 import BadRequest

_GARBAGE = b"\xff\xff\xff"
_MIB = 1024 * 1024


@row("C1", Level.MUST, "what is not protobuf is answered 400 with a Status in protobuf")
def _(target: Target) -> None:
    for signal in SIGNALS:
        refused(target.post(signal, _GARBAGE), 400, content_type=PROTOBUF)


@row("C2", Level.MUST, "truncated JSON is answered 400 with a Status in JSON")
def _(target: Target) -> None:
    for signal in SIGNALS:
        refused(target.post(signal, as_json(signal)[:-3], JSON), 400, content_type=JSON)


@row("C3", Level.SHOULD, "the Status of bad data holds a BadRequest")
def _(target: Target) -> None:
    for body, kind in ((_GARBAGE, PROTOBUF), (b"{", JSON)):
        status = refused(target.post("traces", body, kind), 400)
        held = any(one.Is(BadRequest.DESCRIPTOR) for one in status.details)
        expect(held, f"details: {[one.TypeName() for one in status.details]}")


@row("C4", Level.HARDENING, "invalid UTF-8 is refused with 400, or taken: no server error")
def _(target: Target) -> None:
    body = as_protobuf("traces").replace(b"GET /orders", b"GET \xff\xfeders")
    answer = target.post("traces", body)
    expect(answer.status in (200, 400), f"answered {answer.status}")


@row("C5", Level.COLLECTOR, "other methods are answered 405 with Allow: POST")
def _(target: Target) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = target.post("traces", b"", method=method)
        refused(answer, 405)
        expect(answer.headers.get("allow") == "POST", f"Allow: {answer.headers.get('allow')}")


@row("C6", Level.COLLECTOR, "other content types, or none, are answered 415")
def _(target: Target) -> None:
    for kind in (None, "text/plain", "invalid", "application/protobuf", ""):
        refused(target.post("traces", as_protobuf("traces"), kind), 415)


@row("C7", Level.MUST, "every 4xx and 5xx has a Status for a body")
def _(target: Target) -> None:
    refused(target.post("", b"", path="/v1/none"), 404)
    refused(target.post("traces", b"", method="GET"), 405)
    refused(target.post("traces", b"", "text/plain"), 415)
    with wire.Connection(target.http) as connection:
        connection.send(b"POST /v1/traces HTTP/1.1\r\nHost x\r\nno colon\r\n\r\n")
        refused(connection.answer(), 400)


@row("C8", Level.COLLECTOR, "other paths are answered 404")
def _(target: Target) -> None:
    for path in ("/", "/v1/traces/", "/v1/unknown", "/V1/traces"):
        refused(target.post("", as_protobuf("traces"), path=path), 404)


@row("C10", Level.MUST, "a body said to be over the limit is answered 413 before it is sent")
def _(target: Target) -> None:
    headers = {"Content-Type": PROTOBUF, "Content-Length": str(target.bound + 1)}
    if target.token:
        headers["Authorization"] = f"Bearer {target.token}"
    with wire.Connection(target.http) as connection:
        connection.send(wire.request("/v1/traces", None, headers))
        refused(connection.answer(), 413)


@row("C11", Level.MUST, "a chunked body that grows over the limit is answered 413")
def _(target: Target) -> None:
    headers = {"Content-Type": PROTOBUF, "Transfer-Encoding": "chunked"}
    if target.token:
        headers["Authorization"] = f"Bearer {target.token}"
    piece = b"\n" * min(_MIB, target.bound)
    with wire.Connection(target.http) as connection:
        connection.send(wire.request("/v1/traces", None, headers))
        for _ in range(target.bound // len(piece) + 2):
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        refused(connection.answer(), 413)


@row("C12", Level.MUST, "a body of exactly the limit is taken")
def _(target: Target) -> None:
    accepted("logs", target.post("logs", samples.padded("logs", target.bound)))
    refused(target.post("logs", samples.padded("logs", target.bound + 1)), 413)


@row("C13", Level.SHOULD, "the limit can be configured")
def _(target: Target) -> None:
    default = target.fact("default_limit")
    expect(target.bound != default, f"the limit is the default, {default} bytes")
    refused(target.post("logs", samples.padded("logs", target.bound + 1)), 413)


@row("C14", Level.MUST, "answers are at most 4 MiB")
def _(target: Target) -> None:
    answer = target.post("traces", b"[" * min(_MIB, target.bound), JSON)
    expect(len(answer.body) <= 4 * _MIB, f"an answer of {len(answer.body)} bytes")
    refused(answer, 400)
