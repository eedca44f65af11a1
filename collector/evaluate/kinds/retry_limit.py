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
from collector.evaluate.policy import Meta, Options, Policy
from collector.evaluate.retries import MARKS, Retry, retries
from collector.views import Trace
from collector.violation import Severity, Signal, Violation


class LimitOptions(Options):
    """How often a call may be attempted."""

    max_attempts: int = Field(
        default=3, ge=1, description="attempts of one call, the first included (SRE book)"
    )


class Kind(Policy[LimitOptions]):
    """Looks for the highest attempt of each call of a trace."""

    options_type = LimitOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def demand(self) -> Demand:
        """Traces with a sign of a retry."""
        return Demand(marks=MARKS)

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each sequence of attempts once, by its last."""
        del now
        last: dict[tuple[object, ...], Retry] = {}
        for retry in trace.derived(retries):
            before = last.get(retry.sequence)
            if before is None or retry.attempt > before.attempt:
                last[retry.sequence] = retry
        for retry in last.values():
            if retry.attempt > self.options.max_attempts and self.match.service(retry.call.service):
                yield self._report(retry, trace.trace_id.hex())

    def _report(self, retry: Retry, trace_id: str) -> Violation:
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=retry.call.service,
            subject=retry.call.subject,
            basis=retry.basis,
            summary=f"{retry.attempt} attempts of one call of {retry.call.subject}, more than "
            f"{self.options.max_attempts}",
            trace_id=trace_id,
            evidence={
                "peer": retry.call.peer,
                "operation": retry.call.operation,
                "attempts": retry.attempt,
                "known_by": str(retry.way),
            },
        )
