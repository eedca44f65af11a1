"""The pass over a finished trace that says why it may interest a policy.

Marks are mechanism: cheap, few, rare in healthy traces. What they mean is for policies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from collector.classify import SpanKind
from collector.decode.profiles import Record
from collector.demand import Bounds, Demand
from collector.details import TENANTS, BatchSize
from collector.statements import Verb
from collector.views import NO_MARK, Flag, Mark, Span

_Call: TypeAlias = tuple[bytes, str, str, str]

_OUTGOING = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
_HIGHEST = 64  # ancestors that are looked at
_WRAPPERS = 3  # INTERNAL spans around a query, one within the other, as of repository and session


def _calls(span: Span, spans: Mapping[bytes, Span]) -> Iterator[_Call]:
    """What a call is told from others by: under its parent, and under that of a span of its own.

    Methods that are run again and loops over attempts put an INTERNAL span around each attempt.
    """
    call = (span.resource.service.name, span.peer, span.operation)
    if span.parent_id:
        yield (span.parent_id, *call)
    parent = spans.get(span.parent_id)
    if parent is not None and parent.kind is SpanKind.INTERNAL and parent.parent_id:
        yield (parent.parent_id, *call)


def ended(span: Span) -> int:
    """The end of a span; a clock that ran backwards does not put it before the start."""
    return max(span.start, span.end)


def ancestors(span: Span, spans: Mapping[bytes, Span]) -> Iterator[Span]:
    """The spans above a span, the nearest first, within bounds."""
    for _ in range(_HIGHEST):
        parent = spans.get(span.parent_id)
        if parent is None or parent.span_id == span.span_id:
            return
        span = parent
        yield span


def _failed_sibling(calls: Iterable[Span], spans: Mapping[bytes, Span]) -> bool:
    """Whether a call started after one like it, under the same parent, had failed."""
    first_failed: dict[_Call, Span] = {}
    for span in calls:
        for key in _calls(span, spans) if span.failed else ():
            earliest = first_failed.setdefault(key, span)
            if ended(span) < ended(earliest):
                first_failed[key] = span
    if not first_failed:
        return False
    for span in calls:
        for key in _calls(span, spans):
            failure = first_failed.get(key)
            if failure is not None and failure is not span and span.start >= ended(failure):
                return True
    return False


def _repeated_server(spans: Iterable[Span], clients: set[bytes]) -> bool:
    seen: set[_Call] = set()
    for span in spans:
        if span.kind is SpanKind.SERVER and span.parent_id in clients:
            key = (span.parent_id, span.resource.service.name, "", span.operation)
            if key in seen:
                return True
            seen.add(key)
    return False


def _child_outlives(records: Mapping[bytes, Record], bounds: Bounds) -> bool:
    spans = {span_id: record.span for span_id, record in records.items()}
    gave_up = {span_id for span_id, record in records.items() if record.facts.gave_up}

    def was_cut_short(span: Span) -> bool:
        client = spans.get(span.parent_id)
        calls = client is not None and client is not span and client.kind is SpanKind.CLIENT
        return span.span_id in gave_up or (calls and span.parent_id in gave_up)

    for span in spans.values():
        if span.kind is SpanKind.CLIENT:
            service = span.resource.service.name
            for above in ancestors(span, spans):
                if above.resource.service.name != service:
                    break
                if ended(span) - ended(above) > bounds.outlives and was_cut_short(above):
                    return True
        parent = spans.get(span.parent_id)
        if span.kind is SpanKind.SERVER and parent and parent.kind is SpanKind.CLIENT:
            twice = 2 * (ended(parent) - parent.start)
            if parent.span_id in gave_up and ended(span) - span.start > twice:
                return True
    return False


def _tenants(spans: Iterable[Span]) -> bool:
    seen: dict[int, int] = {}
    return any(
        seen.setdefault(tenant // TENANTS, tenant) != tenant
        for span in spans
        if (tenant := span.details.tenant)
    )


def _query_repeated(spans: Mapping[bytes, Span], repeated: int) -> bool:
    if sum(bool(span.statement.text) for span in spans.values()) < repeated:
        return False  # where parents go round in a circle, one query counts more than once
    counts: Counter[tuple[bytes, str, str]] = Counter()
    for span in spans.values():
        if not span.statement.text or span.details.batch is not BatchSize.UNTOLD:
            continue
        counts[span.parent_id, span.peer, span.statement.text] += 1
        for above in islice(ancestors(span, spans), _WRAPPERS):
            if above.kind is not SpanKind.INTERNAL or not above.parent_id:
                break
            counts[above.parent_id, span.peer, span.statement.text] += 1
    return any(count >= repeated for count in counts.values())


def _family(span: Span) -> tuple[bytes, str]:
    return (span.parent_id, span.resource.service.name)


def _transaction(spans: Mapping[bytes, Span], longest: int) -> bool:
    begins: dict[tuple[bytes, str], int] = {}
    for span in spans.values():
        if span.statement.verb is Verb.BEGIN:
            first = begins.get(_family(span), span.start)
            begins[_family(span)] = min(first, span.start)
    if not begins:
        return False
    for span in spans.values():
        began = begins.get(_family(span))
        if span.statement.system:
            if began is not None and ended(span) - began > longest:
                return True
        elif span.kind in _OUTGOING:
            parent = spans.get(span.parent_id)
            if began is None and parent is not None and parent.kind is SpanKind.INTERNAL:
                began = begins.get(_family(parent))
            if began is not None and span.start >= began:
                return True
    return False


def missing_parents(spans: Sequence[Span]) -> tuple[frozenset[bytes], Mark]:
    """Parents that no span of the trace is, and the marks for them by where they ran."""
    present = {span.span_id for span in spans}
    missing = [span for span in spans if span.parent_id and span.parent_id not in present]
    marks = NO_MARK
    for span in missing:
        if span.flags & Flag.PARENT_LOCAL:
            marks |= Mark.LOCAL_PARENT_MISSING
        elif span.flags & Flag.PARENT_REMOTE:
            marks |= Mark.REMOTE_PARENT_MISSING
    return frozenset(span.parent_id for span in missing), marks


def marks_of(records: Mapping[bytes, Record], demand: Demand) -> tuple[Mark, frozenset[bytes]]:
    """All marks of a trace but WATCHED, and the ids of its missing parents.

    Args:
        records: by span id, in any order.
        demand: bounds of marks.
    """
    spans = {span_id: record.span for span_id, record in records.items()}
    every = tuple(spans.values())
    missing, marks = missing_parents(every)
    calls = [span for span in every if span.kind is SpanKind.CLIENT]
    bounds = demand.bounds
    told = {
        Mark.FAILED_SIBLING: _failed_sibling(calls, spans),
        Mark.REPEATED_SERVER: _repeated_server(every, {span.span_id for span in calls}),
        Mark.RETRY_ATTRIBUTE: any(span.attempts.repeated for span in every),
        Mark.PROBE_ROUTE: any(
            span.route in demand.probe_routes for span in every if span.kind is SpanKind.SERVER
        ),
        Mark.CHILD_OUTLIVES: _child_outlives(records, bounds),
        Mark.TENANTS: _tenants(every),
        Mark.QUERY_REPEATED: _query_repeated(spans, bounds.repeated),
        Mark.TRANSACTION: _transaction(spans, bounds.transaction),
        Mark.SELECTED: any(record.facts.selected for record in records.values()),
    }
    for mark, holds in told.items():
        if holds:
            marks |= mark
    return marks, missing
