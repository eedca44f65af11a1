"""Two requests with one idempotency key that were both carried out.

Why:
    The key promises the client that it may ask again: the second request must find the first's
    answer and change nothing. Where it writes or publishes again, the customer is charged twice
    by the very retry that the key was meant to make safe.

Bad:
    telemetry:
      - service: pay
        repeat: 2
        spans:
          - {trace: "t{i}", id: s, kind: server, name: POST, attributes: {http.request.method: POST,
             http.route: /charges, http.response.status_code: 201, idempotency.key: k-1}}
          - {trace: "t{i}", id: d, parent: s, kind: client, name: INSERT charges,
             attributes: {db.system.name: postgresql, db.operation.name: INSERT}}

Good:
    telemetry:
      - service: pay
        repeat: 2
        spans:
          - {trace: "t{i}", id: s, kind: server, name: POST, attributes: {http.request.method: POST,
             http.route: /charges, http.response.status_code: 201, idempotency.key: k-1}}
          - {trace: "t{i}", id: d, parent: s, kind: client, name: SELECT keys,
             attributes: {db.system.name: postgresql, db.operation.name: SELECT}}

Mend:
    Insert the key under a unique index in the same transaction as the effect, before the effect;
    on a conflict return the stored answer, or 409 while the first request still runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.identities import Identities, Use, Uses, identity_of, seconds_between
from collector.evaluate.keyed import Answer, KeyOptions, answer, has_key, repeatable
from collector.evaluate.policy import Meta, Policy, Terms
from collector.evaluate.tree import operation_of
from collector.views import Note, NoteKind, Span
from collector.violation import Basis, Severity, Signal, Violation


class ReplayOptions(KeyOptions):
    """How much is remembered of a key."""

    max_uses: int = Field(
        default=8, ge=2, le=64, description="requests that took effect, remembered of one key"
    )


class Kind(Policy[ReplayOptions]):
    """Looks for a second success with an effect below it."""

    options_type = ReplayOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: ReplayOptions) -> None:
        super().__init__(terms, options)
        self._effects: Identities[list[Use]] = Identities(
            options.valid_seconds, options.max_keys, list
        )
        self._uses = Uses()
        self._overflow = 0

    def demand(self) -> Demand:
        """Spans with a key."""
        return Demand(
            notes=frozenset({NoteKind.KEYED}),
            identity_keys=frozenset(self.options.identity_keys),
        )

    def overflow(self) -> int:
        """Keys that were forgotten early, and requests that were not judged, for the bounds."""
        return self._effects.overflow + self._overflow

    def saved(self, most: int) -> object:
        """Keys name a request for longer than a process lives."""
        return self._effects.saved(most, list)

    def restore(self, state: object, now: float) -> None:
        """Go on from where another process was."""
        self._effects.restore(state, list[Use], now)

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Keep a request that took effect."""
        del now
        span = note.span
        if (
            note.effect
            and span.kind is SpanKind.SERVER
            and has_key(note)
            and not repeatable(span)
            and answer(span) is Answer.DONE
        ):
            self._uses.add(note, span.resource.service)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Look which requests are the second to take effect under their key."""
        del now, watermark, final
        for note, use in self._uses.take():
            yield from self._compare(note, use)

    def _compare(self, note: Note, use: Use) -> Iterator[Violation]:
        span = note.span
        key = identity_of(span.resource.service, operation_of(span), span.details.identity)
        known = self._effects.at(key, note.arrived)
        if len(known) >= self.options.max_uses:
            self._overflow += 1
            return
        again = bool(known) and not any(use.repeats(one) for one in known)
        if use not in known:
            known.append(use)
        if again:
            yield self._report(span, sorted(known))

    def _report(self, span: Span, uses: list[Use]) -> Violation:
        operation = operation_of(span)
        first = min(uses, key=lambda one: (one.arrived, one.trace_id))
        last = max(uses, key=lambda one: (one.arrived, one.trace_id))
        seconds = round(seconds_between(first, last), 1)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=operation,
            basis=Basis.INFERRED,
            summary=f"two requests with one idempotency key succeeded at {operation}, "
            f"{seconds:g} s apart, and each wrote or published something",
            trace_id=uses[0].trace_id.hex(),
            evidence={
                "operation": operation,
                "seconds": seconds,
                "other_trace_id": uses[-1].trace_id.hex(),
            },
        )
