"""Open traces: spans wait here until their trace had time to arrive."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from collector.classify import SpanKind
from collector.decode.marks import ended, marks_of
from collector.decode.notes import notes_of
from collector.decode.profiles import Record
from collector.demand import Demand
from collector.generations import Generations
from collector.views import (
    NO_MARK,
    Flag,
    Mark,
    Note,
    NoteKind,
    Orphan,
    Span,
    Tally,
    TallyKind,
    Trace,
)

_WHOLE = 2**64
_NANOSECONDS = 1_000_000_000
_PARENTS = Flag.PARENT_LOCAL | Flag.PARENT_REMOTE
_CALLS = frozenset({SpanKind.CLIENT, SpanKind.CONSUMER})
_BY_CALL = frozenset({TallyKind.CALLS, TallyKind.CACHE_READS, TallyKind.CACHE_ANSWERS})
_Identity: TypeAlias = tuple[bytes, bytes]


@dataclass(slots=True)
class _Open:
    arrived: float
    rank: int
    records: dict[bytes, Record] = field(default_factory=dict)
    links: dict[bytes, _Identity] = field(default_factory=dict)
    truncated: bool = False


@dataclass(slots=True)
class Finished:
    """What came out of the table in one pass."""

    traces: list[Trace] = field(default_factory=list)
    orphans: list[Orphan] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    tallies: Counter[Tally] = field(default_factory=Counter)


def _level(rank: int) -> int:
    """How often the share of traces can be halved before those of a rank are left out."""
    return min(64 - rank.bit_length(), 63)


class TraceTable:
    """The bounded table of open traces.

    A trace is finished when `wait` seconds have passed since its first span arrived. When
    the table is full it keeps a consistent sample of whole traces: a trace is in or out by
    a keyed hash of its id, so every span of it meets the same decision.

    Args:
        demand: the marks, tallies and probe routes that are wanted.
        wait: seconds; 30 is the default decision wait of the Collector's tail sampling.
        max_spans: open spans kept at most.
        max_spans_per_trace: further spans of a trace are counted and left out.
        max_spans_shown: of a marked trace the first so many spans are shown, and the others
            are counted.
        max_producers: PRODUCER spans whose end is remembered, for the age of messages.
        max_watched: trace ids that are watched for at most.
        seed: keys the hash, so that a sender cannot choose who is sampled.
    """

    def __init__(
        self,
        demand: Demand,
        *,
        wait: float = 30.0,
        max_spans: int = 200_000,
        max_spans_per_trace: int = 10_000,
        max_spans_shown: int = 2_000,
        max_producers: int = 100_000,
        max_watched: int = 10_000,
        seed: bytes = b"",
    ) -> None:
        self._demand = demand
        self._ages = NoteKind.LATE_MESSAGE in demand.notes
        self._wait = wait
        self._max_spans = max_spans
        self._max_per_trace = max_spans_per_trace
        self._max_shown = max_spans_shown
        digest = hashlib.blake2b(seed, digest_size=16).digest()
        self._keys = (int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little"))
        self._open: dict[bytes, _Open] = {}
        self._judged: Generations[_Identity, bool] = Generations(2 * max_spans)
        self._missing: Generations[_Identity, bool] = Generations(max_spans)
        self._producers: Generations[_Identity, int] = Generations(max_producers)
        self._watched: Generations[bytes, bool] = Generations(max_watched)
        self._threshold = _WHOLE
        self._admitted: dict[int, float] = {}
        self.open_spans = 0
        self.sampled_out = 0
        self.over_trace_bound = 0
        self.repeated = 0
        self.not_shown = 0

    @property
    def producers_forgotten(self) -> int:
        """How often the bound made it forget ends of PRODUCER spans."""
        return self._producers.turns

    @property
    def watched_forgotten(self) -> int:
        """How often the bound made it forget ids that are watched for."""
        return self._watched.turns

    @property
    def share(self) -> float:
        """The share of traces that is kept at present."""
        return self._threshold / _WHOLE

    def watch(self, trace_id: bytes) -> None:
        """Mark a trace that is open or yet to come with WATCHED."""
        self._watched[trace_id] = True

    def add(
        self, trace_id: bytes, record: Record, now: float, link: _Identity | None = None
    ) -> bool:
        """Keep a span until its trace's wait ends.

        Args:
            trace_id: 16 bytes.
            record: the span.
            now: arrival time.
            link: trace and span id to which a CONSUMER span is linked first.

        Returns:
            True when a child of this span was judged before, without it.
        """
        span = record.span
        identity = (trace_id, span.span_id)
        entry = self._open.get(trace_id)
        if (entry and span.span_id in entry.records) or self._judged.get(identity):
            self.repeated += 1
            return False
        late_parent = bool(self._missing.get(identity))
        if self._ages and span.kind is SpanKind.PRODUCER:
            self._producers[identity] = ended(span)
        if entry is None:
            rank = self._rank(trace_id)
            if rank >= self._threshold:
                self.sampled_out += 1
                return late_parent
            # Where it was kept out until lately, the first of its spans may be gone.
            lately = self._admitted.get(_level(rank), float("-inf"))
            entry = self._open[trace_id] = _Open(now, rank, truncated=now - self._wait < lately)
        if len(entry.records) >= self._max_per_trace:
            entry.truncated = True
            self.over_trace_bound += 1
            return late_parent
        entry.records[span.span_id] = record
        if link is not None:
            entry.links[span.span_id] = link
        self.open_spans += 1
        if self.open_spans > self._max_spans:
            self._sample_down()
        return late_parent

    def advance(self, now: float) -> Finished:
        """Take out the traces whose wait has ended."""
        return self._finish(now - self._wait, now)

    def drain(self, now: float) -> Finished:
        """Take out all traces, whatever their age."""
        return self._finish(float("inf"), now)

    def watermark(self, now: float) -> float:
        """No trace that arrived before this time is open."""
        oldest = next(iter(self._open.values()), None)
        due = now - self._wait
        return due if oldest is None else min(due, oldest.arrived)

    def _rank(self, trace_id: bytes) -> int:
        low, high = (int.from_bytes(trace_id[at : at + 8], "little") for at in (0, 8))
        product = (low ^ self._keys[0]) * (high ^ self._keys[1])
        return (product & (_WHOLE - 1)) ^ (product >> 64)

    def _sample_down(self) -> None:
        while self.open_spans > self._max_spans and self._threshold > 1:
            self._threshold //= 2
            for trace_id in [t for t, e in self._open.items() if e.rank >= self._threshold]:
                dropped = len(self._open.pop(trace_id).records)
                self.open_spans -= dropped
                self.sampled_out += dropped

    def _due(self, until: float) -> Iterator[tuple[bytes, _Open]]:
        while self._open:
            trace_id, entry = next(iter(self._open.items()))
            if entry.arrived > until:
                return
            del self._open[trace_id]
            self.open_spans -= len(entry.records)
            yield trace_id, entry

    def _finish(self, until: float, now: float) -> Finished:
        finished = Finished()
        for trace_id, entry in self._due(until):
            self._judge(trace_id, entry, finished, waited=entry.arrived <= now - self._wait)
        if self.open_spans < self._max_spans // 4:
            self._relax(now)
        return finished

    def _relax(self, now: float) -> None:
        """Keep twice as many traces, and know of the others that they were kept out."""
        if self._threshold < _WHOLE:
            self._threshold *= 2
            self._admitted[_level(self._threshold - 1)] = now

    def _judge(self, trace_id: bytes, entry: _Open, finished: Finished, *, waited: bool) -> None:
        records = entry.records
        if self._ages:
            records = {key: self._aged(trace_id, one, entry) for key, one in records.items()}
        spans = tuple(one.span for one in records.values())
        marks, missing = marks_of(records, self._demand)
        marks |= Mark.WATCHED if self._watched.get(trace_id) else NO_MARK
        missing = frozenset(p for p in missing if not self._judged.get((trace_id, p)))
        for record in records.values():
            self._judged[trace_id, record.span.span_id] = True
            self._count(record, int(entry.arrived), finished.tallies)
        for parent in missing:
            self._missing[trace_id, parent] = True
        if self._demand.notes:
            finished.notes += notes_of(trace_id, entry.arrived, records, self._demand)
        if waited and not entry.truncated:
            finished.orphans += self._orphans(trace_id, entry.arrived, spans, missing)
        marks &= self._demand.marks
        if marks:
            shown = spans[: self._max_shown]
            self.not_shown += len(spans) - len(shown)
            truncated = entry.truncated or len(shown) < len(spans)
            finished.traces.append(
                Trace(trace_id, entry.arrived, shown, marks, truncated, missing, waited)
            )

    def _aged(self, trace_id: bytes, record: Record, entry: _Open) -> Record:
        """A CONSUMER span with the age of its message."""
        span = record.span
        if span.kind is not SpanKind.CONSUMER:
            return record
        parent = self._producers.get((trace_id, span.parent_id))
        link = entry.links.get(span.span_id)
        sent = parent if parent is not None or link is None else self._producers.get(link)
        if sent is None or sent >= span.start:
            return record
        aged = replace(span, details=span.details._replace(age=span.start - sent))
        return record._replace(span=aged)

    def _orphans(
        self, trace_id: bytes, arrived: float, spans: Iterable[Span], missing: frozenset[bytes]
    ) -> Iterator[Orphan]:
        for span in spans:
            where = span.flags & _PARENTS & self._demand.orphans
            if where and span.parent_id in missing:
                remote = bool(where & Flag.PARENT_REMOTE)
                yield Orphan(trace_id, span.parent_id, span.resource, remote, arrived)

    def _count(self, record: Record, arrived: int, tallies: Counter[Tally]) -> None:
        span, facts = record
        counted = {
            TallyKind.CALLS: span.kind in _CALLS,
            TallyKind.CACHE_READS: facts.cache_read,
            TallyKind.CACHE_ANSWERS: facts.cache_read and facts.cache_answer,
            TallyKind.LOCAL_CHILDREN: span.flags & Flag.PARENT_LOCAL,
            TallyKind.REMOTE_CHILDREN: span.flags & Flag.PARENT_REMOTE,
            TallyKind.LONG_SPANS: span.end - span.start > self._wait * _NANOSECONDS,
            TallyKind.ROOTS: not span.parent_id,
        }
        for kind in self._demand.tallies:
            if counted[kind]:
                call = (span.peer, span.operation) if kind in _BY_CALL else ("", "")
                tallies[Tally(kind, span.resource.service, *call, arrived)] += 1
