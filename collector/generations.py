"""A bounded memory of what was seen: two generations, the older forgotten as a whole."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Generations(Generic[K, V]):
    """A map that forgets the least recently used half when it is full.

    Looking up and adding cost one or two dictionary operations, and nothing is ever swept.

    Args:
        bound: entries kept at most; at least half as many are always remembered.
    """

    def __init__(self, bound: int) -> None:
        self._half = max(1, bound // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self.turns = 0

    def get(self, key: K) -> V | None:
        """The value under a key, which thereby counts as used; None when forgotten."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self[key] = value
        return value

    def __setitem__(self, key: K, value: V) -> None:
        if len(self._young) >= self._half and key not in self._young:
            self.turn()
        self._young[key] = value

    def turn(self) -> None:
        """Forget the older generation; what is young becomes old."""
        self._old = self._young
        self._young = {}
        self.turns += 1

    def pop(self, key: K) -> None:
        """Forget one key."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def items(self) -> Iterator[tuple[K, V]]:
        """All entries, the older ones first."""
        yield from ((key, value) for key, value in self._old.items() if key not in self._young)
        yield from self._young.items()

    def __len__(self) -> int:
        return len(self._young) + sum(1 for key in self._old if key not in self._young)
