"""Messages that wait for minutes before they are consumed.

Why:
    A queue whose messages are old is behind: what it was to decouple is late instead. The age of
    what is consumed tells it when the length of the queue does not, and it is what users wait for.

Bad:
    telemetry:
      - service: shop
        repeat: 3
        spans:
          - {trace: "t{i}", id: p, kind: producer, name: send orders,
             attributes: {messaging.destination.name: orders}}
      - at: 20
        service: worker
        repeat: 3
        spans:
          - {trace: "t{i}", id: c, parent: p, kind: consumer, name: process orders, start: 600,
             attributes: {messaging.destination.name: orders}}

Good:
    telemetry:
      - service: shop
        repeat: 3
        spans:
          - {trace: "t{i}", id: p, kind: producer, name: send orders,
             attributes: {messaging.destination.name: orders}}
      - at: 20
        service: worker
        repeat: 3
        spans:
          - {trace: "t{i}", id: c, parent: p, kind: consumer, name: process orders, start: 20,
             attributes: {messaging.destination.name: orders}}

Mend:
    Add consumers, or partitions where those are the limit; make each message cheaper; alert on
    the age of the oldest message; and drop or divert what is worth nothing once it is late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import Field

from collector.demand import Bounds, Demand, any_of
from collector.details import BatchSize
from collector.evaluate.messages import DEAD_LETTERS, MESSAGE_KEYS, Queue, Role, queue, role
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.views import Note, NoteKind
from collector.violation import Basis, Severity, Signal, Violation
from collector.wording import counted

_NANOSECONDS = 1_000_000_000


class BacklogOptions(Options):
    """From when on a message is late."""

    max_age_seconds: float = Field(
        default=300, gt=0, description="from the end of sending to the start of consuming (ours)"
    )
    clock_fault_seconds: float = Field(
        default=86_400, gt=0, description="a higher age is a wrong clock or a replay (ours)"
    )
    min_messages: int = Field(
        default=3,
        ge=1,
        description="late messages of a queue in a window, or one late batch (ours)",
    )
    window_seconds: float = Field(default=60, gt=0, description="length of a window (ours)")
    exempt_destinations: tuple[str, ...] = Field(
        default=("*delay*", "*schedul*", "*retry*", "*defer*", *DEAD_LETTERS),
        description="patterns, in any case, of destinations where messages wait on purpose (ours)",
    )
    max_queues: int = Field(default=1000, ge=1, description="queues counted in a window")


@dataclass(slots=True)
class _Window:
    """Late spans of a queue; a message can be both received and processed by one each."""

    processed: int = 0
    received: int = 0
    batches: int = 0
    oldest: tuple[int, bytes] = (0, b"")

    @property
    def messages(self) -> int:
        return max(self.processed, self.received)


class Kind(Policy[BacklogOptions]):
    """Counts the late messages of each queue."""

    options_type = BacklogOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: BacklogOptions) -> None:
        super().__init__(terms, options)
        self._least = int(options.max_age_seconds * _NANOSECONDS)
        self._most = int(options.clock_fault_seconds * _NANOSECONDS)
        self._exempt = any_of(pattern.lower() for pattern in options.exempt_destinations)
        self._windows: Tumbling[Queue, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_queues
        )

    def demand(self) -> Demand:
        """Spans of late messages."""
        return Demand(
            notes=frozenset({NoteKind.LATE_MESSAGE}),
            bounds=Bounds(age=self._least),
            trace_keys=MESSAGE_KEYS,
        )

    def overflow(self) -> int:
        """Messages that were not counted, because the bound was met."""
        return self._windows.overflow

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Count a late message; one that was delivered before is late for another reason."""
        del now
        span = note.span
        age = span.details.age
        if not self._least < age <= self._most or span.attempts.delivered > 1:
            return ()
        source = queue(span)
        if self._exempt and self._exempt.match(source.destination.lower()):
            return ()
        window = self._windows.at(note.arrived, source)
        if window is not None:
            received = role(span) is Role.RECEIVE
            window.received += received
            window.processed += not received
            window.batches += span.details.batch is BatchSize.TOLD
            oldest = window.oldest
            older = (-age, note.trace_id) < (-oldest[0], oldest[1])
            window.oldest = (age, note.trace_id) if older else oldest
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more."""
        del now
        for _, queues in self._windows.close(float("inf") if final else watermark):
            for source, window in sorted(queues.items(), key=lambda one: one[0]):
                if window.batches or window.messages >= self.options.min_messages:
                    yield self._report(source, window)

    def _report(self, source: Queue, window: _Window) -> Violation:
        age, trace_id = window.oldest
        seconds = round(age / _NANOSECONDS, 1)
        what = "batch receive" if window.batches == window.messages else "message"
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=source.service,
            subject=source.subject,
            basis=Basis.OBSERVED,
            summary=f"{counted(window.messages, what)} of {source.subject} in "
            f"{self.options.window_seconds:g} s had waited for more than "
            f"{self.options.max_age_seconds:g} s, the oldest for {seconds:g} s",
            trace_id=trace_id.hex(),
            evidence={
                "destination": source.destination,
                "group": source.group,
                "messages": window.messages,
                "batches": window.batches,
                "oldest_seconds": seconds,
            },
        )
