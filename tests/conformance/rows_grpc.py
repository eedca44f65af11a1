"""F: OTLP over gRPC."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from conformance import samples
from conformance.rows import Level, Target, expect, grpc_refused, nothing_rejected, row
from conformance.samples import RESPONSES, SIGNALS, as_protobuf
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

_CALLS = 100


def code(call: Any) -> str:
    """The name of the status with which a call ended."""
    return str(call.code().name)


def retry_infos(call: Any) -> tuple[bool, bool]:
    """Whether RetryInfo stands in the status details, and in a trailer of its own."""
    trailers = dict(call.trailing_metadata() or ())
    status = Status.FromString(trailers.get("grpc-status-details-bin", b""))
    inside = any(one.Is(RetryInfo.DESCRIPTOR) for one in status.details)
    return inside, "google.rpc.retryinfo-bin" in trailers


@row("F1", Level.MUST, "Export is answered OK with an empty response, for every signal")
def _(target: Target) -> None:
    for signal in SIGNALS:
        answered = RESPONSES[signal].FromString(target.call(signal, as_protobuf(signal)))
        nothing_rejected(signal, answered)


@row("F2", Level.SHOULD, "an empty request is answered OK")
def _(target: Target) -> None:
    for signal in SIGNALS:
        target.call(signal, b"")


@row("F3", Level.SHOULD, "what is no message is answered INVALID_ARGUMENT")
def _(target: Target) -> None:
    for signal in SIGNALS:
        told = code(grpc_refused(target, signal, b"\xff\xff\xff"))
        expect(told == "INVALID_ARGUMENT", f"answered {told}")


@row("F4", Level.COLLECTOR, "unknown methods are answered UNIMPLEMENTED")
def _(target: Target) -> None:
    service = samples.SERVICES["traces"]
    for method in (f"/{service}/Import", "/opentelemetry.proto.Nothing/Export"):
        told = code(grpc_refused(target, "traces", b"", method=method))
        expect(told == "UNIMPLEMENTED", f"{method} answered {told}")


@row("F5", Level.MUST, "a message over the limit: RESOURCE_EXHAUSTED without RetryInfo")
def _(target: Target) -> None:
    call = grpc_refused(target, "logs", samples.padded("logs", target.bound + 1))
    expect(code(call) == "RESOURCE_EXHAUSTED", f"answered {code(call)}")
    expect(retry_infos(call) == (False, False), "with RetryInfo: clients would send it again")
    target.call("logs", samples.padded("logs", target.bound))


@row("F6", Level.MUST, "a message that inflates past the limit: the same, in bounded memory")
def _(target: Target) -> None:
    body = bytes(max(4 * target.bound, 64 * 1024 * 1024))
    call = grpc_refused(target, "traces", body, compression=grpc.Compression.Gzip)
    expect(code(call) == "RESOURCE_EXHAUSTED", f"answered {code(call)}")


@row("F7", Level.MUST, "gzip messages are taken")
def _(target: Target) -> None:
    for signal in SIGNALS:
        target.call(signal, as_protobuf(signal), compression=grpc.Compression.Gzip)


@row("F9", Level.SHOULD, f"{_CALLS} calls at once on one channel are all answered OK")
def _(target: Target) -> None:
    token = (("authorization", f"Bearer {target.token}"),) if target.token else ()
    with grpc.insecure_channel(target.grpc) as channel, ThreadPoolExecutor(_CALLS) as pool:
        export = channel.unary_unary(f"/{samples.SERVICES['traces']}/Export")

        def call(_: int) -> bytes:
            body = as_protobuf("traces")
            answered: bytes = export(body, timeout=30, metadata=token, wait_for_ready=True)
            return answered

        expect(len(list(pool.map(call, range(_CALLS)))) == _CALLS, "some were not answered")
