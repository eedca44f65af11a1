"""Calls that run on after the work for which they were made has timed out or was cancelled.

Why:
    Nobody waits for their answer any more. They hold connections, threads and locks of the
    callee all the same, most of all when it is slow already: work that is thrown away keeps an
    overloaded system overloaded.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /orders, duration: 1.0,
             attributes: {http.request.method: GET, http.route: /orders,
             http.response.status_code: 504}}
          - {trace: a, id: "2", parent: "1", kind: client, name: SELECT orders, start: 0.1,
             duration: 5.0, attributes: {db.system.name: postgresql, server.address: db,
             db.query.summary: SELECT orders}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /orders, duration: 1.0,
             attributes: {http.request.method: GET, http.route: /orders,
             http.response.status_code: 504}}
          - {trace: a, id: "2", parent: "1", kind: client, name: SELECT orders, start: 0.1,
             duration: 0.9, attributes: {db.system.name: postgresql, server.address: db,
             db.query.summary: SELECT orders, error.type: cancelled}}
    until: 40

Mend:
    Hand the context, the cancellation token or what is left of the deadline to every call, and
    cancel what still runs when the work ends: the statement in the database too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Bounds, Demand
from collector.evaluate.outcomes import CLOCK_FAULT, answered, cancellation, timeout
from collector.evaluate.places import called, doing
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.tree import Tree, ended, took
from collector.views import Mark, Span, Trace
from collector.violation import Basis, Severity, Signal, Violation

_MILLISECOND = 1_000_000
_MESSAGES = frozenset({SpanKind.PRODUCER, SpanKind.CONSUMER})


class OverrunOptions(Options):
    """How long a call may run on."""

    max_overrun_ms: float = Field(
        default=100, ge=0, description="milliseconds after the end of the work above it (ours)"
    )


class _End(NamedTuple):
    """How the work above a call ended."""

    span: Span
    reason: str
    basis: Basis


class Kind(Policy[OverrunOptions]):
    """Compares the end of each call with the ends of the spans of its process above it."""

    options_type = OverrunOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: OverrunOptions) -> None:
        super().__init__(terms, options)
        self._most = int(options.max_overrun_ms * _MILLISECOND)

    def demand(self) -> Demand:
        """Traces in which a call outlives a span above it."""
        return Demand(marks=Mark.CHILD_OUTLIVES, bounds=Bounds(outlives=self._most))

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each call once, by the nearest span above it that gave up."""
        del now
        tree = trace.derived(Tree)
        for span in trace.spans:
            if span.kind is SpanKind.CLIENT and self.match.service(span.resource.service):
                end = self._outlived(tree, span)
                if end is not None:
                    yield self._report(span, end, trace.trace_id.hex())

    def _late(self, span: Span, above: Span) -> bool:
        plausible = max(took(span), took(above)) <= CLOCK_FAULT
        return plausible and self._most < ended(span) - ended(above) <= CLOCK_FAULT

    def _outlived(self, tree: Tree, span: Span) -> _End | None:
        """The work that gave up before a call ended; None for a call within such a call."""
        between: list[Span] = []
        for above in tree.above(span):
            if above.resource.identity != span.resource.identity or above.kind in _MESSAGES:
                return None
            if self._late(span, above):
                if any(self._late(one, above) for one in between):
                    return None
                end = _gave_up(tree, above)
                if end is not None:
                    return end
            if above.kind is SpanKind.CLIENT:
                between.append(above)
        return None

    def _report(self, span: Span, end: _End, trace_id: str) -> Violation:
        late = (ended(span) - ended(end.span)) // _MILLISECOND
        work = doing(end.span)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=called(span),
            basis=end.basis,
            summary=f"the call {called(span)} ran on for {late} ms after {work} had ended after "
            f"{took(end.span) // _MILLISECOND} ms ({end.reason})",
            trace_id=trace_id,
            evidence={
                "peer": span.peer,
                "operation": doing(span),
                "overrun_ms": late,
                "call_ms": took(span) // _MILLISECOND,
                "work": work,
                "work_ms": took(end.span) // _MILLISECOND,
                "ended_by": end.reason,
            },
        )


def _gave_up(tree: Tree, span: Span) -> _End | None:
    """How a span was cut short, by its own word or by that of its client."""
    own = timeout(span) or cancellation(span)
    if own:
        return _End(span, own, Basis.OBSERVED)
    client = tree.parent(span) if span.kind is SpanKind.SERVER else None
    if client is None or client.kind is not SpanKind.CLIENT or answered(span):
        return None
    # A handler that ended long before its client gave up was not cut short by that.
    if 2 * took(span) < took(client):
        return None
    theirs = timeout(client) or cancellation(client)
    return _End(span, f"its client: {theirs}", Basis.INFERRED) if theirs else None
