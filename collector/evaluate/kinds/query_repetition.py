"""One query that a request runs again and again, one row at a time.

Why:
    A list of a hundred orders is read with one query, and then each order's customer with one
    of its own: a hundred round trips that a join would spare. It is invisible in development,
    where the list holds three, and grows with the data until the page times out.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: GET /orders, duration: 1.0,
             attributes: {http.request.method: GET, http.route: /orders}}
      - service: shop
        repeat: 12
        spans:
          - {trace: a, id: "{i}", parent: r, kind: client, name: SELECT customers,
             start: "0.{i}", duration: 0.001, attributes: {db.system.name: postgresql,
             server.address: db, db.query.text: "SELECT * FROM customers WHERE id = {i}"}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: r, kind: server, name: GET /orders, duration: 1.0,
             attributes: {http.request.method: GET, http.route: /orders}}
          - {trace: a, id: q, parent: r, kind: client, name: SELECT customers, start: 0.1,
             duration: 0.003, attributes: {db.system.name: postgresql, server.address: db,
             db.query.text: "SELECT * FROM customers WHERE id IN (1, 2, 3, 4, 5, 6)"}}
    until: 40

Mend:
    Ask once: join, eager loading (JOIN FETCH, selectinload, includes, Include), a data loader,
    or WHERE id IN (...); insert rows with one statement or as a batch.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from pydantic import Field

from collector import semconv
from collector.classify import SpanKind
from collector.demand import Bounds, Demand
from collector.details import BatchSize
from collector.evaluate.idle import IdleBelow
from collector.evaluate.outcomes import erred
from collector.evaluate.places import called, doing, joined, short_query
from collector.evaluate.policy import Meta, Options, Policy
from collector.evaluate.tree import FUNCTION_KEYS, Tree, ended, serves_request, took
from collector.evaluate.wrapped import unnumbered
from collector.statements import Verb
from collector.views import Mark, Span, Trace
from collector.violation import Basis, Severity, Signal, Violation

_NANOSECONDS = 1_000_000_000
_MILLISECOND = 1_000_000
_DATA = frozenset({Verb.READ, Verb.INSERT, Verb.WRITE})
_SWITCHED = 101
_WRAPPERS = 3  # spans around a query that are looked at, as many as decoders do for marks

#: What is read in portions, from the last key on and in its order, or changed in portions, those
#: whose rows stand in an array or a document among them; where rows are listed, `BatchSize` tells.
_PORTIONS = re.compile(
    r"""
    ^SELECT\b .* [ (] (?:
        (?P<up>[\w.\"`\[\]]+) \s? >=? \s? \? .* \bORDER\ BY\ (?P=up)(?!\S*\ DESC\b)
        | (?P<down>[\w.\"`\[\]]+) \s? <=? \s? \? .* \bORDER\ BY\ (?P=down)\ DESC\b
        | \([^()]+\) \s? [<>]=? \s? \(\?\) .* \bORDER\ BY\b )
    | ^(?:INSERT|UPDATE|MERGE|DELETE)\b .* \b(?:UNNEST|JSON_TABLE|OPENJSON
        |JSONB?_(?:TO|POPULATE)_RECORDSET)\b
    | ^(?:DELETE|UPDATE)\b .* \bLIMIT\b | ^(?:DELETE|UPDATE)\ TOP\b | \bSKIP\ LOCKED\b
    | ^INSERT\ (?:ALL|FIRST)\b | \"search_after\"\s?:
    """,
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)


class RepetitionOptions(Options):
    """When a query is repeated too often."""

    min_repeats: int = Field(default=10, ge=2, description="times in a row under one parent (ours)")
    max_gap_seconds: float = Field(
        default=0.2,
        gt=0,
        description="calls between which nothing was done for longer are polling, and no loop; "
        "other calls of the loop are something (ours)",
    )
    max_request_seconds: float = Field(
        default=60,
        gt=0,
        description="what is served for longer is a stream of requests, and no request (ours)",
    )
    exempt_systems: tuple[str, ...] = Field(
        default=("sqlite",),
        description="values of db.system.name whose calls cost next to nothing (SQLite, Many "
        "Small Queries Are Efficient In SQLite). Caches are never judged: they answer pipelines",
    )


class _Query(NamedTuple):
    """What is repeated: spans alike in this run the same query for the same code.

    ``within`` are the names of the spans between the parent and the calls, where there are any.
    """

    parent_id: bytes
    within: str
    resource: int
    system: str
    peer: str
    table: str
    text: str


class Kind(Policy[RepetitionOptions]):
    """Counts the calls with one query that follow one another under one parent."""

    options_type = RepetitionOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def demand(self) -> Demand:
        """Traces in which spans under one parent run one query so often."""
        return Demand(
            marks=Mark.QUERY_REPEATED,
            bounds=Bounds(repeated=self.options.min_repeats),
            trace_keys=FUNCTION_KEYS,
        )

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each query under each parent."""
        del now
        tree = trace.derived(Tree)
        idle = IdleBelow(tree)
        told: set[tuple[bytes, str]] = set()
        for parent_id, calls, wrapped in self._groups(trace.spans, tree):
            if len(calls) < self.options.min_repeats:
                continue
            run = self._run(calls, tree.by_id.get(parent_id), idle)
            entry = tree.entry(calls[0])
            if len(run) < self.options.min_repeats or entry is None or not self._serves(entry):
                continue
            what = (entry.span_id, run[0].statement.text)
            if not (wrapped and what in told):
                told.add(what)
                yield self._report(run, entry, trace.trace_id.hex())

    def _groups(
        self, spans: Sequence[Span], tree: Tree
    ) -> Iterator[tuple[bytes, Sequence[Span], bool]]:
        """Calls with one query under one parent, then those of which each is in spans of its own.

        Such spans are those of the methods of a repository, of the session that it uses, or of the
        resolvers of a field.
        """
        direct: dict[_Query, list[Span]] = defaultdict(list)
        wrapped: dict[_Query, list[Span]] = defaultdict(list)
        for span in filter(self._counts, spans):
            direct[_query(span, span.parent_id)].append(span)
            within = ""
            for above in islice(tree.above(span), _WRAPPERS):
                if above.kind is not SpanKind.INTERNAL or not above.parent_id:
                    break
                # Resolvers of a list are named by their place in it.
                within += f"/{unnumbered(above.name)}"
                wrapped[_query(span, above.parent_id, within)].append(span)
        yield from ((query.parent_id, calls, False) for query, calls in direct.items())
        yield from ((query.parent_id, calls, True) for query, calls in wrapped.items())

    def _counts(self, span: Span) -> bool:
        said = span.statement
        return bool(
            said.text
            and said.table  # pings, settings and sequences have none
            and said.verb in _DATA
            and not _in_portions(said.text)
            and said.system not in self.options.exempt_systems
            and span.details.batch is BatchSize.UNTOLD
            and span.start > 0
            and not erred(span)
            and self.match.service(span.resource.service)
        )

    def _serves(self, entry: Span) -> bool:
        """Whether an entry is a request; jobs, consumers and streams repeat by design."""
        return (
            serves_request(entry)
            and took(entry) <= self.options.max_request_seconds * _NANOSECONDS
            and semconv.integer(entry.attributes, "http.response.status_code") != _SWITCHED
        )

    def _run(self, calls: Sequence[Span], parent: Span | None, idle: IdleBelow) -> Sequence[Span]:
        """The longest run of calls of which each began when the one before had ended.

        Calls at the same time (pipelines, fan-out) cost one round trip; they count as one.
        """
        most = self.options.max_gap_seconds * _NANOSECONDS
        longest: list[Span] = []
        run: list[Span] = []
        for span in sorted(calls, key=lambda one: (ended(one), one.start, one.span_id)):
            if run and span.start < ended(run[-1]):
                continue
            if run and parent is not None and span.start - ended(run[-1]) > most:
                idled = idle(parent).between(ended(run[-1]), span.start)
                run = [] if idled > most else run
            run.append(span)
            if len(run) > len(longest):
                longest = run
        return longest

    def _report(self, run: Sequence[Span], entry: Span, trace_id: str) -> Violation:
        first = run[0]
        text = first.statement.text
        lasted = (ended(run[-1]) - first.start) // _MILLISECOND
        where = doing(entry)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=first.resource.service,
            subject=joined(where, short_query(text)),
            basis=Basis.INFERRED,
            summary=f"{len(run)} times in a row, within {lasted} ms, one request ran on "
            f"{first.peer or first.statement.system}: {text}",
            trace_id=trace_id,
            evidence={
                "statement": text,
                "count": len(run),
                "milliseconds": lasted,
                "peer": first.peer,
                "operation": called(first),
                "request": where,
            },
        )


@lru_cache(maxsize=4096)
def _in_portions(text: str) -> bool:
    """Whether a query asks for the next of many rows, as exports and clean-ups do."""
    return _PORTIONS.search(text) is not None


def _query(span: Span, parent_id: bytes, within: str = "") -> _Query:
    said = span.statement
    resource = span.resource.identity
    return _Query(parent_id, within, resource, said.system, span.peer, said.table, said.text)
