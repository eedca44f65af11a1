"""How much memory the process may hold before it takes no more requests."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

_STATM = Path("/proc/self/statm")
_CGROUPS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
#: Of a container's limit; the rest is for what requests in flight add before they are counted.
_SHARE = 0.9
#: A cgroup without a limit says a number near 2**63.
_NO_LIMIT = 2**60
#: A reading serves so long: a request costs a microsecond of it, not forty.
_FRESH_SECONDS = 0.02
_RELIEF_SECONDS = 5.0
_GIVE_BACK_SECONDS = 60.0


def resident() -> int:
    """Bytes of memory that the process holds; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def container_limit(files: tuple[Path, ...] = _CGROUPS) -> int | None:
    """What the process may hold by its container's limit, with some to spare; None for no limit.

    Args:
        files: of which the first that can be read tells, as cgroups of version 2 and 1 do.
    """
    for file in files:
        try:
            limit = int(file.read_text())
        except (OSError, ValueError):  # version 2 says "max" for no limit
            continue
        return int(limit * _SHARE) if limit < _NO_LIMIT else None
    return None


#: Of the GNU C library alone; it takes how much may be kept.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Let the system have what the C library keeps of what was freed.

    It takes a millisecond or two, in which other threads run.
    """
    if _trim is not None:
        _trim(0)


class MemoryBudget:
    """Tells when the process holds too much.

    Args:
        limit: bytes; None is no limit.
        read: bytes that the process holds at present.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        limit: int | None,
        read: Callable[[], int] = resident,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limit = limit
        self._read = read
        self._clock = clock
        self._read_at = float("-inf")
        self._held = 0
        self._least = 0
        self._relieved_at = self._given_at = float("-inf")

    @property
    def limit(self) -> int | None:
        """Bytes; None is no limit."""
        return self._limit

    def exceeded(self, coming: int) -> bool:
        """Whether no more should be taken.

        Args:
            coming: bytes in flight that may not be in memory yet.
        """
        if self._limit is None:
            return False
        return self._now_held() + coming > self._limit

    def never_holds(self, coming: int) -> bool:
        """Whether so much is too much beside the least that the process has held so far.

        Args:
            coming: bytes.
        """
        if self._limit is None:
            return False
        self._now_held()
        return self._least + coming > self._limit

    def _now_held(self) -> int:
        now = self._clock()
        if now - self._read_at > _FRESH_SECONDS:
            self._held, self._read_at = self._read(), now
            self._least = min(self._least or self._held, self._held)
        return self._held

    def relieve(self) -> bool:
        """Give back what is free now and then, and soon if too much is held; whether that was so.

        What bursts and snapshots leave in pieces would else be held for good, and a process might
        refuse for ever over memory that it does not use.
        """
        now = self._clock()
        short = now - self._relieved_at >= _RELIEF_SECONDS and self.exceeded(0)
        if short:
            self._relieved_at = now
            gc.collect()
        if short or now - self._given_at >= _GIVE_BACK_SECONDS:
            self._given_at = now
            give_back()
            self._read_at = float("-inf")
        return short
