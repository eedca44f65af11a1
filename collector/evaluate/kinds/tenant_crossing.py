"""One request whose spans name two tenants.

Why:
    A request is made for one tenant. Where a span below it names another, something answered for
    the wrong customer: a cache key without the tenant, a query without its filter, a connection
    or a thread that still held the last request's tenant.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /orders, attributes: {tenant.id: acme}}
          - {trace: a, id: "2", parent: "1", kind: client, name: SELECT orders,
             attributes: {db.system.name: postgresql, tenant.id: globex}}

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /orders, attributes: {tenant.id: acme}}
          - {trace: a, id: "2", parent: "1", kind: client, name: SELECT orders,
             attributes: {db.system.name: postgresql, tenant.id: acme}}

Mend:
    Put the tenant into every cache key and every query (row-level security does it for all of
    them), take it from the request alone, and clear what a pooled thread or connection holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand, any_of
from collector.details import TENANTS, tenant_number
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.tenants import TENANT_KEYS, tenant_kind
from collector.evaluate.tree import (
    FUNCTION_KEYS,
    Tree,
    operation_of,
    same_service,
    serves_request,
)
from collector.views import Mark, Span, Trace
from collector.violation import Severity, Signal, Violation


class CrossingOptions(Options):
    """What names a tenant, and which requests may be about several."""

    tenant_keys: tuple[str, ...] = Field(
        default=TENANT_KEYS,
        min_length=1,
        description="attributes that hold the tenant (ours); only values of one are compared",
    )
    exempt_operations: tuple[str, ...] = Field(
        default=(
            "*admin*", "*batch*", "*bulk*", "*cron*", "*impersonat*", "*backoffice*",
            "*back-office*", "*/jobs/run*", "*migrat*",
        ),
        description="patterns of operations that may be about several tenants (ours)",
    )  # fmt: skip
    no_tenants: tuple[str, ...] = Field(
        default=(
            "unknown", "none", "null", "undefined", "anonymous", "-", "default", "public", "shared",
            "global", "system",
        ),
        description="values that name no tenant, or what all of them share (ours); each of them "
        "hides one in four thousand others too, of which decoders keep a number of 12 bits",
    )  # fmt: skip
    max_tenants: int = Field(
        default=5,
        ge=2,
        description="a request that names more tenants works through them on purpose (ours)",
    )


@dataclass(slots=True)
class _Request:
    """What is below one entry span.

    ``first`` holds spans that have no tenant above them, by the attribute that tells theirs.
    """

    entry: Span
    first: dict[int, Span] = field(default_factory=dict)
    tenants: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    crossings: list[_Crossing] = field(default_factory=list)


class _Crossing(NamedTuple):
    """A span that names another tenant than the nearest one above it, or beside it, that tells."""

    upper: Span
    lower: Span

    @property
    def subject(self) -> str:
        upper, lower = operation_of(self.upper), operation_of(self.lower)
        if not same_service(self.upper, self.lower):
            upper = f"{self.upper.resource.service.name} {upper}"
        return f"{upper} → {lower}"


class Kind(Policy[CrossingOptions]):
    """Walks each request from its entry down, with the tenant that is told last."""

    options_type = CrossingOptions
    meta = Meta(
        signals=(Signal.TRACES,), severities=(Severity.WARNING, Severity.CRITICAL), since="0.1.0"
    )

    def __init__(self, terms: Terms, options: CrossingOptions) -> None:
        super().__init__(terms, options)
        self._exempt = any_of(options.exempt_operations)
        self._none = frozenset(map(tenant_number, options.no_tenants))

    def demand(self) -> Demand:
        """Traces that tell two tenants."""
        return Demand(
            marks=Mark.TENANTS,
            tenant_keys=frozenset(self.options.tenant_keys),
            trace_keys=FUNCTION_KEYS,
        )

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each request of a trace, once for each pair of operations."""
        del now
        tree = trace.derived(Tree)
        found: dict[tuple[object, ...], _Crossing] = {}
        for request in _requests(tree, self._none):
            if any(len(told) > self.options.max_tenants for told in request.tenants.values()):
                continue
            if self._exempt and self._exempt.match(operation_of(request.entry)):
                continue
            for one in request.crossings:
                found.setdefault((one.lower.resource.service, one.subject), one)
        for one in found.values():
            if self.match.service(one.lower.resource.service):
                yield self._report(one, trace.trace_id.hex())

    def _report(self, one: _Crossing, trace_id: str) -> Violation:
        upper, lower = one.upper.resource.service, one.lower.resource.service
        within = upper == lower
        return self.violation(
            severity=Severity.CRITICAL if within else Severity.WARNING,
            signal=Signal.TRACES,
            service=lower,
            subject=one.subject,
            summary=f"within one request, {operation_of(one.lower)} of {lower.name} names another "
            f"tenant than {operation_of(one.upper)} of {upper.name}",
            trace_id=trace_id,
            evidence={
                "service": upper.name,
                "operation": operation_of(one.upper),
                "other_service": lower.name,
                "other_operation": operation_of(one.lower),
            },
        )


def _requests(tree: Tree, none: frozenset[int]) -> list[_Request]:
    """The requests of a trace: what is below each SERVER span that no batch stands above.

    Nothing is known of a parent that was not seen; above a SERVER span that does not matter.
    What a consumer does is other work, of several requests where it takes a batch.

    Args:
        tree: of the trace.
        none: numbers of what names no tenant.
    """
    roots = [
        one
        for parent, below in tree.families()
        if parent not in tree.by_id
        for one in below
        if one.kind in (SpanKind.SERVER, SpanKind.CLIENT)
    ]
    requests: list[_Request] = []
    for root in roots:
        _walk(root, tree, none, requests)
    return requests


def _walk(root: Span, tree: Tree, none: frozenset[int], requests: list[_Request]) -> None:
    nothing: Mapping[int, Span] = {}
    waiting: list[tuple[Span, _Request | None, Mapping[int, Span]]] = [(root, None, nothing)]
    while waiting:
        span, request, above = waiting.pop()
        if request is None and serves_request(span):
            request = _Request(span)
            requests.append(request)
        if span.kind is SpanKind.CONSUMER:
            continue
        if request is not None and tenant_kind(span) and span.details.tenant % TENANTS not in none:
            above = _told(span, request, above)
        waiting += ((one, request, above) for one in reversed(tree.children(span)))


def _told(span: Span, request: _Request, above: Mapping[int, Span]) -> Mapping[int, Span]:
    """What is told above the children of a span that tells a tenant."""
    kind, tenant = tenant_kind(span), span.details.tenant
    request.tenants[kind].add(tenant)
    other = above.get(kind) or request.first.setdefault(kind, span)
    if other.details.tenant != tenant and (kind in above or not _turns(other, span)):
        request.crossings.append(_Crossing(other, span))
    return {**above, kind: span}


def _turns(one: Span, other: Span) -> bool:
    """Whether one piece of work is done for each tenant in turn, with none named above it."""
    internal = one.kind is other.kind is SpanKind.INTERNAL
    return internal and one.parent_id == other.parent_id and one.name == other.name
