"""Faults of the next hop: it is slow, and it answers nonsense."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from conformance.samples import SIGNALS, as_protobuf
from faults.scene import Scene, Unbalanced
from faults.table import fault
from forward.hops import Got, RpcHop, WebHop, good

_TIMEOUT = 0.3
_SENDERS = 8
_UNREADABLE = b"\xff\xff\xff"
_HTTP_NONSENSE: tuple[tuple[int, dict[str, str], object], ...] = (
    (200, {"Content-Type": "application/x-protobuf"}, _UNREADABLE),
    (200, {"Content-Type": "text/html"}, b"<html>welcome to the captive portal</html>"),
    (200, {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}, b"no gzip"),
    (200, {"Content-Type": "application/x-protobuf"}, gzip.compress(bytes(8_000_000))),
    (302, {"Location": "http://127.0.0.1:9/"}, b""),
    (503, {"Content-Type": "application/x-protobuf"}, _UNREADABLE),
)


class _Hop:
    """A hop that breaks, and what it took."""

    def __init__(self, made: Any, breaks: Callable[[Any, Got], object]) -> None:
        self._hop = made
        self._breaks = breaks
        self.broken = True
        self.taken = 0
        self._lock = threading.Lock()
        made.answer = self._answer

    def _answer(self, got: Got) -> object:
        """Every second request is one too many for it."""
        with self._lock:
            self.taken += 1
            odd = self.taken % 2
        if self.broken and odd:
            return self._breaks(self._hop, got)
        if self._hop.protocol == "grpc":
            return b""
        return 200, {"Content-Type": got.headers["Content-Type"]}, good(got)


def _try(scene: Scene, made: Any, breaks: Callable[[Any, Got], object]) -> None:
    scene.servers.closes(made.close)
    hop = _Hop(made, breaks)
    forward = {"endpoint": made.endpoint, "protocol": made.protocol}
    scene.replace({"forward": forward | {"timeout_seconds": _TIMEOUT}})
    rounds = scene.many(30, 3)

    def send(number: int) -> tuple[int, int]:
        signal = SIGNALS[number % len(SIGNALS)]
        return scene.post(signal, as_protobuf(signal)), scene.post(signal, _UNREADABLE)

    with ThreadPoolExecutor(_SENDERS) as pool:
        statuses = [one for both in pool.map(send, range(rounds * _SENDERS)) for one in both]
    unexpected = set(statuses) - {200, 503, 504}
    if unexpected:
        raise Unbalanced(f"a hop that fails is answered for with {unexpected}")
    if len(set(statuses)) < 2:
        raise Unbalanced("the hop never failed, or always: the fault was none")
    if statuses.count(200) > hop.taken:
        raise Unbalanced("more is acknowledged than the hop took")
    entry = scene.entry()
    wanted = rounds * _SENDERS
    if (entry.inspected, entry.uninspected, entry.refused) != (wanted, wanted, 0):
        raise Unbalanced(f"{entry}, where {wanted} were good and {wanted} cannot be read")
    hop.broken = False


def _slow() -> Callable[[Any, Got], object]:
    def breaks(hop: Any, got: Got) -> object:
        """What it took is answered when nobody waits for it any more."""
        time.sleep(3 * _TIMEOUT)
        return b"" if hop.protocol == "grpc" else (200, {}, b"")

    return breaks


def _nonsense() -> Callable[[Any, Got], object]:
    numbers = count()

    def breaks(hop: Any, got: Got) -> object:
        if hop.protocol == "grpc":
            return _UNREADABLE
        return _HTTP_NONSENSE[next(numbers) % len(_HTTP_NONSENSE)]

    return breaks


@fault("the next hop is slow, over HTTP")
def _(scene: Scene) -> None:
    _try(scene, WebHop(), _slow())


@fault("the next hop is slow, over gRPC")
def _(scene: Scene) -> None:
    _try(scene, RpcHop(), _slow())


@fault("the next hop answers nonsense, over HTTP")
def _(scene: Scene) -> None:
    _try(scene, WebHop(), _nonsense())


@fault("the next hop answers nonsense, over gRPC")
def _(scene: Scene) -> None:
    _try(scene, RpcHop(), _nonsense())
