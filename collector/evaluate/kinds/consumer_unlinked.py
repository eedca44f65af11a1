"""Messages that are processed without a link to whoever sent them.

Why:
    A message's trace ends at the queue when the consumer neither continues it nor links to it.
    Nobody can then say which request led to a failed job, or what became of an order after it
    was accepted. The messaging conventions ask consumers to link the span that processes a
    message to the context that came with it.

Bad:
    telemetry:
      - service: worker
        spans: [{trace: w, id: p, kind: consumer, name: process orders, attributes:
            {messaging.operation.type: process, messaging.destination.name: orders}}]
    until: 120

Good:
    telemetry:
      - service: worker
        spans: [{trace: w, id: p, kind: consumer, name: process orders, links: [{trace: s, id: o}],
            attributes: {messaging.operation.type: process, messaging.destination.name: orders}}]
    until: 120

Mend:
    Let the producer write the context into the message (traceparent in its headers), and let
    the consumer read it there and add it as a link, or as the parent where each message is
    processed alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from collector import semconv
from collector.classify import mask_name
from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.views import Note, NoteKind, Span, Tally, TallyKind
from collector.violation import Service, Severity, Signal, Violation

_PROCESSING = frozenset({"process", "deliver"})  # deliver: its name before 1.27
_OPERATION_NAME = "messaging.operation.name"
_DESTINATION = ("messaging.destination.template", "messaging.destination.name")


class UnlinkedOptions(Options):
    """When messages without a link matter."""

    window_seconds: float = Field(default=60, gt=0, description="length of a window (ours)")
    warn_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="share of a destination's messages that may come without context, from "
        "senders that are not instrumented (ours)",
    )
    min_messages: int = Field(
        default=1, ge=1, description="messages without a link that a window needs (ours)"
    )
    max_calls: int = Field(
        default=5000, ge=1, description="triples of service, peer and operation in a window"
    )


@dataclass(slots=True)
class _Window:
    processed: int = 0
    unlinked: int = 0
    trace_id: bytes = b""
    destination: str = ""


class Kind(Policy[UnlinkedOptions]):
    """Judges which share of a destination's messages is processed without parent and link."""

    options_type = UnlinkedOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: UnlinkedOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[tuple[Service, str, str], _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_calls
        )

    def demand(self) -> Demand:
        """CONSUMER spans without parent and link, and the number of all."""
        return Demand(
            notes=frozenset({NoteKind.UNLINKED}),
            tallies=frozenset({TallyKind.CALLS}),
            trace_keys=frozenset({_OPERATION_NAME, *_DESTINATION}),
        )

    def overflow(self) -> int:
        """Calls that were not counted, because the bound was met."""
        return self._windows.overflow

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Count a message without a link."""
        del now
        span = note.span
        if not _processes(span):
            return ()
        window = self._window(int(note.arrived), span.resource.service, span.peer, span.operation)
        if window is not None:
            window.unlinked += 1
            window.trace_id = min(window.trace_id or note.trace_id, note.trace_id)
            window.destination = max(window.destination, _destination(span))
        return ()

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Count all messages."""
        del now
        for tally, count in tallies.items():
            if tally.kind is TallyKind.CALLS and self.match.service(tally.service):
                window = self._window(tally.arrived, tally.service, tally.peer, tally.operation)
                if window is not None:
                    window.processed += count

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more."""
        del now
        for _, window in self._windows.close(float("inf") if final else watermark):
            for (service, _, operation), one in sorted(window.items()):
                yield from self._judge(service, operation, one)

    def _window(self, arrived: int, service: Service, peer: str, operation: str) -> _Window | None:
        return self._windows.at(arrived, (service, peer, operation))

    def _judge(self, service: Service, operation: str, window: _Window) -> Iterator[Violation]:
        processed = max(window.processed, window.unlinked)
        if window.unlinked < self.options.min_messages:
            return
        share = window.unlinked / processed
        if share <= self.options.warn_share:
            return
        destination = mask_name(window.destination) or operation
        yield self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=service,
            subject=f"process {destination}",
            count=window.unlinked,
            summary=f"{window.unlinked} of {processed} messages of {destination} were processed "
            f"without parent or link ({share:.0%})",
            trace_id=window.trace_id.hex(),
            evidence={
                "destination": destination,
                "operation": operation,
                "unlinked": window.unlinked,
                "processed": processed,
                "share": round(share, 4),
            },
        )


def _processes(span: Span) -> bool:
    """Whether a span processes messages, rather than receives or settles them."""
    told = semconv.text(span.attributes, "messaging.operation.type")
    told = told or semconv.text(span.attributes, _OPERATION_NAME)
    return told.lower() in _PROCESSING


def _destination(span: Span) -> str:
    """Where the messages came from."""
    names = (semconv.text(span.attributes, key) for key in _DESTINATION)
    return next(filter(None, names), "") or span.peer
