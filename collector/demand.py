"""What policies ask of a decoder: nothing that no policy asked for becomes a Python object."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import translate
from functools import reduce

from collector.classify import SpanKind
from collector.views import NO_FLAG, NO_MARK, Flag, Mark, Place, TallyKind
from collector.violation import Signal


def any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that matches what any of the shell-style patterns matches; None for none."""
    sources = [translate(pattern) for pattern in patterns]
    return re.compile("|".join(sources)) if sources else None


@dataclass(frozen=True, slots=True)
class KeyMatch:
    """A condition on one attribute, checked before a row is made.

    Attributes:
        keys: spellings of the attribute; any of them will do.
        patterns: shell-style patterns of which the value must match one.
    """

    keys: tuple[str, ...]
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowSelection:
    """Which items become rows, and which of their attributes a row holds.

    Attributes:
        signal: TRACES or LOGS.
        where: all must hold.
        kinds: span kinds, empty for all.
        min_severity: lowest severity number of a log record.
        keys: attributes to keep.
    """

    signal: Signal
    where: tuple[KeyMatch, ...]
    kinds: frozenset[SpanKind] = frozenset()
    min_severity: int = 0
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Demand:
    """The union of what the loaded policies need.

    Attributes:
        shapes: signals whose shapes are wanted.
        places: places whose strings are wanted.
        series: whether label sets of metrics are wanted.
        rows: selections, without repeats.
        marks: a finished trace is shown when it carries one of these.
        orphans: spans without their parent are shown for these of PARENT_LOCAL, PARENT_REMOTE.
        trace_keys: attributes that spans of a shown trace hold beside the classification's.
        tallies: counts over all traces.
        probe_routes: normalised paths that set `Mark.PROBE_ROUTE`.
        resource_keys: resource attributes to keep.
    """

    shapes: frozenset[Signal] = frozenset()
    places: frozenset[Place] = frozenset()
    series: bool = False
    rows: tuple[RowSelection, ...] = ()
    marks: Mark = NO_MARK
    orphans: Flag = NO_FLAG
    trace_keys: frozenset[str] = frozenset()
    tallies: frozenset[TallyKind] = frozenset()
    probe_routes: frozenset[str] = frozenset()
    resource_keys: frozenset[str] = frozenset()

    @property
    def traces(self) -> bool:
        """Whether spans must be kept until their trace's wait ends."""
        return bool(self.marks or self.tallies or self.orphans)

    def __or__(self, other: Demand) -> Demand:
        return Demand(
            shapes=self.shapes | other.shapes,
            places=self.places | other.places,
            series=self.series or other.series,
            rows=tuple(dict.fromkeys((*self.rows, *other.rows))),
            marks=self.marks | other.marks,
            orphans=self.orphans | other.orphans,
            trace_keys=self.trace_keys | other.trace_keys,
            tallies=self.tallies | other.tallies,
            probe_routes=self.probe_routes | other.probe_routes,
            resource_keys=self.resource_keys | other.resource_keys,
        )


def union(demands: list[Demand]) -> Demand:
    """One demand that serves all of them."""
    return reduce(Demand.__or__, demands, Demand())
