"""Ways in which the load comes: each over connections that are opened and closed again."""

from __future__ import annotations

import gzip
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import grpc
from conformance.samples import JSON, PROTOBUF, SERVICES
from faults.scene import Books, Scene
from google.rpc import code_pb2
from soak.churn import Bodies, Kind, new_labels, new_services, new_texts, new_traces

_REQUESTS_OF_A_CONNECTION = 20
_SECONDS = 60  # for an answer

Send = Callable[[bytes], int]


class Way(NamedTuple):
    """A kind of telemetry with a protocol.

    Attributes:
        signal: that is sent.
        make: gives its requests.
        over: `http` or `grpc`.
        content_type: over HTTP.
        zipped: whether it comes compressed.
    """

    signal: str
    make: Kind
    over: str
    content_type: str = PROTOBUF
    zipped: bool = False


WAYS = (
    Way("traces", new_services, "http", zipped=True),
    Way("traces", new_traces, "grpc"),
    Way("traces", new_traces, "http"),
    Way("metrics", new_labels, "grpc", zipped=True),
    Way("metrics", new_labels, "http"),
    Way("logs", new_texts, "http", JSON),
    Way("logs", new_texts, "http", JSON, zipped=True),
)


@contextmanager
def _http(way: Way, address: str) -> Iterator[Send]:
    connection = http.client.HTTPConnection(address, timeout=_SECONDS)
    headers = {"Content-Type": way.content_type}
    if way.zipped:
        headers["Content-Encoding"] = "gzip"

    def send(body: bytes) -> int:
        data = gzip.compress(body, 1) if way.zipped else body
        connection.request("POST", f"/v1/{way.signal}", data, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    try:
        yield send
    finally:
        connection.close()


@contextmanager
def _grpc(way: Way, address: str) -> Iterator[Send]:
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
    compression = grpc.Compression.Gzip if way.zipped else None
    with grpc.insecure_channel(address, options=options, compression=compression) as channel:
        export = channel.unary_unary(f"/{SERVICES[way.signal]}/Export")

        def send(body: bytes) -> int:
            try:
                export(body, timeout=_SECONDS)
            except grpc.RpcError as error:
                name: str = error.code().name  # type: ignore[attr-defined] # of a client
                return int(400 + code_pb2.Code.Value(name))
            return 200

        yield send


_OVER = {"http": _http, "grpc": _grpc}


def _run(way: Way, bodies: Bodies, scene: Scene, pause: float, stop: threading.Event) -> None:
    address = getattr(scene.program, way.over)
    books: Books = scene.books
    while not stop.is_set():
        with _OVER[way.over](way, address) as send:
            for _ in range(_REQUESTS_OF_A_CONNECTION):
                began = time.monotonic()
                try:
                    status = send(next(bodies))
                except OSError:
                    status = 0
                books.note(status)
                if status == 0 or stop.wait(max(0.0, began + pause - time.monotonic())):
                    break


class Load:
    """All ways at once, again and again.

    Args:
        scene: whose auditor is sent to.
        rate: requests a second of each way.
    """

    def __init__(self, scene: Scene, rate: float) -> None:
        self._scene = scene
        self._pause = 1 / rate
        self._bodies = [way.make() for way in WAYS]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send; afterwards every connection is closed."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=_run, args=(way, bodies, self._scene, self._pause, stop))
            for way, bodies in zip(WAYS, self._bodies, strict=True)
        ]
        with ExitStack() as ending:
            for thread in threads:
                thread.start()
                ending.callback(thread.join)
            ending.callback(stop.set)
            yield
