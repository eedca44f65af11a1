"""Faults of connections and of senders."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import grpc
from conformance import samples, wire
from conformance.samples import PROTOBUF, as_protobuf
from faults.scene import Scene, Unbalanced, until
from faults.table import fault

_TIMEOUT = 0.5
_SPARE_DESCRIPTORS = 200


@fault(
    "bodies that stall",
    config={"http": {"body_timeout_seconds": _TIMEOUT}, "grpc": {"body_timeout_seconds": _TIMEOUT}},
)
def _(scene: Scene) -> None:
    headers = {"Content-Type": PROTOBUF, "Content-Length": "100"}
    for _ in range(scene.many(5)):
        with ExitStack() as held:
            stalled = [held.enter_context(wire.Connection(scene.program.http)) for _ in range(20)]
            for one in stalled:
                one.send(wire.request("/v1/traces", None, headers) + b"abc")
            for one in stalled:
                scene.books.note(one.answer().status)


@fault("calls whose message does not come", config={"grpc": {"body_timeout_seconds": _TIMEOUT}})
def _(scene: Scene) -> None:
    never = threading.Event()

    def silent() -> Iterator[bytes]:
        never.wait()
        yield b""

    with grpc.insecure_channel(scene.program.grpc) as channel:
        export = channel.stream_unary(f"/{samples.SERVICES['traces']}/Export")
        for _ in range(scene.many(5)):
            for call in [export.future(silent(), timeout=60) for _ in range(20)]:
                code = call.exception().code()
                if code is not grpc.StatusCode.CANCELLED:  # upon which SDKs try again
                    raise Unbalanced(f"answered {code}")
                scene.books.note(503)
        never.set()


@fault("connections of which the sender closes its half")
def _(scene: Scene) -> None:
    """A request that is whole is answered, one that is not is counted."""
    fields = {"Content-Type": PROTOBUF}
    whole = wire.request("/v1/traces", as_protobuf("traces"), fields)
    cut = wire.request("/v1/traces", None, fields | {"Content-Length": "1000"}) + b"x"
    for _ in range(scene.many(200, 20)):
        for data in (whole, cut):
            with wire.Connection(scene.program.http) as connection:
                connection.send(data)
                connection.finish()
                scene.books.note(connection.answer().status)
    if not scene.books.acknowledged or scene.books.acknowledged == scene.books.sent:
        raise Unbalanced(f"half of it is whole: {scene.books}")


@fault("idle connections to gRPC, to the limit", config={"grpc": {"max_connections": 500}})
def _(scene: Scene) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(scene.many(10_000, 700), soft - _SPARE_DESCRIPTORS)
    with ExitStack() as held:
        for _ in range(wanted):
            held.enter_context(wire.Connection(scene.program.grpc))
        if scene.post("logs", as_protobuf("logs")) != 200:
            raise Unbalanced("HTTP does not answer")
        files = len(scene.program.files())
        if files > 500 + _SPARE_DESCRIPTORS:
            raise Unbalanced(f"{files} files are open")

    def answers() -> bool:
        try:
            scene.target.call("logs", as_protobuf("logs"))
        except grpc.RpcError:
            return False
        scene.books.note(200)
        return True

    until(answers, "gRPC does not come back")


@fault("idle connections, to the limit of descriptors", config={"http": {"max_connections": 500}})
def _(scene: Scene) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(scene.many(10_000, 700), soft - _SPARE_DESCRIPTORS)
    with ExitStack() as held:
        for _ in range(wanted):
            held.enter_context(wire.Connection(scene.program.http))
        until(
            lambda: scene.metric("bound_met_total", bound="http_connections") > 0,
            "no connection was refused",
        )
        scene.target.call("logs", as_protobuf("logs"))
        scene.books.note(200)
    until(lambda: scene.post("logs", as_protobuf("logs")) == 200, "HTTP does not come back")


@fault("connections that are reset in the middle of a body")
def _(scene: Scene) -> None:
    headers = {"Content-Type": PROTOBUF, "Content-Length": "1000"}
    for _ in range(scene.many(300, 30)):
        host, _, port = scene.program.http.rpartition(":")
        raw = socket.create_connection((host, int(port)), timeout=10)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        raw.sendall(wire.request("/v1/traces", None, headers) + b"x" * 100)
        raw.close()
        scene.books.note(0)


@fault("calls that their senders cancel")
def _(scene: Scene) -> None:
    body = samples.padded("logs", 1_000_000)
    with grpc.insecure_channel(scene.program.grpc) as channel:
        export = channel.unary_unary(f"/{samples.SERVICES['logs']}/Export")
        for number in range(scene.many(200, 20)):
            call = export.future(body, timeout=10)
            if number % 2:
                call.cancel()
            try:
                call.result()
            except (grpc.RpcError, grpc.FutureCancelledError):
                scene.books.note(0)
            else:
                scene.books.note(200)


@fault("far more senders at once than are served", config={"admission": {"max_requests": 2}})
def _(scene: Scene) -> None:
    body = samples.padded("traces", 400_000)

    def send() -> None:
        for _ in range(scene.many(30, 5)):
            scene.post("traces", body)

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not scene.books.refused:
        raise Unbalanced("nothing was refused: the fault was none")
    if scene.metric("requests_refused_total", reason="overloaded") < scene.books.refused:
        raise Unbalanced("refused for another reason than overload")


@fault("a budget of memory that is used up", config={"admission": {"max_memory_bytes": 1}})
def _(scene: Scene) -> None:
    for _ in range(scene.many(50, 5)):
        if scene.post("traces", as_protobuf("traces")) != 503:
            raise Unbalanced("not answered 503")
    if scene.metric("requests_refused_total", reason="memory") != scene.books.refused:
        raise Unbalanced("refused for another reason than memory")
    status, _ = scene.program.page("/livez")
    ready, _ = scene.program.page("/readyz")
    if (status, ready) != (200, 200):
        raise Unbalanced("short memory makes a probe fail")
