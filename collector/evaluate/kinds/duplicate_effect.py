"""Calls that worked, whose answer was lost, and that were tried again and worked once more.

Why:
    The client saw a timeout, the server saw a request that it carried out. The second attempt was
    carried out as well: what one customer ordered once was written or sent twice.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: t, id: a, parent: p, kind: client, name: POST, start: 0.0, duration: 1.0,
             attributes: {http.request.method: POST, server.address: pay,
             url.full: "http://pay/charges", error.type: timeout}}
          - {trace: t, id: b, parent: p, kind: client, name: POST, start: 1.2, duration: 0.1,
             attributes: {http.request.method: POST, server.address: pay,
             url.full: "http://pay/charges", http.response.status_code: 201}}
      - service: pay
        spans:
          - {trace: t, id: s1, parent: a, kind: server, name: POST, start: 0.1, duration: 1.5,
             attributes: &served {http.request.method: POST, http.route: /charges,
             http.response.status_code: 201}}
          - {trace: t, id: w1, parent: s1, kind: client, name: INSERT, start: 0.2,
             attributes: &written {db.system.name: mysql, db.query.text: "INSERT INTO charges"}}
          - {trace: t, id: s2, parent: b, kind: server, name: POST, start: 1.2, duration: 0.1,
             attributes: *served}
          - {trace: t, id: w2, parent: s2, kind: client, name: INSERT, start: 1.21,
             attributes: *written}

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: t, id: a, parent: p, kind: client, name: POST, start: 0.0, duration: 1.0,
             attributes: {http.request.method: POST, server.address: pay,
             url.full: "http://pay/charges", error.type: timeout}}
          - {trace: t, id: b, parent: p, kind: client, name: POST, start: 1.2, duration: 0.1,
             attributes: {http.request.method: POST, server.address: pay,
             url.full: "http://pay/charges", http.response.status_code: 201}}
      - service: pay
        spans:
          - {trace: t, id: s1, parent: a, kind: server, name: POST, start: 0.1, duration: 1.5,
             attributes: &served {http.request.method: POST, http.route: /charges,
             http.response.status_code: 201}}
          - {trace: t, id: w1, parent: s1, kind: client, name: INSERT, start: 0.2,
             attributes: {db.system.name: mysql, db.query.text: "INSERT INTO charges"}}
          - {trace: t, id: s2, parent: b, kind: server, name: POST, start: 1.2, duration: 0.1,
             attributes: *served}
          - {trace: t, id: r2, parent: s2, kind: client, name: SELECT, start: 1.21,
             attributes: {db.system.name: mysql, db.query.text: "SELECT * FROM answers"}}

Mend:
    Let the server store what it did under the call's idempotency key, in the same transaction, and
    answer a known key with the first response. Set the client's timeout above the time that the
    server takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from pydantic import Field

from collector import semconv
from collector.classify import SpanKind
from collector.demand import Demand, any_of
from collector.details import IdentityKind
from collector.evaluate.attempts import DEMAND, IDENTITY_KEYS, AttemptSequence
from collector.evaluate.effects import DELETE, Effect, Effects, served, succeeded
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.retries import sequences
from collector.evaluate.tree import Tree, took
from collector.views import Span, Trace
from collector.violation import Basis, Severity, Signal, Violation

_CALLS = frozenset({SpanKind.CLIENT, SpanKind.INTERNAL})
_ERROR = 2
_FEW = 8  # lost attempts that later ones are compared with
_SECOND = 1_000_000_000


class DuplicateOptions(Options):
    """What may happen twice."""

    idempotent_methods: tuple[str, ...] = Field(
        default=("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"),
        description="HTTP methods that may be repeated (RFC 9110, 9.2.2)",
    )
    refused_statuses: tuple[int, ...] = Field(
        default=(425, 429),
        description="HTTP statuses by which a server says that it did nothing (RFC 8470, RFC 6585)",
    )
    ignored_tables: tuple[str, ...] = Field(
        default=("*idempot*", "*audit*", "*session*", "*request_log*"),
        description="patterns of tables that are written for every attempt (ours)",
    )
    identity_keys: tuple[str, ...] = Field(
        default=IDENTITY_KEYS, description="attributes that hold an idempotency key"
    )


class _Twice(NamedTuple):
    """One call that was carried out twice.

    Attributes:
        lost: the attempt whose answer was lost.
        first: the SERVER span that carried it out.
        again: the SERVER span that did so again.
        effects: what the later one brought about.
        seen: whether the first was seen to bring about the same.
    """

    lost: Span
    first: Span
    again: Span
    effects: frozenset[Effect]
    seen: bool


class Kind(Policy[DuplicateOptions]):
    """Compares what served a lost attempt with what served a later one."""

    options_type = DuplicateOptions
    meta = Meta(
        signals=(Signal.TRACES,),
        severities=(Severity.WARNING, Severity.CRITICAL),
        since="0.1.0",
    )

    def __init__(self, terms: Terms, options: DuplicateOptions) -> None:
        super().__init__(terms, options)
        self._idempotent = frozenset(method.upper() for method in options.idempotent_methods)
        self._ignored = any_of(options.ignored_tables)

    def demand(self) -> Demand:
        """Traces with a sign of a retry, and what names the work of their spans."""
        return DEMAND | Demand(identity_keys=frozenset(self.options.identity_keys))

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each sequence of attempts once."""
        del now
        for sequence in trace.derived(sequences):
            if sequence.spans[0].kind in _CALLS and not self._harmless(sequence):
                tree, effects = trace.derived(Tree), trace.derived(Effects)
                twice = self._twice(sequence, tree, effects)
                if twice is not None:
                    yield self._report(sequence, twice, trace.trace_id.hex())

    def _harmless(self, sequence: AttemptSequence) -> bool:
        method = semconv.text(sequence.spans[0].attributes, "http.request.method")
        return method.upper() in self._idempotent

    def _twice(self, sequence: AttemptSequence, tree: Tree, effects: Effects) -> _Twice | None:
        """Two requests that were both carried out; those of which both effects were seen first."""
        doubtful: _Twice | None = None
        lost: list[tuple[Span, Span]] = []
        for attempt in sequence.spans:
            servers = sorted(served(attempt, tree), key=lambda one: (one.start, one.span_id))
            worked = [span for span in servers if succeeded(span)]
            if succeeded(attempt):
                for (earlier, first), again in product(lost, worked):
                    twice = self._compared(earlier, first, again, effects)
                    if twice is not None and twice.seen:
                        return twice
                    doubtful = doubtful or twice
            elif self._lost(attempt):
                lost = [*lost, *((attempt, span) for span in worked)][:_FEW]
        return doubtful

    def _lost(self, attempt: Span) -> bool:
        """Whether an attempt got no answer, or one that does not tell what became of it."""
        if attempt.kind is SpanKind.INTERNAL:
            return attempt.status == _ERROR
        status = semconv.integer(attempt.attributes, "http.response.status_code")
        return attempt.failed and status not in self.options.refused_statuses

    def _compared(self, lost: Span, first: Span, again: Span, effects: Effects) -> _Twice | None:
        if not _same_request(first, again) or not self.match.service(again.resource.service):
            return None
        earlier, later = (self._counted(effects.below(span)) for span in (first, again))
        if later and (not earlier or earlier & later):
            return _Twice(lost, first, again, (earlier & later) or later, bool(earlier))
        return None

    def _counted(self, effects: Iterable[Effect]) -> frozenset[Effect]:
        """Effects that are worse twice than once."""
        ignored = self._ignored
        return frozenset(
            one
            for one in effects
            if one.what != DELETE and (ignored is None or not ignored.match(one.where))
        )

    def _report(self, sequence: AttemptSequence, twice: _Twice, trace_id: str) -> Violation:
        stated = sequence.basis is Basis.OBSERVED or _key(twice.again) or _key(twice.lost)
        observed = bool(stated) and twice.seen
        names = ", ".join(sorted(map(str, twice.effects)))
        operation = twice.again.operation
        return self.violation(
            severity=Severity.CRITICAL if observed else Severity.WARNING,
            signal=Signal.TRACES,
            service=twice.again.resource.service,
            subject=operation,
            basis=Basis.OBSERVED if observed else Basis.INFERRED,
            summary=f"{operation} worked in {took(twice.first) / _SECOND:.3g} s, but "
            f"{sequence.call.service.name} saw it fail after {took(twice.lost) / _SECOND:.3g} s; "
            f"a later attempt worked too ({names})",
            trace_id=trace_id,
            evidence={
                "client": sequence.call.service.name,
                "operation": operation,
                "effects": tuple(sorted(map(str, twice.effects))),
                "attempts": sequence.attempts,
                "first_effect_seen": twice.seen,
            },
        )


def _key(span: Span) -> int:
    """The idempotency key of a span, 0 for none."""
    return span.details.identity if span.details.identity_kind is IdentityKind.KEY else 0


def _same_request(first: Span, again: Span) -> bool:
    """Whether two requests ask one service for one thing; two keys name two things."""
    keys = {_key(first), _key(again)} - {0}
    return (
        first.span_id != again.span_id
        and first.resource.service == again.resource.service
        and first.operation == again.operation
        and len(keys) < 2  # noqa: PLR2004 (one key, or none)
    )
