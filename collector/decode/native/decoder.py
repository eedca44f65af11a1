"""The decoder around the scanner: makes objects of what the scanner found to be new."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector import semconv
from collector.classify import NO_ATTEMPTS, NO_TARGET, SpanKind, Target, TargetKind
from collector.decode import items
from collector.decode.anyvalue import bounded
from collector.decode.counting import Selections
from collector.decode.identity import LONGEST_RESOURCE, Resources, is_own
from collector.decode.limits import Limits
from collector.decode.logs import log_row
from collector.decode.messages import REQUESTS, DecodeError, Request, canonical
from collector.decode.native.check import Checker
from collector.decode.native.numbers import Numbers, facts_of, notes_of
from collector.decode.native.scanner import Reading, Scanner
from collector.decode.native.setup import SIGNALS, setup_of
from collector.decode.native.values import ValueBatch
from collector.decode.points import labels_of, series_of
from collector.decode.profiles import NO_FACTS, Profile, Profiler
from collector.decode.rows import span_rows
from collector.decode.wire import head
from collector.demand import Demand
from collector.details import NO_DETAILS, BatchSize, Details, IdentityKind
from collector.statements import NO_STATEMENT
from collector.views import (
    Batch,
    Flag,
    Mark,
    Note,
    Orphan,
    PackedValues,
    Resource,
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

#: Live entries beyond which a table is swept (ours).
_MOST_PROFILES = 16_384
_MOST_RESOURCES = 10_000

#: Of the resources of open spans, the share that is kept beside them: what a resource takes in
#: memory is many times what a sweep costs for it.
_RESOURCES_SPARE = 4

_QUERY = frozenset(semconv.family("db.query.text"))

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
        self._profiler = Profiler(demand)
        self._selections = {
            signal: Selections(
                (index, row) for index, row in enumerate(demand.rows) if row.signal is signal
            )
            for signal in Signal
        }
        self._interned = Resources(demand.resource_keys)
        self._resources: list[Resource | None] = []
        self._free_resources: list[int] = []
        self._resource_numbers: dict[int, int] = {}
        self._most_resources = _MOST_RESOURCES
        self._profiles: list[Profile | None] = []
        self._most_profiles = _MOST_PROFILES
        self._numbers = Numbers()
        self._tallies: dict[Tally, int] = {}
        self._makers = {signal: self._shape_of(signal) for signal in Signal}
        self._scanner = Scanner(setup_of(demand, limits, seed), self._intern)
        for number, kind in enumerate(SpanKind):
            self._keep_profile(number, Profile("", kind, 0, {}, "", "", failed=False, route="",
                                               attempts=NO_ATTEMPTS, statement=NO_STATEMENT,
                                               facts=NO_FACTS))  # fmt: skip

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
                self._sweep()
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
            reading, signal, self._resources, make
        )
        if repaired:
            oddities["invalid_utf8"] = repaired
        for number, raw, bare in profiles:
            self._learn_profile(number, raw, bare=bare)
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
            sender = self._resource(resource)
            return Shape(signal, sender, SpanKind(kind), status, severity, Flag(flags), keys, name)

        return make

    def _series(
        self, raw: bytes, metric: str, scope: str, resource: int, data: int, trace_id: str
    ) -> Series:
        values = labels_of(_POINTS[data].FromString(raw).attributes)
        return series_of(
            values, self._resource(resource), bounded(scope), bounded(metric), trace_id
        )

    def _rows(self, signal: Signal, raw: bytes, number: int) -> Iterable[Row]:
        resource = self._resource(number)
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
        traces, resource = self._scanner.traces, self._resource
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
        numbers, tallies = self._numbers, self._tallies
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

    def _span(
        self,
        number: int,
        resource: int,
        span_id: bytes,
        parent_id: bytes,
        start: int,
        end: int,
        flags: int,
        kinds: int,
        told: int,
        extra: int,
        tenant: int,
    ) -> Span:
        profile = self._profiles[number]
        if profile is None:
            raise LookupError("a span without a profile")
        target = Target(_TARGETS[kinds & 3], told) if kinds & 3 else NO_TARGET
        details = NO_DETAILS
        if told or extra or tenant or kinds:
            details = details_of(profile.kind, kinds, told, extra, tenant)
        return Span(
            span_id=span_id,
            parent_id=parent_id,
            resource=self._resource(resource),
            name=profile.name,
            kind=profile.kind,
            status=profile.status,
            start=start,
            end=end,
            flags=_FLAGS[flags],
            attributes=profile.attributes,
            peer=profile.peer,
            operation=profile.operation,
            failed=profile.failed,
            route=profile.route,
            target=target,
            attempts=profile.attempts,
            statement=profile.statement,
            details=details,
        )

    # ------------------------------------------------------------------ numbers

    def _intern(self, raw: bytes) -> int:
        """The number of a resource, doubled, and one more if it is the auditor itself."""
        message = ResourceMessage.FromString(head(raw, LONGEST_RESOURCE))
        message.DiscardUnknownFields()
        resource = self._interned.intern(message)
        known = self._resource_numbers.get(resource.identity)
        if known is not None:
            return known << 1 | is_own(resource)
        if self._free_resources:
            number = self._free_resources.pop()
            self._resources[number] = resource
        else:
            number = len(self._resources)
            self._resources.append(resource)
        self._resource_numbers[resource.identity] = number
        service, name = self._numbers.take_resource(resource)
        self._scanner.traces.learn_resource(number, resource.identity, service, name)
        return number << 1 | is_own(resource)

    def _resource(self, number: int) -> Resource:
        resource = self._resources[number]
        if resource is None:
            raise LookupError("an item without a resource")
        return resource

    def _learn_profile(self, number: int, raw: bytes, *, bare: bool) -> None:
        span = SpanMessage.FromString(raw)
        if bare:
            left = [pair for pair in span.attributes if pair.key not in _QUERY]
            del span.attributes[:]
            span.attributes.extend(left)
        profile, _, _ = self._profiler.read(span)
        self._keep_profile(number, profile)

    def _keep_profile(self, number: int, profile: Profile) -> None:
        self._pad_profiles(number + 1)
        self._release_profile(number)
        self._profiles[number] = profile
        self._scanner.traces.learn_profile(
            number,
            profile.kind,
            *self._numbers.take_profile(profile),
            facts_of(profile),
            notes_of(profile) if number >= len(SpanKind) else 0,
        )

    def _pad_profiles(self, count: int) -> None:
        """Numbers may have been given for spans that were dropped again."""
        self._profiles += [None] * (count - len(self._profiles))

    def _release_profile(self, number: int) -> None:
        profile = self._profiles[number]
        if profile is not None:
            self._numbers.release_profile(profile)
            self._profiles[number] = None

    def _sweep(self) -> None:
        """Forget profiles or resources of which no open span is left, when there are many."""
        many_profiles = self._scanner.profiles.in_use > self._most_profiles
        many_resources = len(self._resource_numbers) > self._most_resources
        if not (many_profiles or many_resources):
            return
        self._pad_profiles(self._scanner.profiles.count)
        profiles, resources = (
            bytearray(len(self._profiles) + 1),
            bytearray(len(self._resources) + 1),
        )
        self._scanner.traces.used(profiles, resources)
        self._count_tallies()  # before the numbers that they use are forgotten
        if many_profiles:
            self._sweep_profiles(profiles)
        if many_resources:
            self._sweep_resources(resources)

    def _sweep_profiles(self, used: bytearray) -> None:
        table = self._scanner.profiles
        free = array("I", (at for at in range(len(SpanKind), table.count) if not used[at]))
        for at in free:
            self._release_profile(at)
        table.forget(free)
        self._most_profiles = max(_MOST_PROFILES, 2 * table.in_use)

    def _sweep_resources(self, used: bytearray) -> None:
        # A list of its own: batches that were handed over may not have been looked at yet.
        resources = self._resources = self._resources.copy()
        for at, resource in enumerate(resources):
            if resource is not None and not used[at]:
                self._numbers.release_resource(resource)
                del self._resource_numbers[resource.identity]
                resources[at] = None
                self._free_resources.append(at)
        self._scanner.forget_resources()
        kept = len(self._resource_numbers)
        self._most_resources = max(_MOST_RESOURCES, kept + kept // _RESOURCES_SPARE)


# By number: looking one up costs a tenth of asking its enumeration, for each span that is shown.
_FLAGS = tuple(map(Flag, range(2 * max(Flag))))
_TARGETS = tuple(TargetKind)
_IDENTITIES = tuple(IdentityKind)
_BATCHES = tuple(BatchSize)


def _valid(raw: bytes, length: int) -> bytes:
    return raw if len(raw) == length and any(raw) else b""


def details_of(kind: SpanKind, kinds: int, told: int, extra: int, tenant: int) -> Details:
    """What a record says of a span's details; see `SpanRecord` in `table.pxd`."""
    identity_kind = _IDENTITIES[kinds >> 2 & 3]
    return Details(
        identity_kind=identity_kind,
        identity=extra if identity_kind else 0,
        tenant=tenant,
        fingerprint=told if kind is SpanKind.SERVER else 0,
        offset=0 if identity_kind else extra & 0xFFFFFFFF,
        rows=0 if identity_kind else extra >> 32,
        batch=_BATCHES[kinds >> 4 & 3],
        age=told if kind is SpanKind.CONSUMER else 0,
    )
