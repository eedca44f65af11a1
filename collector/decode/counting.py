"""Shapes, series and rows: what a slice shows of items without their values."""

from __future__ import annotations

from collections.abc import Iterable

from collector.demand import RowSelection
from collector.generations import Generations
from collector.selection import Conditions
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
        self._where = Conditions(wanted.where)
        self.keys = wanted.keys | self._where.keys

    def takes(self, kind: int, severity: int, attributes: Attributes) -> bool:
        wanted = self.wanted
        return (
            (not wanted.kinds or kind in wanted.kinds)
            and severity >= wanted.min_severity
            and self._where.hold(attributes)
        )


class Selections:
    """The row selections of one signal.

    Args:
        selections: with their index in the demand.
    """

    def __init__(self, selections: Iterable[tuple[int, RowSelection]]) -> None:
        made = [_Selection(index, wanted) for index, wanted in selections]
        self._all = [one for one in made if not one.wanted.events]
        self._of_events = [one for one in made if one.wanted.events]
        self.keys = frozenset(key for one in self._all for key in one.keys)
        self.event_keys = frozenset(key for one in self._of_events for key in one.keys)
        self.events = frozenset(name for one in self._of_events for name in one.wanted.events)

    def __bool__(self) -> bool:
        return bool(self._all)

    def matched(self, kind: int, severity: int, attributes: Attributes) -> tuple[int, ...]:
        """Indices of the selections that an item matches."""
        return tuple(s.index for s in self._all if s.takes(kind, severity, attributes))

    def matched_event(self, name: str, kind: int, attributes: Attributes) -> tuple[int, ...]:
        """Indices of the selections that an event of a span of some kind matches."""
        return tuple(
            s.index
            for s in self._of_events
            if name in s.wanted.events and s.takes(kind, 0, attributes)
        )
