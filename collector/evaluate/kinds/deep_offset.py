"""Queries that skip many rows to reach a page.

Why:
    A database reads every row that OFFSET skips and throws it away. Page 1000 costs a thousand
    times what page 1 costs, rows that are inserted meanwhile are shown twice or never, and a
    crawler that follows "next" does it all day.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: SELECT orders, attributes:
             {db.system.name: postgresql, server.address: db, db.query.summary: SELECT orders,
             db.query.text: SELECT * FROM orders ORDER BY id LIMIT 20 OFFSET 20000}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: SELECT orders, attributes:
             {db.system.name: postgresql, server.address: db, db.query.summary: SELECT orders,
             db.query.text: SELECT * FROM orders WHERE id > 20000 ORDER BY id LIMIT 20}}
    until: 40

Mend:
    Page by key: WHERE (created_at, id) < (last seen) ORDER BY created_at DESC, id DESC LIMIT n,
    with an index on both; and bound the pages that an API hands out.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from collector.demand import Bounds, Demand
from collector.evaluate.places import called, doing
from collector.evaluate.policy import Meta, Options, Policy
from collector.views import Note, NoteKind, Span
from collector.violation import Severity, Signal, Violation


class OffsetOptions(Options):
    """How many rows a query may skip."""

    max_offset: int = Field(default=1000, ge=1, description="rows: information above (ours)")
    warn_offset: int = Field(
        default=10_000,
        ge=1,
        description="rows: warning above (Elasticsearch, index.max_result_window)",
    )


class Kind(Policy[OffsetOptions]):
    """Reads the offset from the query, its parameters, or the URL of a database."""

    options_type = OffsetOptions
    meta = Meta(
        signals=(Signal.TRACES,), severities=(Severity.INFO, Severity.WARNING), since="0.1.0"
    )

    def demand(self) -> Demand:
        """Queries that skip more."""
        return Demand(
            notes=frozenset({NoteKind.DEEP_OFFSET}), bounds=Bounds(offset=self.options.max_offset)
        )

    def on_note(self, note: Note, now: float) -> Iterator[Violation]:
        """Judge a query."""
        del now
        if note.span.details.offset > self.options.max_offset:
            yield self._report(note.span, note.trace_id.hex())

    def _report(self, span: Span, trace_id: str) -> Violation:
        offset = span.details.offset
        return self.violation(
            severity=Severity.WARNING if offset > self.options.warn_offset else Severity.INFO,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=called(span),
            summary=f"{called(span)} skips {offset} rows, more than {self.options.max_offset}",
            trace_id=trace_id,
            evidence={
                "offset": offset,
                "statement": span.statement.text,
                "peer": span.peer,
                "operation": doing(span),
            },
        )
