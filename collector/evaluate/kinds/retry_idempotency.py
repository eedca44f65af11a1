"""Writes that are tried again without an idempotency key in sight.

Why:
    A call that timed out may have worked. Without a key by which the server knows the second
    attempt as the first, the order is placed twice, the card charged twice, the mail sent twice.

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

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: t, id: a, parent: p, kind: client, name: POST, start: 0.0, duration: 1.0,
             attributes: {http.request.method: POST, server.address: pay,
             url.full: "http://pay/charges", error.type: timeout,
             http.request.header.idempotency-key: [8e03978e]}}
          - {trace: t, id: b, parent: p, kind: client, name: POST, start: 1.2, duration: 0.1,
             attributes: {http.request.method: POST, server.address: pay,
             url.full: "http://pay/charges", http.response.status_code: 201,
             http.request.header.idempotency-key: [8e03978e]}}

Mend:
    Send an Idempotency-Key that is made once per call, not per attempt, and let the server answer
    a known one with its first response. Capture the header as a span attribute, or the key cannot
    be seen. Let consumers know a message by its id.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from collector import semconv
from collector.classify import SpanKind
from collector.demand import Demand, any_of
from collector.details import IdentityKind
from collector.evaluate.attempts import DEMAND, IDENTITY_KEYS, AttemptSequence, Way
from collector.evaluate.effects import served
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.retries import sequences
from collector.evaluate.starting import not_sent
from collector.evaluate.tree import Tree
from collector.views import Span, Trace
from collector.violation import Basis, Severity, Signal, Violation

#: By these flags Envoy says that a request was not sent (Envoy, access log response flags).
_RESPONSE_FLAGS = "response_flags"
_NOT_SENT_FLAGS = frozenset({"UF", "UH", "UO", "NR", "NC", "RL"})


class IdempotencyOptions(Options):
    """Which retries need a key, and where it is looked for."""

    methods: tuple[str, ...] = Field(
        default=("POST", "PATCH"),
        description="HTTP methods that are not safe to repeat (RFC 9110, 9.2.2)",
    )
    rpc_methods: tuple[str, ...] = Field(
        default=(),
        description="patterns of RPC methods that are not safe to repeat; none are by default, "
        "for gRPC does not tell a read from a write",
    )
    identity_keys: tuple[str, ...] = Field(
        default=IDENTITY_KEYS, description="attributes that hold an idempotency key"
    )
    safe_operations: tuple[str, ...] = Field(
        default=(
            "*/_search", "*/_search/*", "*/_msearch", "*/_mget", "*/_count", "*/search", "*/query",
            "*/query_range", "*/graphql", "*/graphql/", "*:batchGet", "*:search", "*:query",
            "*/token", "*/introspect", "*/v1/traces", "*/v1/metrics", "*/v1/logs", "*/push",
            "*/api/v1/write", "*/completions", "*/embeddings", "*/v1/messages", "*/v1/responses",
            "*generateContent", "*/invoke", "*/converse",
        ),
        description="patterns of operations that may be repeated: reads by POST, tokens, "
        "telemetry, language models (ours)",
    )  # fmt: skip
    safe_systems: tuple[str, ...] = Field(
        default=("aws-api",),
        description="values of rpc.system.name of SDKs that see to it themselves (AWS SDKs, "
        "standard retry mode); what they send below their own span is not judged",
    )
    refused_statuses: tuple[int, ...] = Field(
        default=(425, 429),
        description="HTTP statuses by which a server says that it did nothing (RFC 8470, RFC 6585)",
    )
    messages: bool = Field(default=True, description="also judge messages that are delivered again")


class Kind(Policy[IdempotencyOptions]):
    """Looks for a key on the attempts of a call and around them."""

    options_type = IdempotencyOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: IdempotencyOptions) -> None:
        super().__init__(terms, options)
        self._methods = frozenset(method.upper() for method in options.methods)
        self._rpc = any_of(options.rpc_methods)
        self._safe = any_of(options.safe_operations)

    def demand(self) -> Demand:
        """Traces with a sign of a retry, and what names the work of their spans."""
        return DEMAND | Demand(
            identity_keys=frozenset(self.options.identity_keys),
            trace_keys=frozenset({_RESPONSE_FLAGS}),
        )

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each sequence of attempts once."""
        del now
        for sequence in trace.derived(sequences):
            if not self.match.service(sequence.call.service):
                continue
            if sequence.way is Way.DELIVERY_COUNT:
                if self.options.messages and not sequence.spans[0].details.identity:
                    yield self._report(sequence, "message", trace.trace_id.hex())
                continue
            tree = trace.derived(Tree)
            method = self._unsafe(sequence)
            if not method or self._refused(sequence) or self._by_sdk(sequence, tree):
                continue
            if not _keyed(sequence, tree):
                yield self._report(sequence, method, trace.trace_id.hex())

    def _unsafe(self, sequence: AttemptSequence) -> str:
        """The method of a call that may not simply be repeated, or empty."""
        operation = sequence.call.operation
        if self._safe is not None and self._safe.match(operation):
            return ""
        attributes = sequence.retries[-1].span.attributes
        method = semconv.text(attributes, "http.request.method").upper()
        if method:
            return method if method in self._methods else ""
        if self._rpc is None or sequence.spans[0].statement.system:
            return ""
        return operation if self._rpc.match(operation) else ""

    def _refused(self, sequence: AttemptSequence) -> bool:
        """Whether every attempt that was repeated is known to have done nothing."""
        failed = sequence.spans[:-1]
        return bool(failed) and all(self._did_nothing(span) for span in failed)

    def _by_sdk(self, sequence: AttemptSequence, tree: Tree) -> bool:
        """Whether an SDK makes the attempts, below a span that says what it was asked for."""
        above = tree.parent(sequence.spans[0])
        near = (sequence.spans[0], *([] if above is None else [above]))
        systems = self.options.safe_systems
        return any(semconv.text(one.attributes, "rpc.system.name") in systems for one in near)

    def _did_nothing(self, span: Span) -> bool:
        flags = str(span.attributes.get(_RESPONSE_FLAGS) or "")[:64]
        if not _NOT_SENT_FLAGS.isdisjoint(flags.split(",")):
            return True
        status = semconv.integer(span.attributes, "http.response.status_code")
        if status:
            return status in self.options.refused_statuses
        return not_sent(span)

    def _report(self, sequence: AttemptSequence, what: str, trace_id: str) -> Violation:
        call = sequence.call
        tried = "deliveries" if sequence.way is Way.DELIVERY_COUNT else "attempts"
        key = "message id or idempotency key" if tried == "deliveries" else "idempotency key"
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=call.service,
            subject=call.subject,
            basis=Basis.INFERRED,
            summary=f"{sequence.attempts} {tried} of {call.subject} and no {key} in sight; one "
            "shows only where it is captured as a span attribute",
            trace_id=trace_id,
            evidence={
                "peer": call.peer,
                "operation": call.operation,
                "method": what,
                "attempts": sequence.attempts,
                "known_by": str(sequence.way),
            },
        )


def _keyed(sequence: AttemptSequence, tree: Tree) -> bool:
    """Whether a key stands on an attempt, on the span above it, or on one that served it."""
    return any(_has_key(near) for span in sequence.spans for near in _around(span, tree))


def _around(span: Span, tree: Tree) -> Iterator[Span]:
    """An attempt, what it was made for, and what served it."""
    yield span
    parent = tree.parent(span)
    if parent is not None:
        yield parent
    if span.kind is not SpanKind.SERVER:
        yield from served(span, tree)
    elif parent is not None and (above := tree.parent(parent)) is not None:
        yield above


def _has_key(span: Span) -> bool:
    return span.details.identity_kind is IdentityKind.KEY
