"""Whether a request is taken: bounds on what is in flight, and the end of the service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from collector.accept.memory import MemoryBudget
from collector.ledger import Refusal

#: Bounds that are met before there is a request to count.
BOUNDS = ("http_connections", "http_header_seconds")


class Admission:
    """Counts what is in flight, over all listeners.

    Over a bound a request is refused so that its client tries again; nothing waits in a
    queue that nobody sees.

    Args:
        max_requests: requests in flight. Two worker threads inspect; the others are being
            received.
        max_bytes: bytes of bodies in flight, as received over HTTP, and inflated where they came
            over gRPC or are sent on; one request larger than this is still taken while nothing else
            is in flight.
        retry_after_seconds: what a refused client is told to wait.
        memory: of the process.
    """

    def __init__(
        self,
        max_requests: int = 64,
        max_bytes: int = 256 * 1024 * 1024,
        retry_after_seconds: int = 2,
        memory: MemoryBudget | None = None,
    ) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self.retry_after_seconds = retry_after_seconds
        self._memory = memory or MemoryBudget(None)
        self._lock = Lock()
        self._requests = 0
        self._bytes = 0
        self._reading = 0
        self._draining = False
        self.met: Counter[str] = Counter(dict.fromkeys(BOUNDS, 0))

    def crowded(self) -> None:
        """A connection was closed, because there are too many."""
        self.met["http_connections"] += 1

    def slow_headers(self) -> None:
        """A connection was closed, because the headers of its request did not arrive in time."""
        self.met["http_header_seconds"] += 1

    def enter(self) -> Refusal | None:
        """Take a request in, before its body is read; None when it is taken.

        Whoever is taken in must `leave`.
        """
        with self._lock:
            if self._draining:
                return Refusal.DRAINING
            if self._requests >= self._max_requests:
                return Refusal.OVERLOADED
            if self._memory.exceeded(self._bytes + self._reading):
                return Refusal.MEMORY
            self._requests += 1
            return None

    def grow(self, size: int, taken: list[int]) -> bool:
        """Account for bytes of a body that have arrived; False when there is no room.

        Args:
            size: of what has arrived, or has been inflated.
            taken: bytes that this request has, which grow too; alone it always has room.
        """
        with self._lock:
            if self._bytes > taken[0] and self._bytes + size > self._max_bytes:
                return False
            self._bytes += size
            taken[0] += size
            return True

    def leave(self, size: int) -> None:
        """A request was answered, and so many bytes of it are gone."""
        with self._lock:
            self._requests -= 1
            self._bytes -= size

    def drain(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._draining = True

    @property
    def overloaded(self) -> bool:
        """Whether the next request would be refused for what is in flight, or in memory."""
        with self._lock:
            full = self._requests >= self._max_requests or self._bytes >= self._max_bytes
            return full or self._memory.exceeded(self._bytes + self._reading)

    @contextmanager
    def reading(self, size: int, taken: int, inflated: int = 0) -> Iterator[Refusal | None]:
        """Set memory aside while a request is read.

        Args:
            size: bytes that reading it takes beyond its body; with none it is never refused, for
                it was admitted as it is.
            taken: bytes that it has, see `grow`; they are in memory by now.
            inflated: bytes beside those that it was inflated to; so are they.

        Returns:
            Why it cannot be read: too large where it never can, for its sender would try for ever.
            None when it can.
        """
        with self._lock:
            refusal = self._unreadable(size, taken, inflated) if size else None
            held = 0 if refusal else size
            self._reading += held
        try:
            yield refusal
        finally:
            with self._lock:
                self._reading -= held

    def _unreadable(self, size: int, taken: int, inflated: int) -> Refusal | None:
        if self._memory.never_holds(taken + inflated + size):
            return Refusal.TOO_LARGE
        others = self._bytes - taken + self._reading
        return Refusal.MEMORY if self._memory.exceeded(others + size) else None

    @property
    def short_of_memory(self) -> bool:
        """Whether the process holds more than it should."""
        with self._lock:
            return self._memory.exceeded(0)

    @property
    def in_flight(self) -> tuple[int, int]:
        """Requests and bytes at present."""
        with self._lock:
            return self._requests, self._bytes
