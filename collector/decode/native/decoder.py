"""The decoder around the scanner: makes objects of what the scanner found to be new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector.classify import SpanKind
from collector.decode import items
from collector.decode.anyvalue import bounded
from collector.decode.counting import Selections
from collector.decode.limits import Limits
from collector.decode.logs import log_row
from collector.decode.messages import REQUESTS, DecodeError, Request, canonical
from collector.decode.native.check import Checker
from collector.decode.native.learned import Learned
from collector.decode.native.scanner import Reading, Scanner
from collector.decode.native.setup import SIGNALS, setup_of
from collector.decode.native.spans import span_of
from collector.decode.native.values import ValueBatch
from collector.decode.points import labels_of, series_of
from collector.decode.rows import span_rows
from collector.demand import Demand
from collector.views import (
    Batch,
    Flag,
    Mark,
    Note,
    Orphan,
    PackedValues,
    Row,
    Series,
    Shape,
    ShapeCount,
    Span,
    Tally,
    Trace,
    Value,
)
from collector.violation import Signal

PackedValues.register(ValueBatch)

_CHECKERS = {signal: Checker(REQUESTS[signal].DESCRIPTOR) for signal in Signal}

#: Spans that are judged with one slice; with more than arrive, nothing piles up.
_JUDGED_PER_SLICE = 2
_LEAST_JUDGED = 256

#: Spans that are judged with one look at the time; those who wait for the lock wait no longer.
_JUDGED_AT_ONCE = 4_096

#: Counts are handed over when time passes, or with a slice when there are more than these.
_MOST_TALLIES = 4_096
#: Counts that are judged with one look at the time: about a millisecond.
_TALLIES_AT_ONCE = 512

_POINTS: dict[int, type[Any]] = {
    42: metrics_pb2.NumberDataPoint,
    58: metrics_pb2.NumberDataPoint,
    74: metrics_pb2.HistogramDataPoint,
    82: metrics_pb2.ExponentialHistogramDataPoint,
    90: metrics_pb2.SummaryDataPoint,
}


class Checked(NamedTuple):
    """A body that protobuf would accept, in a form that the scanner can read."""

    body: bytes
    repaired: int


class NativeDecoder:
    """Hands over what `collector.decode.reference.ReferenceDecoder` does, much sooner.

    Not safe for threads: its caller takes one lock around every call and every step of
    the iterator that `slices` returns. `parse` and `adopt` need no lock.

    Args:
        demand: the union of what the policies need.
        limits: bounds.
        seed: keys all hashes and the sampling of traces; at most 64 bytes.
    """

    name = "native"

    def __init__(self, demand: Demand, limits: Limits | None = None, seed: bytes = b"") -> None:
        limits = limits or Limits()
        self._demand = demand
        self._limits = limits
        self._settled = float("-inf")
        self._selections = {
            signal: Selections(
                (index, row) for index, row in enumerate(demand.rows) if row.signal is signal
            )
            for signal in Signal
        }
        self._learned = Learned(demand)
        self._tallies: dict[Tally, int] = {}
        self._makers = {signal: self._shape_of(signal) for signal in Signal}
        self._scanner = Scanner(setup_of(demand, limits, seed), self._learned.intern)
        self._learned.serve(self._scanner)

    def parse(self, signal: Signal, body: bytes) -> Checked:
        """Check a body, and rewrite it where it is written in an unusual way.

        Args:
            signal: which of the three requests it is.
            body: uncompressed.

        Raises:
            DecodeError: if it is not such a message, or holds a group.
        """
        checker = _CHECKERS[signal]
        report = checker.check(body)
        if report is not None and report[0]:
            body = canonical(signal, body)
            report = checker.check(body)
        if report is None:
            raise DecodeError(f"the body is not a protobuf {REQUESTS[signal].DESCRIPTOR.name}")
        invalid = report[1]
        return Checked(checker.repaired(body) if invalid else body, invalid)

    def adopt(self, request: Request) -> Checked:
        """A request that is a message already."""
        return Checked(request.SerializeToString(), 0)

    def slices(self, signal: Signal, parsed: Checked, now: float) -> Iterator[Batch]:
        """Go through a request, one batch for every so many items; at least one.

        Args:
            signal: which request it is.
            parsed: by `parse` or `adopt`.
            now: arrival time in seconds since 1970.
        """
        reading = self._scanner.begin(parsed.body, SIGNALS.index(signal))
        repaired = parsed.repaired
        more = True
        while more:
            try:
                self._make_room()
                more = self._scanner.read(reading, now)
                batch = self._gathered(reading, signal, now, repaired)
            except BaseException:
                self._scanner.drop(reading)
                raise
            repaired = 0
            yield batch

    def advance(self, now: float) -> Batch:
        """Finish traces whose wait has ended, so many at a time; see `Batch.more`."""
        return self._finished(now - self._limits.trace_wait, now)

    def drain(self, now: float) -> Batch:
        """The same for all traces, whatever their age."""
        return self._finished(float("inf"), now)

    def remember_bad(self, value: Value) -> None:
        """From now on hand over every occurrence of a value."""
        self._scanner.values.remember_bad(value.handle)

    def settle(self, until: float) -> None:
        """Take nothing for missing in traces that arrive before a time.

        Another decoder may have taken the first spans of them.
        """
        self._settled = until

    def watch(self, trace_id: bytes) -> None:
        """Mark a trace that is open or yet to come with `Mark.WATCHED`."""
        self._scanner.traces.watch(trace_id)

    def counters(self) -> dict[str, int]:
        """How often each bound was met, by name."""
        traces = self._scanner.traces
        return {
            "keys_over_bound": self._scanner.keys.over_bound,
            "shapes_over_bound": self._scanner.shapes.over_bound,
            "profiles_over_bound": self._scanner.profiles.over_bound,
            "statements_over_bound": self._scanner.profiles.statements_over_bound,
            "values_over_bound": self._scanner.values.over_bound,
            "values_cut": self._scanner.values.cut,
            "series_forgotten": self._scanner.series.forgotten,
            "spans_sampled_out": traces.sampled_out,
            "spans_over_trace_bound": traces.over_trace_bound,
            "spans_not_shown": traces.not_shown,
            "spans_repeated": traces.repeated,
            "producers_forgotten": traces.producers_forgotten,
            "watched_forgotten": traces.watched_forgotten,
        }

    @property
    def open_spans(self) -> int:
        """Spans that wait for their trace."""
        return int(self._scanner.traces.open_spans)

    # ------------------------------------------------------------------ a slice

    def _gathered(self, reading: Reading, signal: Signal, now: float, repaired: int) -> Batch:
        scanner = self._scanner
        make = self._makers[signal]
        read, own, oddities, shapes, values, series, rows, profiles = scanner.take(
            reading, signal, self._learned.resources, make
        )
        if repaired:
            oddities["invalid_utf8"] = repaired
        for number, raw, bare in profiles:
            self._learned.learn_profile(number, raw, bare=bare)
        made = [row for one in rows for row in self._rows(signal, *one)]
        due = now - self._limits.trace_wait
        late = scanner.keep_spans(reading, now, due, _JUDGED_PER_SLICE * max(read, _LEAST_JUDGED))
        traces = scanner.traces
        return Batch(
            signal=signal,
            items=read,
            own_items=own,
            shapes=[ShapeCount(*one) for one in shapes],
            values=values,
            series=[self._series(*one) for one in series],
            rows=made,
            traces=self._shown(),
            orphans=self._orphans(),
            notes=self._notes(),
            tallies=self._take_tallies() if traces.tally_count > _MOST_TALLIES else {},
            arrived_parents=late,
            watermark=traces.watermark(now),
            trace_share=traces.share,
            oddities=oddities,
        )

    def _shape_of(self, signal: Signal) -> Any:  # noqa: ANN401 (called by the scanner)
        def make(
            resource: int,
            kind: int,
            status: int,
            severity: int,
            flags: int,
            keys: frozenset[str],
            name: str,
        ) -> Shape:
            sender = self._learned.resource(resource)
            return Shape(signal, sender, SpanKind(kind), status, severity, Flag(flags), keys, name)

        return make

    def _series(
        self, raw: bytes, metric: str, scope: str, resource: int, data: int, trace_id: str
    ) -> Series:
        values = labels_of(_POINTS[data].FromString(raw).attributes)
        return series_of(
            values, self._learned.resource(resource), bounded(scope), bounded(metric), trace_id
        )

    def _rows(self, signal: Signal, raw: bytes, number: int) -> Iterable[Row]:
        resource = self._learned.resource(number)
        selections = self._selections[signal]
        if signal is Signal.TRACES:
            span = SpanMessage.FromString(raw)
            kind = SpanKind.of(span.kind)
            ids = (
                _valid(span.trace_id, items.TRACE_ID_BYTES),
                _valid(span.span_id, items.SPAN_ID_BYTES),
            )
            return span_rows(span, resource, kind, ids, selections)
        record = LogRecord.FromString(raw)
        severity = items.severity_range(record.severity_number)
        keys = items.log_keys(record)
        trace_id = _valid(record.trace_id, items.TRACE_ID_BYTES)
        row = log_row(record, resource, severity, keys, trace_id, selections)
        return () if row is None else (row,)

    # ------------------------------------------------------------------ traces

    def _shown(self) -> list[Trace]:
        traces = self._scanner.traces
        return [self._trace(*one) for one in traces.take_shown()] if traces.has_shown else []

    def _orphans(self) -> list[Orphan]:
        traces, resource = self._scanner.traces, self._learned.resource
        if not traces.has_orphans:
            return []
        return [
            Orphan(trace_id, parent_id, resource(number), remote, arrived)
            for trace_id, parent_id, number, remote, arrived in traces.take_orphans()
            if arrived >= self._settled
        ]

    def _notes(self) -> list[Note]:
        traces = self._scanner.traces
        if not traces.has_notes:
            return []
        return [
            Note(kind, trace_id, self._span(*span), arrived, effect)
            for kind, trace_id, span, arrived, effect in traces.take_notes()
        ]

    def _finished(self, until: float, now: float) -> Batch:
        traces = self._scanner.traces
        more = traces.advance(until, now, _JUDGED_AT_ONCE)
        return Batch(
            traces=self._shown(),
            orphans=self._orphans(),
            notes=self._notes(),
            tallies=self._take_tallies(),
            more=more or bool(self._tallies),
            watermark=traces.watermark(now),
            trace_share=traces.share,
        )

    def _take_tallies(self) -> dict[Tally, int]:
        self._count_tallies()
        taken = min(len(self._tallies), _TALLIES_AT_ONCE)
        return dict(self._tallies.popitem() for _ in range(taken))

    def _count_tallies(self) -> None:
        """Give names to what was counted over finished traces."""
        numbers, tallies = self._learned.numbers, self._tallies
        for kind, service, call, arrived, count in self._scanner.traces.take_tallies():
            peer, operation = ("", "") if call is None else numbers.calls.named(call)
            tally = Tally(kind, numbers.services.named(service), peer, operation, arrived)
            tallies[tally] = tallies.get(tally, 0) + count

    def _trace(
        self,
        trace_id: bytes,
        arrived: float,
        spans: list[tuple[Any, ...]],
        marks: int,
        truncated: bool,
        missing: frozenset[bytes],
        waited: bool,
    ) -> Trace:
        made = tuple(self._span(*one) for one in spans)
        waited = waited and arrived >= self._settled
        return Trace(trace_id, arrived, made, Mark(marks), bool(truncated), missing, bool(waited))

    def _span(self, profile: int, resource: int, *record: Any) -> Span:  # noqa: ANN401 (as `span_of` says)
        learned = self._learned
        return span_of(learned.profile(profile), learned.resource(resource), *record)

    def _make_room(self) -> None:
        if self._learned.many:
            self._count_tallies()  # before the numbers that they use are forgotten
            self._learned.sweep()


def _valid(raw: bytes, length: int) -> bytes:
    return raw if len(raw) == length and any(raw) else b""
