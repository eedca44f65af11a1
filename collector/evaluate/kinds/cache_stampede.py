"""Many requests that load the same thing from the database at the same time.

Why:
    When an entry of a cache expires, every request that wants it misses at once, and each of
    them asks the database for the same rows. The database slows down, so that more requests
    arrive before the first has filled the cache: the load grows by itself.

Bad:
    telemetry:
      - service: shop
        repeat: 10
        spans:
          - {trace: "t{i}", id: s, kind: server, name: GET /, duration: 0.4}
          - {trace: "t{i}", id: d, parent: s, kind: client, name: SELECT prices, start: 0.1,
             duration: 0.2, attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: SELECT * FROM prices WHERE sku = 42}}
    until: 90

Good:
    telemetry:
      - service: shop
        repeat: 10
        spans:
          - {trace: "t{i}", id: s, kind: server, name: GET /, duration: 0.4}
          - {trace: "t{i}", id: d, parent: s, kind: client, name: SELECT prices, start: 0.1,
             duration: 0.2, attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: "SELECT * FROM prices WHERE sku = 1{i}"}}
    until: 90

Mend:
    Let one request load and the others wait for it (single flight, a lock per key), renew
    entries before they expire, spread their ends at random, and serve the old value meanwhile.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pydantic import Field

from collector.classify import mask_name
from collector.demand import Bounds, Demand, RowSelection
from collector.evaluate.caching import ANSWER_KEYS, missed
from collector.evaluate.overlap import Interval, Peak, peak, stands_out
from collector.evaluate.places import peer_name
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.sampled import Threshold, rank
from collector.evaluate.tree import ended, took
from collector.evaluate.windows import Tumbling
from collector.generations import Generations
from collector.statements import CACHES
from collector.views import Note, NoteKind, Row, Span, Tally, TallyKind
from collector.violation import Basis, Service, Severity, Signal, Violation

_ONE_DAY = 86_400 * 1_000_000_000  # what lasts longer is a fault of a clock
_NO_TABLES = frozenset({"", "dual"})
# Waiting for a lock is no loading.
_LOCKS = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE|KEY)\b|\bLOCK\s+IN\b", re.IGNORECASE)


class StampedeOptions(Options):
    """When loads of one thing are a stampede."""

    window_seconds: float = Field(
        default=30,
        gt=0,
        description="length of a window, judged with the one before it, so that loads may arrive "
        "so far apart (ours)",
    )
    min_loads: int = Field(
        default=10, ge=2, description="traces that load the same at one moment (ours)"
    )
    load_ms: float = Field(
        default=5, ge=0, description="shorter reads are no load worth sharing (ours)"
    )
    start_seconds: float = Field(
        default=60,
        ge=0,
        description="a process whose first load was seen no longer ago has just started, and what "
        "it loads once is no part of a stampede (ours)",
    )
    max_processes: int = Field(
        default=10_000, ge=1, description="processes of which the first load is remembered"
    )
    cache_keys: tuple[str, ...] = Field(
        default=ANSWER_KEYS,
        description="attributes that tell hit from miss; of a service that sets them, only loads "
        "after a miss are counted",
    )
    max_loads: int = Field(
        default=50_000, ge=1, description="loads remembered per window, by a sample of things"
    )
    max_loads_of_one: int = Field(
        default=2_000, ge=1, description="loads of one thing per window, the earliest"
    )
    max_misses: int = Field(
        default=50_000,
        ge=1,
        description="traces with a miss, and services that tell of them, remembered",
    )


class _Thing(NamedTuple):
    service: Service
    peer: str
    identity: int


@dataclass(slots=True)
class _Loads:
    operation: str
    query: str
    intervals: list[Interval] = field(default_factory=list)
    cut: bool = False

    def trim(self, most: int) -> int:
        """Keep the earliest; returns how many were left out."""
        left_out = max(0, len(self.intervals) - most)
        if left_out:
            self.cut = True
            self.intervals = sorted(self.intervals)[:most]
        return left_out


class _Window:
    """The loads of one window: of every thing, or of a sample of things that fits."""

    def __init__(self, max_loads: int, max_of_one: int) -> None:
        self.things: dict[_Thing, _Loads] = {}
        self.left_out = 0
        self._max_loads = max_loads
        self._max_of_one = max_of_one
        self._threshold = Threshold()
        self._total = 0

    def add(self, thing: _Thing, span: Span, trace_id: bytes) -> None:
        """Add a load; what is kept in the end does not depend on the order."""
        if not self._threshold.takes(rank(thing)):
            self.left_out += 1
            return
        loads = self.things.get(thing)
        if loads is None:
            loads = self.things[thing] = _Loads(span.operation, span.statement.text)
        loads.operation = min(loads.operation, span.operation)
        loads.intervals.append(Interval(span.start, ended(span), trace_id, span.resource.identity))
        self._total += 1
        if len(loads.intervals) >= 2 * self._max_of_one:
            self._forget(loads.trim(self._max_of_one))
        while self._total > self._max_loads and self._threshold.halve():
            for one in [one for one in self.things if not self._threshold.takes(rank(one))]:
                self._forget(len(self.things.pop(one).intervals))

    def finish(self) -> None:
        """Nothing more is added."""
        for loads in self.things.values():
            self._forget(loads.trim(self._max_of_one))

    def _forget(self, loads: int) -> None:
        self._total -= loads
        self.left_out += loads


class Kind(Policy[StampedeOptions]):
    """Sweeps over the loads of each thing for the moment at which most traces overlap."""

    options_type = StampedeOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: StampedeOptions) -> None:
        super().__init__(terms, options)
        self._shortest = int(options.load_ms * 1_000_000)
        self._misses_are = RowSelection(Signal.TRACES, where=(missed(options.cache_keys),))
        self._windows: Tumbling[None, _Window] = Tumbling(
            options.window_seconds, lambda: _Window(options.max_loads, options.max_loads_of_one)
        )
        self._before: dict[_Thing, _Loads] = {}
        self._before_start = float("-inf")
        self._misses: Generations[tuple[bytes, Service], bool] = Generations(options.max_misses)
        self._telling: Generations[Service, bool] = Generations(options.max_misses)
        self._began: Generations[int, int] = Generations(2 * options.max_processes)
        self._locks = lru_cache(maxsize=4096)(_locks)
        self._overflow = 0

    def demand(self) -> Demand:
        """Reads that name what they read, spans that tell of a miss, and who tells of hits."""
        return Demand(
            notes=frozenset({NoteKind.LOAD}),
            bounds=Bounds(load=self._shortest),
            rows=(self._misses_are,) if self.options.cache_keys else (),
            tallies=frozenset({TallyKind.CACHE_ANSWERS}),
            cache_keys=frozenset(self.options.cache_keys),
        )

    def overflow(self) -> int:
        """Loads, misses and processes that were not remembered, because a bound was met."""
        return self._overflow + self._misses.turns + self._telling.turns + self._began.turns

    def on_row(self, row: Row, now: float) -> Iterable[Violation]:
        """Note a miss."""
        del now
        if row.trace_id:
            self._misses[bytes.fromhex(row.trace_id), row.resource.service] = True
            self._telling[row.resource.service] = True
        return ()

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Note who tells hit from miss."""
        del now
        for tally in tallies:
            if tally.kind is TallyKind.CACHE_ANSWERS:
                self._telling[tally.service] = True

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Remember a load until its window ends."""
        del now
        span = note.span
        if self._loads(span):
            process = span.resource.identity
            began = self._began.get(process)
            self._began[process] = span.start if began is None else min(span.start, began)
            window = self._windows.at(int(note.arrived), None)
            if window is not None:
                thing = _Thing(span.resource.service, span.peer, span.target.identity)
                window.add(thing, span, note.trace_id)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge each window together with the end of the one before it."""
        del now
        for start, windows in self._windows.close(float("inf") if final else watermark):
            window = windows[None]
            window.finish()
            self._overflow += window.left_out
            follows = start - self._before_start <= 1.5 * self.options.window_seconds
            before = self._before if follows else {}
            self._before, self._before_start = dict(window.things), start
            for thing in sorted(window.things):
                found = self._judge(thing, window.things[thing], before.get(thing))
                if found is not None:
                    del self._before[thing]  # told once
                    yield found

    def _loads(self, span: Span) -> bool:
        statement = span.statement
        return (
            self._shortest <= took(span) <= _ONE_DAY
            and took(span) > 0
            and statement.system not in CACHES
            and statement.table not in _NO_TABLES
            and not self._locks(statement.text)
        )

    def _judge(self, thing: _Thing, loads: _Loads, before: _Loads | None) -> Violation | None:
        intervals = [*loads.intervals, *(before.intervals if before else ())]
        cut = loads.cut or (before is not None and before.cut)
        telling = self._telling.get(thing.service)
        if telling:
            intervals = [
                one for one in intervals if self._misses.get((one.trace_id, thing.service))
            ]
        if len(intervals) < self.options.min_loads:
            return None
        found = peak(intervals)
        seconds = self.options.window_seconds * (2 if before else 1)
        if cut:
            span = max(one.end for one in intervals) - min(one.start for one in intervals)
            seconds = min(seconds, span / 1e9)
        count = found.traces - self._starting(found)
        if count < self.options.min_loads or not stands_out(found, intervals, seconds):
            return None
        return self._report(thing, loads, found, observed=bool(telling))

    def _starting(self, found: Peak) -> int:
        """How many of the traces at a peak are the only one there of a process that just began.

        Replicas that start together load their settings together.
        """
        traces: dict[int, set[bytes]] = defaultdict(set)
        for one in found.active:
            traces[one.process].add(one.trace_id)
        latest = found.at - int(self.options.start_seconds * 1e9)
        alone = (process for process, own in traces.items() if len(own) == 1)
        began = (self._began.get(process) for process in alone)
        return sum(start is not None and start >= latest for start in began)

    def _report(self, thing: _Thing, loads: _Loads, found: Peak, *, observed: bool) -> Violation:
        subject = f"{peer_name(thing.peer)} {mask_name(loads.operation)}".strip()
        longest = max(one.end - one.start for one in found.active) / 1e6
        after = "after misses" if observed else "no hit or miss told"
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=thing.service,
            subject=subject,
            basis=Basis.OBSERVED if observed else Basis.INFERRED,
            summary=f"{found.traces} requests loaded the same by {subject} at one moment, the "
            f"longest in {longest:.0f} ms, {after}",
            trace_id=min(one.trace_id for one in found.active).hex(),
            evidence={
                "peer": thing.peer,
                "operation": loads.operation,
                "query": loads.query,
                "at_once": found.traces,
                "longest_ms": round(longest, 1),
                "after_misses": observed,
            },
        )


def _locks(text: str) -> bool:
    """Whether a query waits for a lock."""
    return _LOCKS.search(text) is not None
