"""Picks values by key and size, without an object for any that is not wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from collector.evaluate.policy import Pick
from collector.views import PackedValues, Value

_ENDLESS = 1 << 62
_MOST_KEYS = 16_384


def size_of(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


class _Keys(dict[str, bool]):
    """Whether any pick wants the values under a key; remembered, for it is asked all the time."""

    def __init__(self, picks: Sequence[Pick]) -> None:
        super().__init__()
        self._wanted = [pick.key for pick in picks]

    def __missing__(self, key: str) -> bool:
        if len(self) >= _MOST_KEYS:
            self.clear()
        found = self[key] = any(wanted(key) for wanted in self._wanted)
        return found


class Picks:
    """The picks of all policies, told apart in one pass over the values.

    Args:
        picks: in the order in which they are answered.
    """

    def __init__(self, picks: Sequence[Pick]) -> None:
        self._picks = picks
        self._nothing: tuple[Sequence[int], ...] = tuple(() for _ in picks)
        self._passes: dict[tuple[int, ...], tuple[Callable[[str], bool], int]] = {}

    def of(self, values: Sequence[Value], now: float) -> Sequence[Sequence[int]]:
        """Indices of the values that each pick wants.

        Args:
            values: of one batch.
            now: seconds, for budgets.
        """
        room = [_room(pick, now) for pick in self._picks]
        asked = tuple(at for at, left in enumerate(room) if left)
        indices = self._any(values, asked) if asked else ()
        if not indices:
            return self._nothing
        found: list[list[int]] = [[] for _ in self._picks]
        looks = [0] * len(found)
        for index in indices:
            key, text = _pair(values, index)
            size = size_of(text)
            for at in asked:
                pick = self._picks[at]
                wanted = pick.key(key) or (pick.longer is not None and size > pick.longer)
                if not wanted or looks[at] == room[at]:
                    continue
                looks[at] += 1
                if pick.holds is None or pick.holds(text):
                    found[at].append(index)
        for pick, taken in zip(self._picks, looks, strict=True):
            if pick.budget is not None:
                pick.budget.take(taken)
        return found

    def _any(self, values: Sequence[Value], asked: tuple[int, ...]) -> list[int]:
        """Indices of the values that any of some picks wants."""
        if asked not in self._passes:
            picks = [self._picks[at] for at in asked]
            sizes = [pick.longer for pick in picks if pick.longer is not None]
            self._passes[asked] = _Keys(picks).__getitem__, min(sizes, default=_ENDLESS)
        wanted, longer = self._passes[asked]
        if isinstance(values, list | tuple):
            return [
                index
                for index, value in enumerate(values)
                if wanted(value.key) or size_of(value.text) > longer
            ]
        # None is long enough for a blob that is not too long to be looked at alone.
        return cast("PackedValues", values).blobs(wanted, longer + 1, longer, 1)[1]


def _room(pick: Pick, now: float) -> int:
    """How many texts a pick has room for."""
    most = _ENDLESS if pick.most is None else pick.most
    return most if pick.budget is None else min(most, pick.budget.left(now))


def _pair(values: Sequence[Value], index: int) -> tuple[str, str]:
    """Key and text of a value, of which no object is made where there is none."""
    if isinstance(values, list | tuple):
        return values[index].key, values[index].text
    return cast("PackedValues", values).pair(index)
