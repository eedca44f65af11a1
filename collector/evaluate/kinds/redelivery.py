"""A queue that hands out many of its messages more than once.

Why:
    A message comes again because its consumer failed, was too slow to acknowledge it, or was
    killed. Each time costs the work of a first one, runs the effects again, and holds up what
    stands behind it; at a tenth of all messages the queue works against itself.

Bad:
    telemetry:
      - service: worker
        repeat: 20
        spans:
          - {trace: "t{i}", id: c, kind: consumer, name: orders process, attributes: {
             messaging.destination.name: orders, ApproximateReceiveCount: 1}}
          - {trace: "u{i}", id: c, kind: consumer, name: orders process, attributes: {
             messaging.destination.name: orders, ApproximateReceiveCount: 2}}

Good:
    telemetry:
      - service: worker
        repeat: 40
        spans:
          - {trace: "t{i}", id: c, kind: consumer, name: orders process, attributes: {
             messaging.destination.name: orders, ApproximateReceiveCount: 1}}

Mend:
    Find out why messages are not acknowledged: errors, or work that takes longer than the
    visibility timeout or acknowledgement deadline. Extend it while you work, and wait longer
    before each further delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.messages import MESSAGE_KEYS, Queue, from_dead_letters, queue
from collector.evaluate.places import peer_name
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.views import Mark, Span, Tally, TallyKind, Trace
from collector.violation import Service, Severity, Signal, Violation


class RedeliveryOptions(Options):
    """When redeliveries are too many."""

    window_seconds: float = Field(default=300, gt=0, description="length of a window (ours)")
    min_deliveries: int = Field(
        default=20, ge=1, description="deliveries that a window needs to be judged (ours)"
    )
    warn_share: float = Field(
        default=0.1, ge=0, lt=1, description="share of deliveries that are not the first (ours)"
    )
    max_queues: int = Field(
        default=5000, ge=1, description="pairs of peer and operation counted in a window"
    )


class _Call(NamedTuple):
    """What deliveries are counted by."""

    service: Service
    peer: str
    operation: str


@dataclass(slots=True)
class _Window:
    """Deliveries of one call; ``source`` is where those beyond the first came from."""

    deliveries: int = 0
    again: int = 0
    most: int = 0
    trace_id: bytes = b""
    source: Queue | None = None

    @property
    def total(self) -> int:
        return max(self.deliveries, self.again)

    @property
    def share(self) -> float:
        return self.again / self.total if self.total else 0.0

    def add(self, call: _Call, span: Span, trace_id: bytes) -> None:
        """Count a delivery beyond the first; of several queues the call alone is known."""
        self.again += 1
        self.most = max(self.most, span.attempts.delivered)
        self.trace_id = min(self.trace_id or trace_id, trace_id)
        source = queue(span)
        if self.source not in (None, source):
            source = Queue(call.service, f"{peer_name(call.peer)} {call.operation}".strip())
        self.source = source


class Kind(Policy[RedeliveryOptions]):
    """Compares deliveries beyond the first with all, window by window."""

    options_type = RedeliveryOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: RedeliveryOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[_Call, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_queues
        )

    def demand(self) -> Demand:
        """Traces in which a message was delivered again, and the number of all deliveries."""
        return Demand(
            marks=Mark.RETRY_ATTRIBUTE,
            tallies=frozenset({TallyKind.CALLS}),
            trace_keys=MESSAGE_KEYS,
        )

    def overflow(self) -> int:
        """Deliveries that were not counted, because the bound was met."""
        return self._windows.overflow

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Count all deliveries, and other calls, which no redelivery is compared with."""
        del now
        for tally, count in tallies.items():
            if tally.kind is TallyKind.CALLS and self.match.service(tally.service):
                call = _Call(tally.service, tally.peer, tally.operation)
                window = self._windows.at(tally.arrived, call)
                if window is not None:
                    window.deliveries += count

    def on_trace(self, trace: Trace, now: float) -> Iterable[Violation]:
        """Count the deliveries that were not the first, and not of a life before."""
        del now
        for span in trace.spans:
            if (
                span.kind is SpanKind.CONSUMER
                and span.attempts.delivered > 1
                and not from_dead_letters(span)
                and self.match.service(span.resource.service)
            ):
                self._count(span, trace)
        return ()

    def _count(self, span: Span, trace: Trace) -> None:
        call = _Call(span.resource.service, span.peer, span.operation)
        window = self._windows.at(int(trace.arrived), call)
        if window is not None:
            window.add(call, span, trace.trace_id)

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more, each queue once.

        A queue is known under several calls where it has several brokers, or spans for receiving
        and for processing; the worst of them tells.
        """
        del now
        for _, calls in self._windows.close(float("inf") if final else watermark):
            worst: dict[Queue, _Window] = {}
            for _, window in sorted(calls.items(), key=lambda one: one[0]):
                source = window.source
                if source is None or not self._exceeds(window):
                    continue
                if source not in worst or window.share > worst[source].share:
                    worst[source] = window
            for source, window in sorted(worst.items()):
                yield self._report(source, window)

    def _exceeds(self, window: _Window) -> bool:
        options = self.options
        return window.total >= options.min_deliveries and window.share > options.warn_share

    def _report(self, source: Queue, window: _Window) -> Violation:
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=source.service,
            subject=source.subject,
            summary=f"{window.again} of {window.total} deliveries of {source.subject} in "
            f"{self.options.window_seconds:g} s were not the first ({window.share:.0%}); one "
            f"message came {window.most} times",
            trace_id=window.trace_id.hex(),
            evidence={
                "destination": source.destination,
                "group": source.group,
                "deliveries": window.total,
                "redeliveries": window.again,
                "share": round(window.share, 4),
                "most_deliveries": window.most,
            },
        )
