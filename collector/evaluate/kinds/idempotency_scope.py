"""One idempotency key that two tenants used.

Why:
    Clients choose keys, and two of them can choose the same. Where a server looks a key up
    without its tenant, the second is given the answer that was stored for the first: data of
    another customer, and a request that was never carried out.

Bad:
    telemetry:
      - service: pay
        repeat: 2
        spans:
          - {trace: "t{i}", id: s, kind: server, name: POST, attributes: {http.request.method: POST,
             http.route: /charges, http.response.status_code: 201, idempotency.key: order-1,
             tenant.id: "{i}"}}

Good:
    telemetry:
      - service: pay
        repeat: 2
        spans:
          - {trace: "t{i}", id: s, kind: server, name: POST, attributes: {http.request.method: POST,
             http.route: /charges, http.response.status_code: 201, idempotency.key: "{i}-order-1",
             tenant.id: "{i}"}}

Mend:
    Look keys up by tenant and key, with both in the unique index, and let clients make keys that
    nobody else makes: random UUIDs rather than numbers of orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.identities import Identities, Use, Uses, identity_of, seconds_between
from collector.evaluate.keyed import Answer, KeyOptions, answer, has_key
from collector.evaluate.policy import Meta, Policy, Terms
from collector.evaluate.tenants import TENANT_KEYS, tenant_kind, two_tenants
from collector.evaluate.tree import operation_of
from collector.views import Note, NoteKind, Span
from collector.violation import Basis, Severity, Signal, Violation


class ScopeOptions(KeyOptions):
    """What a key belongs to."""

    tenant_keys: tuple[str, ...] = Field(
        default=TENANT_KEYS,
        min_length=1,
        description="attributes that hold the tenant or the principal (ours); only values of one "
        "attribute are compared",
    )
    max_tenants: int = Field(
        default=8, ge=2, le=64, description="tenants and operations remembered of one key"
    )


class _Owner(NamedTuple):
    tenant: int
    operation: str
    use: Use


class Kind(Policy[ScopeOptions]):
    """Compares the tenants that used one key in a service."""

    options_type = ScopeOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: ScopeOptions) -> None:
        super().__init__(terms, options)
        self._owners: Identities[list[_Owner]] = Identities(
            options.valid_seconds, options.max_keys, list
        )
        self._uses = Uses()
        self._overflow = 0

    def demand(self) -> Demand:
        """Spans with a key."""
        return Demand(
            notes=frozenset({NoteKind.KEYED}),
            identity_keys=frozenset(self.options.identity_keys),
            tenant_keys=frozenset(self.options.tenant_keys),
        )

    def overflow(self) -> int:
        """Keys that were forgotten early, and tenants that were not compared, for the bounds."""
        return self._owners.overflow + self._overflow

    def saved(self, most: int) -> object:
        """Keys have an owner for longer than a process lives."""
        return self._owners.saved(most, list)

    def restore(self, state: object, now: float) -> None:
        """Go on from where another process was."""
        self._owners.restore(state, list[_Owner], now)

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Keep a request with a key and a tenant, unless it was turned away."""
        del now
        span = note.span
        if has_key(note) and tenant_kind(span) and answer(span) is not Answer.TURNED_AWAY:
            self._uses.add(note, span.resource.service)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Compare the tenants with those that used their keys before."""
        del now, watermark, final
        for note, use in self._uses.take():
            yield from self._compare(note, use)

    def _compare(self, note: Note, use: Use) -> Iterator[Violation]:
        span = note.span
        key = identity_of(span.resource.service, span.details.identity)
        known = self._owners.at(key, note.arrived)
        owner = _Owner(span.details.tenant, operation_of(span), use)
        if any(one[:2] == owner[:2] for one in known):
            return
        if len(known) >= self.options.max_tenants:
            self._overflow += 1
            return
        for other in known:
            if two_tenants(owner.tenant, other.tenant) and not owner.use.repeats(other.use):
                yield self._report(span, owner, other)
        known.append(owner)

    def _report(self, span: Span, owner: _Owner, other: _Owner) -> Violation:
        subject = " and ".join(sorted({owner.operation, other.operation}))
        first, last = sorted((owner, other), key=lambda one: (one.use.trace_id, one.use.span_id))
        seconds = round(seconds_between(first.use, last.use), 1)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=subject,
            basis=Basis.OBSERVED,
            summary=f"two tenants used one idempotency key for {subject}, {seconds:g} s apart",
            trace_id=first.use.trace_id.hex(),
            evidence={
                "operations": tuple(sorted({owner.operation, other.operation})),
                "seconds": seconds,
                "other_trace_id": last.use.trace_id.hex(),
            },
        )
