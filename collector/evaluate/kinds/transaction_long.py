"""Database transactions that stay open for long.

Why:
    An open transaction keeps its locks and a connection of the pool, and in most databases the
    old versions of rows for everyone. Those who want the same rows wait as long as it lasts.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /orders, duration: 9.0,
             attributes: {http.request.method: POST, http.route: /orders}}
          - {trace: a, id: "1", parent: r, kind: client, name: BEGIN, start: 0.1, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: BEGIN}}
          - {trace: a, id: "2", parent: r, kind: client, name: COMMIT, start: 8.0, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: COMMIT}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /orders, duration: 9.0,
             attributes: {http.request.method: POST, http.route: /orders}}
          - {trace: a, id: "1", parent: r, kind: client, name: BEGIN, start: 0.1, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: BEGIN}}
          - {trace: a, id: "2", parent: r, kind: client, name: COMMIT, start: 0.2, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: COMMIT}}
    until: 40

Mend:
    Compute and call before BEGIN, write in portions, and let the database end what is left
    open (idle_in_transaction_session_timeout, innodb_lock_wait_timeout, statement timeouts).
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from collector.demand import Bounds, Demand
from collector.evaluate.outcomes import CLOCK_FAULT
from collector.evaluate.places import joined, peer_name, short, working
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.transactions import Transaction, Transactions
from collector.evaluate.tree import Tree
from collector.views import Mark, Trace
from collector.violation import Basis, Severity, Signal, Violation

_NANOSECONDS = 1_000_000_000


class LongOptions(Options):
    """How long a transaction may stay open."""

    max_seconds: float = Field(
        default=5, gt=0, description="seconds from BEGIN to the end of COMMIT or ROLLBACK (ours)"
    )


class Kind(Policy[LongOptions]):
    """Measures from BEGIN to COMMIT or ROLLBACK, where both are spans of one parent."""

    options_type = LongOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: LongOptions) -> None:
        super().__init__(terms, options)
        self._most = int(options.max_seconds * _NANOSECONDS)

    def demand(self) -> Demand:
        """Traces with a statement so long after a BEGIN."""
        return Demand(marks=Mark.TRANSACTION, bounds=Bounds(transaction=self._most))

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each transaction."""
        del now
        tree = trace.derived(Tree)
        for one in trace.derived(Transactions).complete:
            late = self._most < one.lasted <= CLOCK_FAULT
            if late and self.match.service(one.begin.resource.service):
                yield self._report(one, working(tree, one.begin), trace.trace_id.hex())

    def _report(self, one: Transaction, where: str, trace_id: str) -> Violation:
        database = short(one.begin.peer or one.begin.statement.system)
        seconds = round(one.lasted / _NANOSECONDS, 3)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=one.begin.resource.service,
            subject=joined(where, f"transaction on {short(peer_name(database))}"),
            basis=Basis.INFERRED,
            summary=f"a transaction on {database} with {one.statements} statements stayed open "
            f"for {seconds:g} s, more than {self.options.max_seconds:g} s",
            trace_id=trace_id,
            evidence={
                "database": database,
                "seconds": seconds,
                "statements": one.statements,
                "other_calls": len(one.calls),
                "ended_by": one.end.statement.verb.value,
                "work": where,
            },
        )
