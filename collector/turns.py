"""A lock that who takes it many times in a row can leave to others in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import sleep

_NAP_SECONDS = 0.0002
_MOST_NAPS = 10


class Turns:
    """A lock that knows whether somebody waits for it.

    `threading.Lock` is not fair: who releases it and takes it again at once nearly always gets it,
    for whoever was waiting has yet to wake up.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[None] = deque()  # appending and popping need no lock

    def __enter__(self) -> None:
        self._acquire(-1)

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextmanager
    def patiently(self, seconds: float) -> Iterator[bool]:
        """Hold the lock, unless it cannot be had in time; whether it is held."""
        held = self._acquire(seconds)
        try:
            yield held
        finally:
            if held:
                self._lock.release()

    def _acquire(self, seconds: float) -> bool:
        if self._lock.acquire(blocking=False):
            return True
        self._waiting.append(None)
        try:
            return self._lock.acquire(timeout=seconds)
        finally:
            self._waiting.pop()

    def give_way(self) -> None:
        """Without the lock: leave a turn to those who wait for one, about 2 ms at most."""
        for _ in range(_MOST_NAPS):
            if not self._waiting:
                return
            sleep(_NAP_SECONDS)
