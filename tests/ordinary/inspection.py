"""The shipped policies over a load, on the pipeline of the program with a clock that is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from ordinary.arrival import Request

from collector import policyfile
from collector.decode import best
from collector.decode.limits import Limits
from collector.decode.messages import Encoding
from collector.demand import Demand
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.engine import Engine
from collector.evaluate.policy import AnyPolicy, Meta, Options, Policy, Terms, opted
from collector.evaluate.scrub import Scrubber
from collector.pipeline import Pipeline
from collector.testing import START
from collector.views import Batch, Mark, Note, NoteKind, Trace
from collector.violation import Signal, Violation

_KEY = b"fingerprint key of the tests"

#: Seconds for which time goes on after the last request.
AFTERWARDS = 45


class Census(Policy[Options]):
    """Finds nothing, and counts what is shown to policies.

    It asks for every mark and note, with the bounds that other policies ask for.
    """

    meta = Meta(signals=(Signal.TRACES,), severities=(), since="0.1.0")

    def __init__(self) -> None:
        super().__init__(Terms("census", "census"), Options())
        self.marked = 0
        self.marks: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()

    def demand(self) -> Demand:
        """Everything that is told of traces."""
        return Demand(marks=reduce(or_, Mark), notes=frozenset(NoteKind))

    def on_trace(self, trace: Trace, now: float) -> Iterable[Violation]:
        """Count its marks."""
        self.marked += 1
        self.marks.update(mark.name or "" for mark in Mark if mark in trace.marks)
        return ()

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Count its kind."""
        self.notes[note.kind.value] += 1
        return ()


@dataclass
class Outcome:
    """What came of a load.

    Attributes:
        violations: all of them.
        census: what was shown to policies.
        spans: that were decoded, repeated ones among them.
        shares: of traces that were kept, wherever it was less than all.
        counters: of the decoder.
        errors: failures of policies.
        readings: gauges at the end, before what was open was judged.
    """

    census: Census
    violations: list[Violation] = field(default_factory=list)
    spans: int = 0
    shares: list[float] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    readings: list[Any] = field(default_factory=list)

    def batch(self, batch: Batch, now: float) -> None:
        """See `collector.pipeline.Sink`."""
        if batch.signal is Signal.TRACES:
            self.spans += batch.items
        if batch.trace_share < 1:
            self.shares.append(batch.trace_share)

    def by_policy(self) -> Counter[tuple[str, str, str, str]]:
        """Violations by policy, severity, service and subject."""
        return Counter(
            (one.policy, one.severity.label, one.service.name, one.subject)
            for one in self.violations
        )


class _Sink:
    def __init__(self, outcome: Outcome) -> None:
        self.batch = outcome.batch
        self._found = outcome.violations

    def violations(self, found: list[Violation], now: float) -> None:
        self._found += found


def shipped() -> list[AnyPolicy]:
    """The policies of the shipped packs, fresh."""
    return policyfile.load(policyfile.paths_of(shipped=True, paths=())).fresh()


def inspect(
    requests: Iterable[Request],
    policies: Sequence[AnyPolicy],
    *,
    make: Callable[..., Any] = best.decoder,
    limits: Limits | None = None,
) -> Outcome:
    """Let requests arrive, and time pass once a second.

    Args:
        requests: in order of arrival.
        policies: that inspect them; a census is added.
        make: the decoder, of a demand and limits.
        limits: of the decoder.
    """
    outcome = Outcome(Census())
    detectors = Detectors(_KEY, opted=opted(policies))
    engine = Engine([*policies, outcome.census], detectors=detectors, scrubber=Scrubber(detectors))
    decoder = make(engine.demand, limits or Limits())
    clock = START
    pipeline = Pipeline(decoder, engine, _Sink(outcome), lambda: clock, _failed)
    for request in requests:
        while clock // 1 < (START + request.at) // 1:
            clock = clock // 1 + 1
            pipeline.tick()
        clock = START + request.at
        pipeline.inspect(request.signal, request.body, Encoding.PROTOBUF)
    for _ in range(AFTERWARDS):
        clock = clock // 1 + 1
        pipeline.tick()
    outcome.readings = pipeline.readings()
    pipeline.drain()
    outcome.counters, outcome.errors = pipeline.counters(), dict(engine.failures.counts)
    return outcome


def _failed(name: str) -> None:
    raise AssertionError(f"the decoder failed with {name}")
