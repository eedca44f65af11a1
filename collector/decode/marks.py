"""The pass over a finished trace that says why it may interest a policy.

Marks are mechanism: cheap, few, rare in healthy traces. What they mean is for policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from collector.classify import SpanKind
from collector.views import NO_MARK, Flag, Mark, Span

_Call: TypeAlias = tuple[bytes, str, str, str]


def _call(span: Span) -> _Call:
    return (span.parent_id, span.resource.service.name, span.peer, span.operation)


def _ended(span: Span) -> int:
    """The end of a span; a clock that ran backwards does not put it before the start."""
    return max(span.start, span.end)


def _failed_sibling(calls: Iterable[Span]) -> bool:
    """Whether a call started after one like it, under the same parent, had failed."""
    first_failed: dict[_Call, Span] = {}
    for span in calls:
        if span.failed and span.parent_id:
            earliest = first_failed.setdefault(_call(span), span)
            if _ended(span) < _ended(earliest):
                first_failed[_call(span)] = span
    if not first_failed:
        return False
    for span in calls:
        failure = first_failed.get(_call(span))
        if failure is not None and failure is not span and span.start >= _ended(failure):
            return True
    return False


def _repeated_server(spans: Sequence[Span], clients: set[bytes]) -> bool:
    seen: set[_Call] = set()
    for span in spans:
        if span.kind is SpanKind.SERVER and span.parent_id in clients:
            key = (span.parent_id, span.resource.service.name, "", span.operation)
            if key in seen:
                return True
            seen.add(key)
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


def marks_of(spans: Sequence[Span], probe_routes: frozenset[str]) -> tuple[Mark, frozenset[bytes]]:
    """All marks of a trace, and the ids of its missing parents.

    Args:
        spans: each span id once, in any order.
        probe_routes: normalised routes of health probes.
    """
    missing, marks = missing_parents(spans)
    calls = [span for span in spans if span.kind is SpanKind.CLIENT]
    if _failed_sibling(calls):
        marks |= Mark.FAILED_SIBLING
    if _repeated_server(spans, {span.span_id for span in calls}):
        marks |= Mark.REPEATED_SERVER
    if any(span.attempts.repeated for span in spans):
        marks |= Mark.RETRY_ATTRIBUTE
    if any(span.route in probe_routes for span in spans if span.kind is SpanKind.SERVER):
        marks |= Mark.PROBE_ROUTE
    return marks, missing
