"""Unique violations of the database that reach the client as a fault of the server.

Why:
    Two requests that create the same thing at the same time are no fault: a double click, a
    retry, a message that came twice. The constraint did its work. Answered with 500 it raises
    alarms, burns the error budget, and tells the client to try again what cannot succeed.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /users, duration: 0.1, attributes:
             {http.request.method: POST, http.route: /users, http.response.status_code: 500}}
          - {trace: a, id: "1", parent: r, kind: client, name: INSERT users, status: error,
             attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: INSERT INTO users (mail) VALUES ($1),
             db.response.status_code: "23505"}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /users, duration: 0.1, attributes:
             {http.request.method: POST, http.route: /users, http.response.status_code: 409}}
          - {trace: a, id: "1", parent: r, kind: client, name: INSERT users, status: error,
             attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: INSERT INTO users (mail) VALUES ($1),
             db.response.status_code: "23505"}}
    until: 40

Mend:
    Catch the violation where the row is written: answer 409, or, where the request is the same
    one again, what the first was answered. Or say it to the database: ON CONFLICT, MERGE.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.conflicts import Activity, ConflictOptions, Conflicts, attempted
from collector.evaluate.outcomes import server_fault
from collector.evaluate.places import doing, joined
from collector.evaluate.policy import Meta, Policy, Terms
from collector.evaluate.tree import Tree, ended
from collector.views import Mark, Span, Trace
from collector.violation import Basis, Severity, Signal, Violation


class Kind(Policy[ConflictOptions]):
    """Looks for conflicts after which a request did nothing more and answered with a fault."""

    options_type = ConflictOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: ConflictOptions) -> None:
        super().__init__(terms, options)
        self._conflicts = Conflicts(options)

    def demand(self) -> Demand:
        """Traces in which a call broke a unique constraint."""
        return Demand(marks=Mark.SELECTED, selected=self._conflicts.selections)

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each request once for each thing that it tried to write."""
        del now
        if trace.truncated:
            return  # what dealt with the conflict may be among what was left out
        tree = trace.derived(Tree)
        activity = Activity(tree)
        told: set[tuple[bytes, str]] = set()
        for span in sorted(trace.spans, key=lambda one: one.span_id):
            code = self._conflicts.told(span)
            entry = tree.entry(span) if code else None
            if entry is None or not self._unhandled(span, entry, activity):
                continue
            key = (entry.span_id, attempted(span))
            if key not in told:
                told.add(key)
                yield self._report(span, entry, code, trace.trace_id.hex())

    def _unhandled(self, span: Span, entry: Span, activity: Activity) -> bool:
        return bool(
            entry.kind is SpanKind.SERVER
            and self.match.service(entry.resource.service)
            and server_fault(entry)
            and activity.after(entry) < ended(span)
        )

    def _report(self, span: Span, entry: Span, code: str, trace_id: str) -> Violation:
        answer = server_fault(entry)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=entry.resource.service,
            subject=joined(doing(entry), attempted(span)),
            basis=Basis.INFERRED,
            summary=f"{doing(entry)} answered {answer} after {attempted(span)} broke a unique "
            f"constraint of {span.peer or span.statement.system} ({code})",
            trace_id=trace_id,
            evidence={
                "request": doing(entry),
                "answer": answer,
                "code": code,
                "table": span.statement.table,
                "statement": span.statement.text,
                "peer": span.peer,
            },
        )
