"""Faults in what is sent."""

from __future__ import annotations

import gzip

import grpc
from conformance import samples
from conformance.samples import JSON, as_json, as_protobuf
from faults.scene import MIB, Scene, Unbalanced
from faults.table import fault
from google.rpc import code_pb2

_LIMIT = 64 * MIB


def _call(scene: Scene, body: bytes, **options: object) -> str:
    """A call over gRPC, noted; the name of its status."""
    try:
        scene.target.call("traces", body, **options)  # type: ignore[arg-type] # those of call
    except grpc.RpcError as error:
        name: str = error.code().name  # type: ignore[attr-defined] # an RpcError of a client
        scene.books.note(int(400 + code_pb2.Code.Value(name)))
        return name
    scene.books.note(200)
    return "OK"


@fault("gzip bombs over both protocols")
def _(scene: Scene) -> None:
    bomb = gzip.compress(bytes(16 * _LIMIT), compresslevel=9)
    for _ in range(scene.many(10, 2)):
        if scene.post("traces", bomb, Content_Encoding="gzip") != 413:
            raise Unbalanced("a bomb was not answered 413")
    if _call(scene, bytes(4 * _LIMIT), compression=grpc.Compression.Gzip) != "RESOURCE_EXHAUSTED":
        raise Unbalanced("a bomb was not answered RESOURCE_EXHAUSTED")


@fault("truncated and corrupt gzip")
def _(scene: Scene) -> None:
    whole = gzip.compress(as_json("logs") * 50)
    step = max(1, len(whole) // scene.many(200, 20))
    for cut in range(0, len(whole) - 1, step):
        scene.post("logs", whole[:cut], JSON, Content_Encoding="gzip")
        damaged = bytearray(whole)
        damaged[cut] ^= 0xFF
        scene.post("logs", bytes(damaged), JSON, Content_Encoding="gzip")


@fault("bodies of exactly the limit, and of one byte more")
def _(scene: Scene) -> None:
    exact = samples.padded("logs", _LIMIT)
    for _ in range(scene.many(4)):
        statuses = [scene.post("logs", exact), scene.post("logs", exact + b"\n")]
        if statuses != [200, 413]:
            raise Unbalanced(f"answered {statuses}")


@fault("values nested 10,000 deep")
def _(scene: Scene) -> None:
    deep = (samples.nested_json(10_000), JSON), (samples.nested_protobuf(10_000), samples.PROTOBUF)
    for _ in range(scene.many(50, 3)):
        for body, kind in deep:
            if scene.post("traces", body, kind) != 400:
                raise Unbalanced("not answered 400")


@fault("invalid UTF-8 in every string")
def _(scene: Scene) -> None:
    for number in range(scene.many(200, 10)):
        body = as_protobuf("traces").replace(b"GET /orders", b"GET \xff%07d" % number)
        if scene.post("traces", body) not in (200, 400):
            raise Unbalanced("neither taken nor answered 400")


@fault("garbage over every path and protocol")
def _(scene: Scene) -> None:
    for number in range(scene.many(300, 20)):
        noise = bytes((number * 31 + at * at) % 256 for at in range(number % 97))
        for signal in samples.SIGNALS:
            scene.post(signal, noise)
            scene.post(signal, noise, JSON)
        _call(scene, b"\xff" + noise)
