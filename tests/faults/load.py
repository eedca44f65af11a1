"""Senders that go on while something breaks."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from conformance import wire
from conformance.samples import PROTOBUF, as_protobuf
from faults.scene import Scene

_SENDERS = 4


def _span() -> tuple[str, bytes]:
    return "traces", as_protobuf("traces")


@contextmanager
def load(
    scene: Scene,
    tls: ssl.SSLContext | None = None,
    make: Callable[[], tuple[str, bytes]] = _span,
) -> Iterator[threading.Event]:
    """Senders that send until they are told to stop, and count every answer.

    Args:
        scene: whose auditor they send to.
        tls: context of their connections, or None for plain text.
        make: gives the signal and the body of a request.
    """
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            try:
                with wire.Connection(scene.program.http, tls) as connection:
                    headers = {"Content-Type": PROTOBUF}
                    signal, body = make()
                    connection.send(wire.request(f"/v1/{signal}", body, headers))
                    scene.books.note(connection.answer().status)
            except OSError:
                stop.wait(0.01)  # it does not listen any more

    threads = [threading.Thread(target=send) for _ in range(_SENDERS)]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join()
