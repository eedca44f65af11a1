"""What policies ask of a decoder: nothing that no policy asked for becomes a Python object."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from fnmatch import translate
from functools import reduce

from collector.classify import SpanKind
from collector.views import NO_FLAG, NO_MARK, Flag, Mark, NoteKind, Place, TallyKind
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
        events: names of events of spans; the rows are then the events, and `where` and `keys`
            are about their attributes.
        kinds: span kinds, empty for all.
        min_severity: lowest severity number of a log record.
        keys: attributes to keep.
    """

    signal: Signal
    where: tuple[KeyMatch, ...]
    kinds: frozenset[SpanKind] = frozenset()
    min_severity: int = 0
    keys: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SpanSelection:
    """Spans that are told by what they share with many others.

    Attributes:
        kinds: span kinds, empty for all.
        where: all must hold; the attributes are kept, so their values must be few.
        failed: whether only spans that failed, or whose status is an error, are meant.
    """

    kinds: frozenset[SpanKind] = frozenset()
    where: tuple[KeyMatch, ...] = ()
    failed: bool = False


_NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on marks and notes are made: the lowest that any policy asks for.

    Attributes:
        call: nanoseconds; see `NoteKind.LONG_CALL`.
        load: nanoseconds; see `NoteKind.LOAD`.
        age: nanoseconds; see `NoteKind.LATE_MESSAGE`.
        outlives: nanoseconds; see `Mark.CHILD_OUTLIVES`.
        transaction: nanoseconds; see `Mark.TRANSACTION`.
        repeated: spans; see `Mark.QUERY_REPEATED`.
        offset: rows; see `NoteKind.DEEP_OFFSET`.
        rows: rows; see `NoteKind.MANY_ROWS`.
    """

    call: int = _NEVER
    load: int = _NEVER
    age: int = _NEVER
    outlives: int = _NEVER
    transaction: int = _NEVER
    repeated: int = _NEVER
    offset: int = _NEVER
    rows: int = _NEVER

    def __or__(self, other: Bounds) -> Bounds:
        return Bounds(*(min(getattr(self, n), getattr(other, n)) for n in _BOUNDS))


_BOUNDS = tuple(one.name for one in fields(Bounds))


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
        notes: kinds of single spans that are shown.
        bounds: of marks and notes.
        selected: what `Mark.SELECTED` and `NoteKind.SELECTED` are about.
        identity_keys: attributes that hold an idempotency key.
        tenant_keys: attributes that hold the id of a tenant.
        fingerprint_keys: attributes that say what a request was.
        cache_keys: attributes that tell whether a cache had what was asked for; they are kept,
            so their values must be few.
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
    notes: frozenset[NoteKind] = frozenset()
    bounds: Bounds = Bounds()
    selected: tuple[SpanSelection, ...] = ()
    identity_keys: frozenset[str] = frozenset()
    tenant_keys: frozenset[str] = frozenset()
    fingerprint_keys: frozenset[str] = frozenset()
    cache_keys: frozenset[str] = frozenset()

    @property
    def traces(self) -> bool:
        """Whether spans must be kept until their trace's wait ends."""
        return bool(self.marks or self.tallies or self.orphans or self.notes)

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
            notes=self.notes | other.notes,
            bounds=self.bounds | other.bounds,
            selected=tuple(dict.fromkeys((*self.selected, *other.selected))),
            identity_keys=self.identity_keys | other.identity_keys,
            tenant_keys=self.tenant_keys | other.tenant_keys,
            fingerprint_keys=self.fingerprint_keys | other.fingerprint_keys,
            cache_keys=self.cache_keys | other.cache_keys,
        )


def union(demands: list[Demand]) -> Demand:
    """One demand that serves all of them."""
    return reduce(Demand.__or__, demands, Demand())
