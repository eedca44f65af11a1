"""A message that fails again and again and is never processed.

Why:
    A message that its consumer cannot process does not get better by being delivered again. It
    burns the consumer's time, fills its logs, and in an ordered queue it stops everything behind
    it for good.

Bad:
    telemetry:
      - service: worker
        repeat: 5
        spans:
          - {trace: "t{i}", id: c, kind: consumer, name: orders process, status: error,
             attributes: {messaging.destination.name: orders, messaging.message.id: m-1}}

Good:
    telemetry:
      - service: worker
        repeat: 5
        spans:
          - {trace: "t{i}", id: c, kind: consumer, name: orders process, status: error,
             attributes: {messaging.destination.name: orders, messaging.message.id: "m-{i}"}}

Mend:
    Let the broker move a message to a dead-letter queue after a few deliveries, watch that queue,
    and reject at once what can never succeed, such as a body that does not parse.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand
from collector.details import IdentityKind
from collector.evaluate.identities import Identities, Use, Uses, identity_of
from collector.evaluate.messages import MESSAGE_KEYS, Queue, Role, put_off, queue, role, succeeded
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.views import Note, NoteKind
from collector.violation import Severity, Signal, Violation
from collector.wording import counted


class PoisonOptions(Options):
    """When a message is given up."""

    min_failures: int = Field(
        default=5, ge=2, le=100, description="failures of one message, without a success (ours)"
    )
    window_seconds: float = Field(
        default=60, gt=0, description="length of the windows in which messages are reported (ours)"
    )
    remember_seconds: float = Field(
        default=86_400, gt=0, description="how long the failures of a message are added up (ours)"
    )
    max_messages: int = Field(
        default=20_000, ge=1, description="failed messages remembered, as hashes"
    )
    max_queues: int = Field(default=1000, ge=1, description="queues counted in a window")


@dataclass(slots=True)
class _Message:
    failures: list[Use] = field(default_factory=list)
    processed: bool = False


def _plain(message: _Message) -> object:
    return {"failures": list(message.failures), "processed": message.processed}


@dataclass(slots=True)
class _Window:
    """Messages of a queue that failed too often: what is remembered of each, by handler and id."""

    messages: dict[tuple[str, int], _Message] = field(default_factory=dict)

    def poison(self) -> dict[int, _Message]:
        """Those that were never processed, by id."""
        return {key[1]: one for key, one in self.messages.items() if not one.processed}


class Kind(Policy[PoisonOptions]):
    """Adds up the failures of each message over its deliveries."""

    options_type = PoisonOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: PoisonOptions) -> None:
        super().__init__(terms, options)
        self._messages: Identities[_Message] = Identities(
            options.remember_seconds, options.max_messages, _Message
        )
        self._windows: Tumbling[Queue, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_queues
        )

        self._uses = Uses()

    def demand(self) -> Demand:
        """Spans with the id of a message."""
        return Demand(notes=frozenset({NoteKind.KEYED}), trace_keys=MESSAGE_KEYS)

    def overflow(self) -> int:
        """Messages that were forgotten early, and queues that were left out, for the bounds."""
        return self._messages.overflow + self._windows.overflow

    def saved(self, most: int) -> object:
        """Messages fail over and over for longer than a process lives."""
        return self._messages.saved(most, _plain)

    def restore(self, state: object, now: float) -> None:
        """Go on from where another process was."""
        self._messages.restore(state, _Message, now)

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Keep what became of a message; receiving it is not processing it."""
        del now
        span = note.span
        if (
            span.kind is SpanKind.CONSUMER
            and span.details.identity_kind is IdentityKind.MESSAGE
            and role(span) is Role.PROCESS
            and not put_off(span)
        ):
            self._uses.add(note, queue(span))
        return ()

    def _add(self, note: Note, use: Use) -> None:
        span, source = note.span, queue(note.span)
        key = identity_of(*source, span.operation, span.details.identity)
        if succeeded(span):
            known = self._messages.known(key, note.arrived)
            if known is not None:
                known.processed = True
            return
        message = self._messages.at(key, note.arrived)
        if len(message.failures) < self.options.min_failures:
            if any(use.repeats(one) for one in message.failures):
                return
            message.failures.append(use)
        if len(message.failures) >= self.options.min_failures:
            window = self._windows.at(note.arrived, source)
            if window is not None:
                window.messages[span.operation, span.details.identity] = message

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Report the messages of the windows of which no trace is open any more."""
        del now
        for note, use in self._uses.take():
            self._add(note, use)
        for _, queues in self._windows.close(float("inf") if final else watermark):
            for source, window in sorted(queues.items(), key=lambda one: one[0]):
                poison = window.poison()
                if poison:
                    yield self._report(source, poison.values())

    def _report(self, source: Queue, poison: Collection[_Message]) -> Violation:
        failures = self.options.min_failures
        uses = [use for one in poison for use in one.failures]
        many = counted(len(poison), "message")
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=source.service,
            subject=source.subject,
            count=len(poison),
            summary=f"{many} of {source.subject} failed {failures} times or more "
            "and never succeeded",
            trace_id=min(use.trace_id for use in uses).hex(),
            evidence={
                "destination": source.destination,
                "group": source.group,
                "messages": len(poison),
                "failures": failures,
            },
        )
