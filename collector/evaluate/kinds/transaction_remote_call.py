"""Calls to another system that are waited for within a database transaction.

Why:
    The transaction keeps its locks, its connection and its snapshot while another system takes
    its time. When that one slows down, the pool of connections is empty and the rows are
    locked for everyone; and what it did cannot be rolled back with the transaction.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /orders, duration: 1.0,
             attributes: {http.request.method: POST, http.route: /orders}}
          - {trace: a, id: "1", parent: r, kind: client, name: BEGIN, start: 0.1, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: BEGIN}}
          - {trace: a, id: "2", parent: r, kind: client, name: POST, start: 0.2, duration: 0.5,
             attributes: {http.request.method: POST, server.address: pay, url.template: /charges}}
          - {trace: a, id: "3", parent: r, kind: client, name: COMMIT, start: 0.8, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: COMMIT}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /orders, duration: 1.0,
             attributes: {http.request.method: POST, http.route: /orders}}
          - {trace: a, id: "1", parent: r, kind: client, name: BEGIN, start: 0.1, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: BEGIN}}
          - {trace: a, id: "3", parent: r, kind: client, name: COMMIT, start: 0.2, duration: 0.01,
             attributes: {db.system.name: postgresql, server.address: db, db.query.text: COMMIT}}
          - {trace: a, id: "2", parent: r, kind: client, name: POST, start: 0.3, duration: 0.5,
             attributes: {http.request.method: POST, server.address: pay, url.template: /charges}}
    until: 40

Mend:
    Call before BEGIN or after COMMIT. Where both must happen, write down what is to be sent
    within the transaction (an outbox table), and send it afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from collector import semconv
from collector.demand import Demand, any_of
from collector.evaluate.outcomes import CLOCK_FAULT
from collector.evaluate.places import called, doing, working
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.transactions import Transaction, Transactions
from collector.evaluate.tree import Tree, took
from collector.views import Mark, Span, Trace
from collector.violation import Basis, Severity, Signal, Violation

_MILLISECOND = 1_000_000
_REMOTE = ("http.request.method", "rpc.system.name", "messaging.system")


class CallOptions(Options):
    """Which calls a transaction may wait for."""

    exempt_peers: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = Field(
        default=(), description="peers, as host:port, that may be called; shell-style patterns"
    )


class Kind(Policy[CallOptions]):
    """Looks for HTTP, RPC and messaging calls between BEGIN and COMMIT of one parent."""

    options_type = CallOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: CallOptions) -> None:
        super().__init__(terms, options)
        self._exempt = any_of(options.exempt_peers)

    def demand(self) -> Demand:
        """Traces with another call after a BEGIN."""
        return Demand(marks=Mark.TRANSACTION)

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each call, once for each transaction."""
        del now
        tree = trace.derived(Tree)
        for one in trace.derived(Transactions).complete:
            if one.lasted <= CLOCK_FAULT and self.match.service(one.begin.resource.service):
                for call in one.calls:
                    if self._leaves(call):
                        where = working(tree, call)
                        yield self._report(one, call, where, trace.trace_id.hex())

    def _leaves(self, call: Span) -> bool:
        exempt = self._exempt is not None and self._exempt.match(call.peer)
        return not exempt and any(semconv.first(call.attributes, key) for key in _REMOTE)

    def _report(self, one: Transaction, call: Span, where: str, trace_id: str) -> Violation:
        database = one.begin.peer or one.begin.statement.system
        waited, lasted = took(call) // _MILLISECOND, one.lasted // _MILLISECOND
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=call.resource.service,
            subject=called(call),
            basis=Basis.INFERRED,
            summary=f"a transaction on {database} of {lasted} ms waited {waited} ms for "
            f"{called(call)}" + (f" in {where}" if where else ""),
            trace_id=trace_id,
            evidence={
                "peer": call.peer,
                "operation": doing(call),
                "call_ms": waited,
                "transaction_ms": lasted,
                "database": database,
                "work": where,
            },
        )
