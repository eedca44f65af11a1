"""A request that writes to its database and publishes a message by itself.

Why:
    The two are not one transaction. A crash between them leaves an order without its event, or an
    event without its order, and no retry finds that out. It is rare, silent and for good.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: s, kind: server, name: POST /orders}
          - {trace: a, id: d, parent: s, kind: client, name: INSERT orders,
             attributes: {db.system.name: postgresql, db.operation.name: INSERT}}
          - {trace: a, id: p, parent: s, kind: producer, name: send orders,
             attributes: {messaging.destination.name: orders}}

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: s, kind: server, name: POST /orders}
          - {trace: a, id: d, parent: s, kind: client, name: INSERT outbox,
             attributes: {db.system.name: postgresql, db.operation.name: INSERT,
             db.collection.name: outbox}}
          - {trace: a, id: p, parent: s, kind: producer, name: send orders,
             attributes: {messaging.destination.name: orders}}

Mend:
    Write the message to an outbox table in the same transaction, and let a relay or change data
    capture publish it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import Field

from collector.demand import Demand, any_of
from collector.evaluate.messages import DEAD_LETTERS, MESSAGE_KEYS, TEMPORARY, Queue, queue
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.views import Note, NoteKind
from collector.violation import Basis, Severity, Signal, Violation
from collector.wording import counted


class DualWriteOptions(Options):
    """How dual writes are added up."""

    window_seconds: float = Field(
        default=60, gt=0, description="length of the windows in which they are reported (ours)"
    )
    exempt_destinations: tuple[str, ...] = Field(
        default=(TEMPORARY, "_inbox.*", "amq.gen*", "*reply*", "*retry*", *DEAD_LETTERS),
        description="patterns, in any case, of destinations of answers and of what failed (ours)",
    )
    max_queues: int = Field(default=1000, ge=1, description="destinations counted in a window")


@dataclass(slots=True)
class _Window:
    publishes: int = 0
    trace_id: bytes = b""


class Kind(Policy[DualWriteOptions]):
    """Counts publishes beside a write, by destination."""

    options_type = DualWriteOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.INFO,), since="0.1.0")

    def __init__(self, terms: Terms, options: DualWriteOptions) -> None:
        super().__init__(terms, options)
        self._exempt = any_of(pattern.lower() for pattern in options.exempt_destinations)
        self._windows: Tumbling[Queue, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_queues
        )

    def demand(self) -> Demand:
        """PRODUCER spans beside a write."""
        return Demand(notes=frozenset({NoteKind.DUAL_WRITE}), trace_keys=MESSAGE_KEYS)

    def overflow(self) -> int:
        """Publishes that were not counted, because the bound was met."""
        return self._windows.overflow

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Count a publish."""
        del now
        target = queue(note.span)
        if self._exempt is None or not self._exempt.match(target.destination.lower()):
            window = self._windows.at(note.arrived, target)
            if window is not None:
                window.publishes += 1
                window.trace_id = min(window.trace_id or note.trace_id, note.trace_id)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Report the windows of which no trace is open any more."""
        del now
        for _, queues in self._windows.close(float("inf") if final else watermark):
            for target, window in sorted(queues.items(), key=lambda one: one[0]):
                yield self._report(target, window)

    def _report(self, target: Queue, window: _Window) -> Violation:
        return self.violation(
            severity=Severity.INFO,
            signal=Signal.TRACES,
            service=target.service,
            subject=target.subject,
            basis=Basis.INFERRED,
            count=window.publishes,
            summary=f"{counted(window.publishes, 'message')} for {target.subject} in "
            f"{self.options.window_seconds:g} s, published beside a database write of the same "
            "request, without an outbox table in sight",
            trace_id=window.trace_id.hex(),
            evidence={"destination": target.destination, "publishes": window.publishes},
        )
