"""One call that is attempted more often than a few times.

Why:
    What failed three times rarely succeeds at the fourth attempt. Each further one keeps the
    caller's connection, thread and patience, and loads a peer that is in trouble already.

Bad:
    telemetry:
      - service: shop
        repeat: 4
        spans:
          - {trace: t, id: "{i}", parent: p, kind: client, name: GET, start: "0.0{i}",
             duration: 0.001, attributes: {http.request.method: GET, server.address: pay,
             url.full: "http://pay/1", http.response.status_code: 503}}

Good:
    telemetry:
      - service: shop
        repeat: 3
        spans:
          - {trace: t, id: "{i}", parent: p, kind: client, name: GET, start: "0.0{i}",
             duration: 0.001, attributes: {http.request.method: GET, server.address: pay,
             url.full: "http://pay/1", http.response.status_code: 503}}

Mend:
    Limit a call to three attempts and hand the failure up; only one level should retry.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.attempts import DEMAND, AttemptSequence, Way
from collector.evaluate.policy import Meta, Options, Policy
from collector.evaluate.retries import sequences
from collector.evaluate.starting import waits_for_peer
from collector.evaluate.tree import Tree
from collector.views import Trace
from collector.violation import Severity, Signal, Violation


class LimitOptions(Options):
    """How often a call may be attempted."""

    max_attempts: int = Field(
        default=3, ge=1, description="attempts of one call, the first included (SRE book)"
    )
    max_deliveries: int = Field(
        default=10,
        ge=1,
        description="deliveries of one message, which nobody waits for (Azure Service Bus, "
        "MaxDeliveryCount; Pub/Sub allows no fewer than 5)",
    )
    max_connects: int = Field(
        default=60,
        ge=1,
        description="attempts of a service to reach a peer that is not there yet, with pauses, and "
        "on behalf of no request or message, as at its start (ours)",
    )


class Kind(Policy[LimitOptions]):
    """Looks for the highest attempt of each call of a trace."""

    options_type = LimitOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def demand(self) -> Demand:
        """Traces with a sign of a retry."""
        return DEMAND

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each sequence of attempts once, by its last."""
        del now
        for sequence in trace.derived(sequences):
            many = sequence.attempts > self._most(sequence)
            if not many or not self.match.service(sequence.call.service):
                continue
            few = sequence.attempts <= self.options.max_connects
            if not (few and waits_for_peer(sequence, trace.derived(Tree))):
                yield self._report(sequence, trace.trace_id.hex())

    def _most(self, sequence: AttemptSequence) -> int:
        message = sequence.way is Way.DELIVERY_COUNT
        return self.options.max_deliveries if message else self.options.max_attempts

    def _report(self, sequence: AttemptSequence, trace_id: str) -> Violation:
        call = sequence.call
        message = sequence.way is Way.DELIVERY_COUNT
        tried = "deliveries of one message" if message else "attempts of one call"
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=call.service,
            subject=call.subject,
            basis=sequence.basis,
            summary=f"{sequence.attempts} {tried} of {call.subject}, more than "
            f"{self._most(sequence)}",
            trace_id=trace_id,
            evidence={
                "peer": call.peer,
                "operation": call.operation,
                "attempts": sequence.attempts,
                "known_by": str(sequence.way),
            },
        )
