"""Queries that return more rows than anybody looks at.

Why:
    A query without LIMIT returns what the table holds: a hundred rows at the start, a million
    two years later. They pass through the network into the memory of the service, and one
    request ends it for all.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: SELECT orders, attributes:
             {db.system.name: postgresql, server.address: db, db.query.summary: SELECT orders,
             db.response.returned_rows: 250000}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: SELECT orders, attributes:
             {db.system.name: postgresql, server.address: db, db.query.summary: SELECT orders,
             db.response.returned_rows: 500}}
    until: 40

Mend:
    Give every query a LIMIT, page by key, and read what must be read whole (exports, reports)
    in portions from a cursor.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from collector.demand import Bounds, Demand
from collector.evaluate.places import called, doing
from collector.evaluate.policy import Meta, Options, Policy
from collector.views import Note, NoteKind, Span
from collector.violation import Severity, Signal, Violation


class ResultOptions(Options):
    """How many rows a query may return."""

    max_rows: int = Field(default=10_000, ge=1, description="db.response.returned_rows (ours)")


class Kind(Policy[ResultOptions]):
    """Reads the number of rows that a span states."""

    options_type = ResultOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def demand(self) -> Demand:
        """Queries that return more."""
        return Demand(
            notes=frozenset({NoteKind.MANY_ROWS}), bounds=Bounds(rows=self.options.max_rows)
        )

    def on_note(self, note: Note, now: float) -> Iterator[Violation]:
        """Judge a query."""
        del now
        if note.span.details.rows > self.options.max_rows:
            yield self._report(note.span, note.trace_id.hex())

    def _report(self, span: Span, trace_id: str) -> Violation:
        rows = span.details.rows
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=called(span),
            summary=f"{called(span)} returned {rows} rows, more than {self.options.max_rows}",
            trace_id=trace_id,
            evidence={
                "rows": rows,
                "statement": span.statement.text,
                "peer": span.peer,
                "operation": doing(span),
            },
        )
