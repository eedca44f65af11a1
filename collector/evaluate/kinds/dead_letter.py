"""Messages that are given up: they are sent to a dead-letter queue.

Why:
    Each message there is an order, a payment or a mail that somebody still waits for. Nothing
    else fails: the consumer goes on, its error rate stays low, and brokers delete what lies
    there for too long.

Bad:
    telemetry:
      - service: worker
        spans:
          - {trace: a, id: s, kind: producer, name: send orders-dlq,
             attributes: {messaging.destination.name: orders-dlq}}

Good:
    telemetry:
      - service: worker
        spans:
          - {trace: a, id: s, kind: producer, name: send orders,
             attributes: {messaging.destination.name: orders}}

Mend:
    Look at what the messages have in common, mend the consumer or the producer, and send them
    again. Alert on the first message of a dead-letter queue, and give the queue an owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import Field

from collector import semconv
from collector.classify import SpanKind
from collector.demand import Demand, KeyMatch, SpanSelection, any_of
from collector.evaluate.messages import (
    ABOUT_DEAD_LETTERS,
    ADDRESSES,
    DEAD_LETTERS,
    MESSAGE_KEYS,
    Queue,
    Role,
    any_case,
    queue,
    role,
)
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.selection import Selected
from collector.views import Note, NoteKind
from collector.violation import Severity, Signal, Violation
from collector.wording import counted


class DeadLetterOptions(Options):
    """Which destinations are dead-letter queues."""

    destinations: tuple[str, ...] = Field(
        default=DEAD_LETTERS,
        min_length=1,
        description="patterns, in any case, of the names of dead-letter queues (ours)",
    )
    exempt_destinations: tuple[str, ...] = Field(
        default=ABOUT_DEAD_LETTERS,
        description="patterns, in any case, of destinations that are only named after one (ours)",
    )
    window_seconds: float = Field(
        default=60, gt=0, description="length of the windows in which messages are reported (ours)"
    )
    max_queues: int = Field(default=1000, ge=1, description="queues counted in a window")


#: A consumer of Azure Service Bus has the broker move a message there.
_MOVES = tuple(
    SpanSelection(
        kinds=frozenset({SpanKind.CLIENT, SpanKind.CONSUMER, SpanKind.INTERNAL}),
        where=(KeyMatch((key,), ("dead_letter", "deadletter", "DeadLetter")),),
    )
    for key in (
        "azure.servicebus.disposition_status",
        "messaging.servicebus.disposition_status",
        "messaging.operation.name",
    )
)


class _Letters(NamedTuple):
    """Where letters go; ``moved`` says that the broker moves them on behalf of their consumer."""

    target: Queue
    moved: bool


@dataclass(slots=True)
class _Window:
    sends: int = 0
    trace_id: bytes = b""


class Kind(Policy[DeadLetterOptions]):
    """Counts what is sent to destinations that are named as dead-letter queues."""

    options_type = DeadLetterOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: DeadLetterOptions) -> None:
        super().__init__(terms, options)
        patterns = tuple(any_case(pattern) for pattern in options.destinations)
        names = (*semconv.family("messaging.destination.name"), *ADDRESSES)
        self._selection = SpanSelection(
            kinds=frozenset({SpanKind.PRODUCER, SpanKind.CLIENT}),
            where=(KeyMatch(names, patterns),),
        )
        self._selected = Selected([self._selection])
        self._moves = Selected(_MOVES)
        self._exempt = any_of(tuple(map(any_case, options.exempt_destinations)))
        self._windows: Tumbling[_Letters, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_queues
        )

    def demand(self) -> Demand:
        """Spans about a message for a dead-letter queue, and those by which one is moved there."""
        return Demand(
            notes=frozenset({NoteKind.SELECTED}),
            selected=(self._selection, *_MOVES),
            trace_keys=MESSAGE_KEYS,
        )

    def overflow(self) -> int:
        """Messages that were not counted, because the bound was met."""
        return self._windows.overflow

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Count a message that was sent; those that are taken back out are no fault."""
        del now
        span = note.span
        what = (span.kind, span.status, span.attributes)
        moved = self._moves.takes(*what, failed=span.failed)
        sent = role(span) is Role.SEND and self._selected.takes(*what, failed=span.failed)
        if moved or sent:
            target = queue(span)
            if not moved and self._exempt is not None and self._exempt.match(target.destination):
                return ()
            window = self._windows.at(note.arrived, _Letters(target, moved))
            if window is not None:
                window.sends += 1
                window.trace_id = min(window.trace_id or note.trace_id, note.trace_id)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Report the windows of which no trace is open any more."""
        del now
        for _, queues in self._windows.close(float("inf") if final else watermark):
            for letters, window in sorted(queues.items(), key=lambda one: one[0]):
                yield self._report(letters, window)

    def _report(self, letters: _Letters, window: _Window) -> Violation:
        target, moved = letters
        where = f"dead-letter queue {'of ' if moved else ''}{target.subject}"
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=target.service,
            subject=target.subject,
            count=window.sends,
            summary=f"{counted(window.sends, 'send')} to the {where} in "
            f"{self.options.window_seconds:g} s",
            trace_id=window.trace_id.hex(),
            evidence={"destination": target.destination, "sends": window.sends},
        )
