"""Bounded state over time. Nothing here reads a clock: every call is handed its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeAlias, TypeVar

from collector.evaluate.sketch import Distinct

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Tumbling(Generic[K, V]):
    """Windows of equal length, one value per key in each, handed over when they have ended.

    Args:
        seconds: length of a window.
        make: makes the value of a key that a window has not seen.
        max_keys: keys per window; further ones are refused and counted in `overflow`.
        max_open: windows open at once; a time far ahead cannot open more, because the
            oldest are then closed early.
    """

    def __init__(
        self, seconds: float, make: Callable[[], V], *, max_keys: int = 10_000, max_open: int = 64
    ) -> None:
        self.seconds = seconds
        self._make = make
        self._max_keys = max_keys
        self._max_open = max_open
        self._windows: dict[int, dict[K, V]] = {}
        self.overflow = 0

    def at(self, time: float, key: K) -> V | None:
        """The value of a key in the window of a time; None when the window is full."""
        index = int(time // self.seconds)
        window = self._windows.setdefault(index, {})
        value = window.get(key)
        if value is None:
            if len(window) >= self._max_keys:
                self.overflow += 1
                return None
            value = window[key] = self._make()
        return value

    def close(self, until: float) -> Iterator[tuple[float, dict[K, V]]]:
        """Take out, oldest first, the windows that ended at or before a time.

        Yields:
            The start of a window, and its values by key.
        """
        for index in sorted(self._windows):
            ended = (index + 1) * self.seconds <= until
            if ended or len(self._windows) > self._max_open:
                yield index * self.seconds, self._windows.pop(index)


#: What a `SlidingDistinct` amounts to: its index, what is fresh, and each sub-window's sketch.
PackedSliding: TypeAlias = tuple[int, int, list[tuple[int, bytes]]]

_EXACT_STEP = 64  # more hashes than that take less room as registers


class SlidingDistinct:
    """Distinct hashes within a sliding span of time, in steps of a sub-window.

    Args:
        seconds: the span.
        steps: sub-windows in the span; memory grows with it, by 3 KB a step at worst.
        exact: up to so many the count over the whole span is exact.
    """

    __slots__ = ("_exact", "_index", "_past", "_present", "_step", "_steps", "_total", "fresh")

    def __init__(self, seconds: float = 3600.0, steps: int = 12, exact: int = 1024) -> None:
        self._step = seconds / steps
        self._steps = steps
        self._index = 0
        self._past: deque[tuple[int, bytes]] = deque()
        self._exact = exact
        self._present = Distinct(_EXACT_STEP)
        self._total = Distinct(exact)
        self.fresh = 0

    def add(self, hashed: int, now: float) -> bool:
        """Add a hash; True when it was not within the span before.

        ``fresh`` counts those of the present sub-window: how fast the label grows.
        """
        self.roll(now)
        self._present.add(hashed)
        grew = self._total.add(hashed)
        self.fresh += grew
        return grew

    def roll(self, now: float) -> None:
        """Move on to a time, and forget the sub-windows that fell out of the span."""
        index = max(self._index, int(now // self._step))
        if index == self._index:
            return
        if self._present.count():
            self._past.append((self._index, self._present.pack()))
            self._present = Distinct(_EXACT_STEP)
        self._index = index
        self.fresh = 0
        if self._past and self._past[0][0] <= index - self._steps:
            while self._past and self._past[0][0] <= index - self._steps:
                self._past.popleft()
            self._total = Distinct.merged((packed for _, packed in self._past), self._exact)

    def count(self) -> int:
        """Distinct hashes within the span."""
        return self._total.count()

    @property
    def is_exact(self) -> bool:
        """Whether `count` is exact rather than an estimate."""
        return self._total.is_exact

    def pack(self) -> PackedSliding:
        """The same as plain values, for `unpack`."""
        present = [(self._index, self._present.pack())] if self._present.count() else []
        return self._index, self.fresh, [*self._past, *present]

    def unpack(self, packed: PackedSliding) -> None:
        """Go on from what `pack` made of another with the same span and steps.

        Raises:
            ValueError: if it is none of `pack`'s.
        """
        self._index, self.fresh, past = packed
        self._past = deque(past)
        self._total = Distinct.merged((one for _, one in past), self._exact)
        if self._past and self._past[-1][0] == self._index:
            _, present = self._past.pop()
            self._present = Distinct.merged([present], _EXACT_STEP)
