"""A program on a virtual clock: what runs inside a span moves time, and spans fall out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from ordinary.otlp import pairs
from ordinary.world import Process

from collector.testing import START, any_value
from collector.violation import Signal

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(1, 6)
ERROR = 2
_SAMPLED, _KNOWN, _REMOTE = 0x1, 0x100, 0x200
_ENTERED = frozenset({SERVER, CONSUMER})


class Where(NamedTuple):
    """A span as its children and those who link to it know it."""

    trace_id: bytes
    span_id: bytes
    process: Process | None


class Ended(NamedTuple):
    """A span or log record that its process may export.

    Attributes:
        process: whose it is.
        at: when it ended or was written, in seconds by a clock that is right.
        signal: which of the two it is.
        item: itself, with times of its process' clock.
    """

    process: Process
    at: float
    signal: Signal
    item: Any


@dataclass
class Open:
    """A span that has not ended.

    Attributes:
        where: how others refer to it.
        attributes: in current names, to be added to.
        status: 0 unset, 1 ok, 2 error.
        message: of the status.
        events: name, time and attributes of each.
        links: spans that it is linked to.
    """

    where: Where
    attributes: dict[str, Any]
    status: int = 0
    message: str = ""
    events: list[tuple[str, float, Mapping[str, Any]]] = field(default_factory=list)
    links: Sequence[Where] = ()


class Trace:
    """What happens on behalf of one cause.

    Args:
        random: of ids and durations.
        start: in seconds.
        made: takes everything that ends.
        state: ``tracestate``.
    """

    def __init__(self, random: Random, start: float, made: list[Ended], *, state: str = "") -> None:
        self.random = random
        self.now = start
        self.made = made
        self.state = state
        self.id = random.randbytes(16)
        self.here: Where | None = None

    def other(self, start: float | None = None) -> Trace:
        """Another trace that this one causes without being its parent."""
        begins = self.now if start is None else start
        return Trace(self.random, begins, self.made, state=self.state)

    def work(self, milliseconds: float, spread: float = 0.4) -> None:
        """Let time pass: half of the times less than this, seldom more than the triple."""
        self.now += min(self.random.lognormvariate(0, spread), 4) * milliseconds / 1e3

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.random.random() < share

    def unseen_parent(self) -> None:
        """Continue under a span of somebody who does not report here."""
        self.here = Where(self.id, self.random.randbytes(8), None)

    @contextmanager
    def under(self, where: Where) -> Iterator[None]:
        """Continue under a span, whether or not it has ended."""
        before, self.here = self.here, where
        yield
        self.here = before

    @contextmanager
    def span(
        self,
        process: Process,
        kind: int,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        links: Sequence[Where] = (),
    ) -> Iterator[Open]:
        """A span around what happens inside."""
        parent, start = self.here, self.now
        where = Where(self.id, self.random.randbytes(8), process)
        opened = Open(where, dict(attributes or {}), links=links)
        self.here = where
        yield opened
        self.here = parent
        self._end(opened, parent, start, kind, name)

    def parallel(self, branches: Sequence[Callable[[], None]]) -> None:
        """Run branches at once; time goes on when the last is done."""
        start, ends = self.now, [self.now]
        for branch in branches:
            self.now = start + self.random.random() * 2e-4
            branch()
            ends.append(self.now)
        self.now = max(ends)

    def log(
        self,
        process: Process,
        body: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        severity: int = 9,
        event: str = "",
        correlated: bool = True,
    ) -> None:
        """A log record, with the ids of the span inside which it is written."""
        here = self.here if correlated else None
        time = _clock(self.now, process)
        record = LogRecord(
            time_unix_nano=time,
            observed_time_unix_nano=time,
            severity_number=severity,  # type: ignore[arg-type]
            trace_id=here.trace_id if here else b"",
            span_id=here.span_id if here else b"",
            body=any_value(body),
            attributes=pairs(attributes or {}),
            event_name=event,
            flags=_SAMPLED if here else 0,
        )
        self.made.append(Ended(process, self.now, Signal.LOGS, record))

    def _end(self, opened: Open, parent: Where | None, start: float, kind: int, name: str) -> None:
        process = opened.where.process
        assert process is not None
        flags = _SAMPLED
        if parent and process.stack.flags:
            flags |= _KNOWN | (0 if parent.process is process else _REMOTE)
        span = Span(
            trace_id=self.id,
            span_id=opened.where.span_id,
            parent_span_id=parent.span_id if parent else b"",
            trace_state=self.state,
            flags=flags,
            name=name,
            kind=kind,  # type: ignore[arg-type]
            start_time_unix_nano=_clock(start, process),
            end_time_unix_nano=_clock(self.now, process),
            attributes=pairs(process.stack.spell(opened.attributes, incoming=kind in _ENTERED)),
        )
        if opened.status:
            span.status.code, span.status.message = opened.status, opened.message  # type: ignore[assignment]
        for event, at, said in opened.events:
            span.events.add(name=event, time_unix_nano=_clock(at, process), attributes=pairs(said))
        for link in opened.links:
            span.links.add(trace_id=link.trace_id, span_id=link.span_id)
        self.made.append(Ended(process, self.now, Signal.TRACES, span))


def _clock(now: float, process: Process) -> int:
    return int(START) * 10**9 + int(now * 1e9) + process.skew
