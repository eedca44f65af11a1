"""Shapes, series and rows: what a slice shows of items without their values."""

from __future__ import annotations

import re
from collections.abc import Iterable

from collector.demand import RowSelection, any_of
from collector.generations import Generations
from collector.semconv import Attributes
from collector.views import Shape, ShapeCount


class ShapeTable:
    """Counts items by shape, each distinct shape handed over once per slice."""

    def __init__(self) -> None:
        self._counts: dict[Shape, tuple[int, str]] = {}

    def see(self, shape: Shape, trace_id: str) -> None:
        """Count an item."""
        items, first = self._counts.get(shape, (0, trace_id))
        self._counts[shape] = (items + 1, first or trace_id)

    def take(self) -> list[ShapeCount]:
        """Hand over what was counted since the last call."""
        taken = [ShapeCount(shape, *count) for shape, count in self._counts.items()]
        self._counts = {}
        return taken


class SeriesTable:
    """Remembers which series were handed over in the present sub-window.

    A series over the bound is handed over again, which costs time and changes no count.

    Args:
        refresh: length of a sub-window in seconds; a living series is shown once in each.
        remembered: series remembered at most.
    """

    def __init__(self, refresh: float = 300.0, remembered: int = 1_000_000) -> None:
        self._refresh = refresh
        self._remembered = remembered
        self._index = -1
        self._shown: Generations[int, bool] = Generations(remembered)
        self._turns = 0

    @property
    def turns(self) -> int:
        """How often the bound made it forget before a sub-window had ended."""
        return self._turns + self._shown.turns

    def fresh(self, hashed: int, now: float) -> bool:
        """Whether a series was not yet shown in this sub-window; from now on it was."""
        index = int(now // self._refresh)
        if index != self._index:
            self._turns += self._shown.turns
            self._index, self._shown = index, Generations(self._remembered)
        if self._shown.get(hashed):
            return False
        self._shown[hashed] = True
        return True


class _Selection:
    """A row selection, compiled."""

    def __init__(self, index: int, wanted: RowSelection) -> None:
        self.index = index
        self.wanted = wanted
        self.keys = wanted.keys | {key for match in wanted.where for key in match.keys}
        self._where: list[tuple[tuple[str, ...], re.Pattern[str] | None]] = [
            (match.keys, any_of(match.patterns)) for match in wanted.where
        ]

    def takes(self, kind: int, severity: int, attributes: Attributes) -> bool:
        wanted = self.wanted
        return (
            (not wanted.kinds or kind in wanted.kinds)
            and severity >= wanted.min_severity
            and all(_holds(keys, expression, attributes) for keys, expression in self._where)
        )


def _holds(keys: Iterable[str], expression: re.Pattern[str] | None, attributes: Attributes) -> bool:
    values = (attributes.get(key) for key in keys)
    return any(
        value is not None and (expression is None or expression.match(str(value)) is not None)
        for value in values
    )


class Selections:
    """The row selections of one signal.

    Args:
        selections: with their index in the demand.
    """

    def __init__(self, selections: Iterable[tuple[int, RowSelection]]) -> None:
        self._all = [_Selection(index, wanted) for index, wanted in selections]
        self.keys = frozenset(key for selection in self._all for key in selection.keys)

    def __bool__(self) -> bool:
        return bool(self._all)

    def matched(self, kind: int, severity: int, attributes: Attributes) -> tuple[int, ...]:
        """Indices of the selections that an item matches."""
        return tuple(s.index for s in self._all if s.takes(kind, severity, attributes))
