"""A message that was processed twice, with an effect each time.

Why:
    Queues deliver at least once: after a lost acknowledgement or a rebalance a message comes
    again. A consumer that does not notice ships the order twice, and sends the mail twice.

Bad:
    telemetry:
      - service: worker
        repeat: 4
        spans:
          - {trace: "t{i}", id: c, kind: consumer, name: orders process, attributes: {
             messaging.destination.name: orders, messaging.message.id: "m-{i}"}}
          - {trace: "t{i}", id: d, parent: c, kind: client, name: INSERT shipments,
             attributes: {db.system.name: postgresql, db.operation.name: INSERT}}
      - at: 60
        service: worker
        spans:
          - {trace: again, id: c, kind: consumer, name: orders process, attributes: {
             messaging.destination.name: orders, messaging.message.id: m-1}}
          - {trace: again, id: d, parent: c, kind: client, name: INSERT shipments,
             attributes: {db.system.name: postgresql, db.operation.name: INSERT}}

Good:
    telemetry:
      - service: worker
        repeat: 4
        spans:
          - {trace: "t{i}", id: c, kind: consumer, name: orders process, attributes: {
             messaging.destination.name: orders, messaging.message.id: "m-{i}"}}
          - {trace: "t{i}", id: d, parent: c, kind: client, name: INSERT shipments,
             attributes: {db.system.name: postgresql, db.operation.name: INSERT}}
      - at: 60
        service: worker
        spans:
          - {trace: again, id: c, kind: consumer, name: orders process, attributes: {
             messaging.destination.name: orders, messaging.message.id: m-1}}
          - {trace: again, id: d, parent: c, kind: client, name: SELECT inbox,
             attributes: {db.system.name: postgresql, db.operation.name: SELECT}}

Mend:
    Insert the message's id into an inbox table under a unique index, in the transaction of the
    effect, and leave out what is there already; or make the effect one that can run twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import msgspec
from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand
from collector.details import IdentityKind
from collector.evaluate.identities import Identities, Use, Uses, identity_of, seconds_between
from collector.evaluate.messages import MESSAGE_KEYS, Queue, Role, put_off, queue, role, succeeded
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.generations import Generations
from collector.views import Note, NoteKind
from collector.violation import Basis, Severity, Signal, Violation
from collector.wording import counted

_MANY = 1000  # messages after which a share counts the latest more than the first
_USES = 8  # of one message; further ones are not told from their own repeats


class DuplicateOptions(Options):
    """What is a duplicate, and what is not."""

    window_seconds: float = Field(
        default=60, gt=0, description="length of the windows in which messages are reported (ours)"
    )
    fan_out_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="where more of a handler's messages come twice, they are copies for several "
        "subscriptions that its spans do not tell apart, or their ids are none (ours)",
    )
    remember_seconds: float = Field(
        default=86_400, gt=0, description="how long a processed message is remembered (ours)"
    )
    max_messages: int = Field(
        default=20_000,
        ge=1,
        description="processed messages remembered, as hashes, in some 600 bytes each; then the "
        "oldest are dropped",
    )
    max_handlers: int = Field(default=1000, ge=1, description="pairs of queue and operation")


class _Handler(NamedTuple):
    source: Queue
    operation: str


@dataclass(slots=True)
class _Share:
    """How many messages a handler processed, lately, and how many of them twice."""

    messages: float = 0
    twice: float = 0

    def add(self, *, messages: int = 0, twice: int = 0) -> None:
        self.messages += messages
        self.twice += twice
        if self.messages > _MANY:
            self.messages /= 2
            self.twice /= 2


_SavedShare: TypeAlias = tuple[_Handler, float, float]


class _Pair(NamedTuple):
    """Two uses of one message's id, for people to look at."""

    trace_id: bytes
    other_trace_id: bytes
    seconds: float


@dataclass(slots=True)
class _Window:
    """Spans that processed a message again, and the pair whose ids come first."""

    again: int = 0
    example: _Pair | None = None

    def add(self, use: Use, before: Use) -> None:
        first, last = sorted((use, before))
        pair = _Pair(first.trace_id, last.trace_id, round(seconds_between(first, last), 1))
        self.again += 1
        self.example = min(self.example or pair, pair)


class Kind(Policy[DuplicateOptions]):
    """Looks for a second success of a message with an effect below it."""

    options_type = DuplicateOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: DuplicateOptions) -> None:
        super().__init__(terms, options)
        self._messages: Identities[list[Use]] = Identities(
            options.remember_seconds, options.max_messages, list
        )
        self._windows: Tumbling[_Handler, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_handlers
        )
        self._shares: Generations[_Handler, _Share] = Generations(2 * options.max_handlers)

        self._uses = Uses()

    def demand(self) -> Demand:
        """Spans with the id of a message."""
        return Demand(notes=frozenset({NoteKind.KEYED}), trace_keys=MESSAGE_KEYS)

    def overflow(self) -> int:
        """Messages that were forgotten early, and handlers that were left out, for the bounds."""
        return self._messages.overflow + self._windows.overflow + self._shares.turns

    def saved(self, most: int) -> object:
        """Messages come again after a restart, too; without their shares they would be copies."""
        shares = [(one, share.messages, share.twice) for one, share in self._shares.items()]
        return self._messages.saved(most, list), shares

    def restore(self, state: object, now: float) -> None:
        """Go on from where another process was."""
        messages, shares = msgspec.convert(state, tuple[Any, list[_SavedShare]])
        self._messages.restore(messages, list[Use], now)
        for handler, *counts in shares:
            self._shares[handler] = _Share(*counts)

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Keep a message that took effect; receiving it is not processing it."""
        del now
        span = note.span
        if (
            note.effect
            and span.kind is SpanKind.CONSUMER
            and span.details.identity_kind is IdentityKind.MESSAGE
            and role(span) is Role.PROCESS
            and not put_off(span)
            and succeeded(span)
        ):
            self._uses.add(note, queue(span))
        return ()

    def _add(self, note: Note, use: Use) -> None:
        handler = _Handler(queue(note.span), note.span.operation)
        identity = note.span.details.identity
        key = identity_of(*handler.source, handler.operation, identity)
        known = self._messages.at(key, note.arrived)
        again = bool(known) and not any(use.repeats(one) for one in known)
        self._share(handler).add(messages=not known, twice=again and len(known) == 1)
        if again:
            window = self._windows.at(note.arrived, handler)
            if window is not None:
                window.add(use, min(known))
        if use not in known and len(known) < _USES:
            known.append(use)

    def _share(self, handler: _Handler) -> _Share:
        share = self._shares.get(handler)
        if share is None:
            share = self._shares[handler] = _Share()
        return share

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Report what was processed again in the windows of which no trace is open any more."""
        del now
        for note, use in self._uses.take():
            self._add(note, use)
        for _, handlers in self._windows.close(float("inf") if final else watermark):
            for handler, window in sorted(handlers.items(), key=lambda one: one[0]):
                share = self._share(handler)
                copies = share.twice > self.options.fan_out_share * share.messages
                if window.example and not copies:
                    yield self._report(handler, window, window.example)

    def _report(self, handler: _Handler, window: _Window, example: _Pair) -> Violation:
        source = handler.source
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=source.service,
            subject=source.subject,
            basis=Basis.INFERRED,
            count=window.again,
            summary=f"{handler.operation} processed messages of {source.subject} again "
            f"({counted(window.again, 'time')}, one {example.seconds:g} s after another success), "
            "and each time wrote or published something",
            trace_id=example.trace_id.hex(),
            evidence={
                "destination": source.destination,
                "group": source.group,
                "operation": handler.operation,
                "repeats": window.again,
                "seconds": example.seconds,
                "other_trace_id": example.other_trace_id.hex(),
            },
        )
