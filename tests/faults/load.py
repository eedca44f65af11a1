"""Senders that go on while something breaks."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import grpc
from conformance import wire
from conformance.samples import PROTOBUF, SERVICES, as_protobuf
from faults.scene import Scene
from google.rpc import code_pb2

_SENDERS = 4
_SECONDS = 10

#: Sends a request on a connection of its own; the status, that of gRPC as 400 and its number.
Send: TypeAlias = Callable[[], int]


def _span() -> tuple[str, bytes]:
    return "traces", as_protobuf("traces")


def over_http(
    scene: Scene,
    tls: ssl.SSLContext | None = None,
    make: Callable[[], tuple[str, bytes]] = _span,
) -> Send:
    """Sends to whichever auditor the scene has at the time.

    Args:
        scene: whose auditor is sent to.
        tls: context of a client, or None for plain text.
        make: gives the signal and the body of a request.
    """

    def send() -> int:
        with wire.Connection(scene.program.http, tls) as connection:
            signal, body = make()
            headers = {"Content-Type": PROTOBUF}
            connection.send(wire.request(f"/v1/{signal}", body, headers))
            return connection.answer().status

    return send


def over_grpc(scene: Scene, authority: bytes) -> Send:
    """The same over gRPC with TLS.

    Args:
        scene: whose auditor is sent to.
        authority: that is trusted, in PEM.
    """

    def send() -> int:
        credentials = grpc.ssl_channel_credentials(authority)
        options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
        with grpc.secure_channel(scene.program.grpc, credentials, options) as channel:
            export = channel.unary_unary(f"/{SERVICES['traces']}/Export")
            try:
                export(as_protobuf("traces"), timeout=_SECONDS)
            except grpc.RpcError as error:
                name: str = error.code().name  # type: ignore[attr-defined] # of a client
                return int(400 + code_pb2.Code.Value(name))
            return 200

    return send


@contextmanager
def load(scene: Scene, *sends: Send) -> Iterator[threading.Event]:
    """Senders that send until they are told to stop, and count every answer.

    Args:
        scene: whose auditor they send to.
        sends: ways in which they send, in turn; without any, plain HTTP.
    """
    stop = threading.Event()
    ways = sends or (over_http(scene),)

    def run(send: Send) -> None:
        while not stop.is_set():
            try:
                scene.books.note(send())
            except OSError:
                stop.wait(0.01)  # it does not listen any more

    threads = [
        threading.Thread(target=run, args=(ways[number % len(ways)],)) for number in range(_SENDERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join()
