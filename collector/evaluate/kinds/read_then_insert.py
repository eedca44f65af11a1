"""Rows that are looked for and then inserted, while another request does the same.

Why:
    Between the SELECT that finds nothing and the INSERT another request inserts the same row.
    It goes well in every test and fails under load, by a unique violation where there is a
    constraint, and by a duplicate where there is none.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /users, duration: 0.1, attributes:
             {http.request.method: POST, http.route: /users, http.response.status_code: 500}}
          - {trace: a, id: "1", parent: r, kind: client, name: SELECT users, start: 0.01,
             attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: SELECT id FROM users WHERE mail = $1}}
          - {trace: a, id: "2", parent: r, kind: client, name: INSERT users, start: 0.03,
             status: error, attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: INSERT INTO users (mail) VALUES ($1),
             db.response.status_code: "23505"}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: POST /users, duration: 0.1, attributes:
             {http.request.method: POST, http.route: /users, http.response.status_code: 200}}
          - {trace: a, id: "1", parent: r, kind: client, name: INSERT users, start: 0.01,
             attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: INSERT INTO users (mail) VALUES ($1) ON CONFLICT DO NOTHING}}
    until: 40

Mend:
    Let the database decide in one statement: INSERT ... ON CONFLICT, ON DUPLICATE KEY UPDATE,
    MERGE, upsert. Or insert first, and read only when that is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collector.classify import SpanKind, mask_name
from collector.demand import Demand
from collector.evaluate.conflicts import Activity, ConflictOptions, Conflicts, last_activity
from collector.evaluate.outcomes import answered, erred
from collector.evaluate.places import joined, working
from collector.evaluate.policy import Meta, Policy, Terms
from collector.evaluate.transactions import Transactions
from collector.evaluate.tree import Tree, ended
from collector.statements import Verb
from collector.views import Mark, Span, Trace
from collector.violation import Basis, Severity, Signal, Violation

_MILLISECOND = 1_000_000


class _Place(NamedTuple):
    """Calls alike in this concern one table on behalf of one piece of work."""

    parent_id: bytes
    resource: int
    system: str
    peer: str
    table: str


class Kind(Policy[ConflictOptions]):
    """Looks for a read before the insert that broke a unique constraint."""

    options_type = ConflictOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: ConflictOptions) -> None:
        super().__init__(terms, options)
        self._conflicts = Conflicts(options)

    def demand(self) -> Demand:
        """Traces in which a call broke a unique constraint."""
        return Demand(marks=Mark.SELECTED, selected=self._conflicts.selections)

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each table under each parent once, by the last insert that was refused."""
        del now
        if trace.truncated:
            return  # what dealt with the conflict may be among what was left out
        tree = trace.derived(Tree)
        activity = Activity(tree)
        for place, calls in _places(trace.spans, tree).items():
            found = self._race(calls, trace.derived(Transactions))
            if found is None or not self.match.service(found[1].resource.service):
                continue
            entry = tree.entry(found[1])
            if entry is None:
                dealt_with = last_activity(calls) >= ended(found[1])
            else:
                dealt_with = answered(entry) or activity.after(entry) >= ended(found[1])
            if not dealt_with:
                where = working(tree, found[1])
                yield self._report(place, *found, where, trace.trace_id.hex())

    def _race(self, calls: Sequence[Span], transactions: Transactions) -> tuple[Span, Span] | None:
        """The last read before the last insert that was refused, outside of a transaction."""
        reads = [one for one in calls if one.statement.verb is Verb.READ and not erred(one)]
        for insert in reversed(calls):
            if insert.statement.verb is not Verb.INSERT or transactions.holds(insert):
                continue
            if self._conflicts.told(insert):
                before = [one for one in reads if ended(one) <= insert.start]
                return (before[-1], insert) if before else None
        return None

    def _report(
        self, place: _Place, read: Span, insert: Span, where: str, trace_id: str
    ) -> Violation:
        code = self._conflicts.told(insert)
        gap = (insert.start - ended(read)) // _MILLISECOND
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=insert.resource.service,
            subject=joined(where, f"read, then insert {mask_name(place.table)}"),
            basis=Basis.INFERRED,
            summary=f"an insert into {place.table} on {place.peer or place.system} broke a unique "
            f"constraint ({code}), {gap} ms after the table was read and outside of a transaction",
            trace_id=trace_id,
            evidence={
                "table": place.table,
                "code": code,
                "gap_ms": gap,
                "read": read.statement.text,
                "insert": insert.statement.text,
                "peer": place.peer,
                "work": where,
            },
        )


def _places(spans: Sequence[Span], tree: Tree) -> dict[_Place, list[Span]]:
    """Calls by place, in the order of time; those that name no parent or table are left out.

    An INTERNAL span around a call, as methods of a repository have, is no other place.
    """
    found: dict[_Place, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: (one.start, ended(one), one.span_id)):
        said = span.statement
        if span.parent_id and said.table:
            above = tree.parent(span)
            inside = above is not None and above.kind is SpanKind.INTERNAL and above.parent_id
            resource = span.resource.identity
            place = _Place(inside or span.parent_id, resource, said.system, span.peer, said.table)
            found[place].append(span)
    return found
