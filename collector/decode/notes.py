"""The single spans of a finished trace that are shown, whatever becomes of the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from collector.classify import SpanKind, TargetKind
from collector.decode.marks import ancestors, ended
from collector.decode.profiles import Record
from collector.demand import Bounds, Demand
from collector.details import BatchSize
from collector.statements import Verb
from collector.views import Flag, Note, NoteKind, Span

_ENTRIES = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})


def _took(span: Span) -> int:
    return ended(span) - span.start


def _keyed(record: Record, bounds: Bounds) -> bool:  # noqa: ARG001 (all tests look alike)
    return record.span.kind in _ENTRIES and record.span.details.identity != 0


def _load(record: Record, bounds: Bounds) -> bool:
    span = record.span
    named = span.target.kind is TargetKind.LITERAL_QUERY
    reads = span.kind is SpanKind.CLIENT and span.statement.verb is Verb.READ
    return named and reads and _took(span) >= bounds.load


def _client_root(record: Record, bounds: Bounds) -> bool:  # noqa: ARG001
    return record.span.kind is SpanKind.CLIENT and not record.span.parent_id


def _unlinked(record: Record, bounds: Bounds) -> bool:  # noqa: ARG001
    span = record.span
    alone = not span.parent_id and not span.flags & Flag.LINKS
    return span.kind is SpanKind.CONSUMER and alone and span.details.batch is not BatchSize.EMPTY


def _late_message(record: Record, bounds: Bounds) -> bool:
    return record.span.details.age > bounds.age


def _long_call(record: Record, bounds: Bounds) -> bool:
    return record.span.kind is SpanKind.CLIENT and _took(record.span) >= bounds.call


def _deep_offset(record: Record, bounds: Bounds) -> bool:
    return record.span.details.offset > bounds.offset


def _many_rows(record: Record, bounds: Bounds) -> bool:
    return record.span.details.rows > bounds.rows


def _selected(record: Record, bounds: Bounds) -> bool:  # noqa: ARG001
    return record.facts.selected


_TESTS: dict[NoteKind, Callable[[Record, Bounds], bool]] = {
    NoteKind.KEYED: _keyed,
    NoteKind.LOAD: _load,
    NoteKind.CLIENT_ROOT: _client_root,
    NoteKind.UNLINKED: _unlinked,
    NoteKind.LATE_MESSAGE: _late_message,
    NoteKind.LONG_CALL: _long_call,
    NoteKind.DEEP_OFFSET: _deep_offset,
    NoteKind.MANY_ROWS: _many_rows,
    NoteKind.SELECTED: _selected,
}


def notes_of(
    trace_id: bytes, arrived: float, records: Mapping[bytes, Record], demand: Demand
) -> Iterator[Note]:
    """The notes of a trace.

    Args:
        trace_id: 16 bytes.
        arrived: when its first span arrived.
        records: by span id, in order of arrival.
        demand: the kinds that are wanted, and their bounds.
    """
    spans = {span_id: record.span for span_id, record in records.items()}
    effects = _with_effects(records, spans) if NoteKind.KEYED in demand.notes else frozenset()
    for record in records.values():
        for kind in demand.notes & _TESTS.keys():
            if _TESTS[kind](record, demand.bounds):
                effect = kind is NoteKind.KEYED and record.span.span_id in effects
                yield Note(kind, trace_id, record.span, arrived, effect)
    if NoteKind.DUAL_WRITE in demand.notes:
        for span in _dual_writes(records, spans):
            yield Note(NoteKind.DUAL_WRITE, trace_id, span, arrived, effect=False)


def _with_effects(records: Mapping[bytes, Record], spans: Mapping[bytes, Span]) -> frozenset[bytes]:
    """Spans with a write or a publish below them that would do something a second time."""
    return frozenset(
        above.span_id
        for record in records.values()
        if record.facts.effect and not record.facts.removes
        for above in ancestors(record.span, spans)
    )


def _entry(span: Span, spans: Mapping[bytes, Span]) -> bytes:
    """The SERVER or CONSUMER span of its own service below which a span stands, or empty."""
    for above in ancestors(span, spans):
        if above.resource.service.name != span.resource.service.name:
            break
        if above.kind in _ENTRIES:
            return above.span_id
    return b""


def _dual_writes(records: Mapping[bytes, Record], spans: Mapping[bytes, Span]) -> Iterator[Span]:
    """Publishes of requests that also write to a database, not by way of an outbox."""
    effects = [record for record in records.values() if record.facts.effect]
    publishes = [one.span for one in effects if one.facts.publish]
    if not publishes:
        return
    written: dict[bytes, bool] = {}
    for record in effects:
        if not record.facts.publish:
            entry = _entry(record.span, spans)
            written[entry] = written.get(entry, True) and not record.facts.outbox
    for span in publishes:
        parent = spans.get(span.parent_id)
        if parent is not None and parent.kind is SpanKind.PRODUCER:
            continue  # one send, told by two libraries
        entry = _entry(span, spans)
        if entry and written.get(entry):
            yield span
