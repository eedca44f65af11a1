"""Runs the policies over a batch, and keeps the failure of one from costing anything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar

from collector.demand import Demand, union
from collector.evaluate.failures import SCRUBBER, Failures
from collector.evaluate.outgoing import scrubbed_reading, scrubbed_violation
from collector.evaluate.policy import AnyPolicy, Reading
from collector.evaluate.sampling import Sampling
from collector.evaluate.valueviews import Detects, ValueViews
from collector.views import Batch, Mark, Note, Row, Series, Shape, ShapeCount, Value
from collector.violation import Signal, Violation

T = TypeVar("T")

#: Every so many batches the timer runs, and what it shows counts so many times.
TIMED_EVERY = 16

#: Shapes of which it is remembered who wants to see them.
REMEMBERED_SHAPES = 4_096


class Scrubs(Protocol):
    """Makes a text safe to show."""

    def text(self, text: str, also: str = "") -> str:
        """The text without secrets, and without what one opt-in detector finds."""


class Excuses(Protocol):
    """Knows which violations are excused."""

    def match(self, violation: Violation, now: float) -> object | None:
        """What excuses a violation; None when nothing does."""


@dataclass(slots=True)
class Verdict:
    """What came of a batch.

    Attributes:
        violations: scrubbed, exemptions applied.
        bad: values of which the decoder must hand over every occurrence.
        watched: ids of traces that the decoder must show when they have finished.
    """

    violations: list[Violation] = field(default_factory=list)
    bad: list[Value] = field(default_factory=list)
    watched: list[bytes] = field(default_factory=list)


class Engine:
    """All loaded policies.

    Not safe for threads: its caller takes the same lock as for the decoder.

    Args:
        policies: with distinct ids.
        detectors: judges values, where a policy wants that.
        scrubber: every text that leaves passes it.
        exemptions: violations that were excused.
        timer: seconds of a clock that runs while policies do; no timing without it.
        before: the engine whose place this one takes, whose counts go on.
        failed: told once of each place at which a policy raised: its id, the name of the
            exception's type and the place in the code. Never the message, which may hold
            telemetry.
    """

    def __init__(
        self,
        policies: Sequence[AnyPolicy],
        *,
        detectors: Detects,
        scrubber: Scrubs,
        exemptions: Excuses | None = None,
        timer: Callable[[], float] | None = None,
        failed: Callable[[str, str, str], None] | None = None,
        before: Engine | None = None,
    ) -> None:
        self.policies = tuple(policies)
        demands = [policy.demand() for policy in self.policies]
        self._pairs = tuple(zip(self.policies, demands, strict=True))
        self._of_spans = frozenset(p.terms.id for p, own in self._pairs if _counts_spans(own))
        self._sampling = Sampling()
        if self._of_spans:
            demands.append(Sampling.demand)
        self.demand: Demand = union(demands)
        self._rows = {
            index: [policy for policy, own in self._pairs if wanted in own.rows]
            for index, wanted in enumerate(self.demand.rows)
        }
        self._of_rows = [policy for policy, own in self._pairs if own.rows]
        self._of_series = [policy for policy, own in self._pairs if own.series]
        self._of_traces = [(policy, int(own.marks)) for policy, own in self._pairs if own.traces]
        self._of_notes = [(policy, own.notes) for policy, own in self._pairs if own.notes]
        self._watching = [policy for policy, own in self._pairs if own.marks & Mark.WATCHED]
        self.failures: Failures = Failures(failed, before.failures if before else None)
        self._values = ValueViews(
            [policy for policy, own in self._pairs if own.places], detectors, self.failures
        )
        self._scrubber = scrubber
        self._exemptions = exemptions
        self._timer = timer
        self._timed: Callable[[], float] | None = None
        self._interested = lru_cache(maxsize=REMEMBERED_SHAPES)(self._ask)
        self._batches = 0
        self.exempted: Counter[str] = before.exempted if before else Counter()
        self.seconds: dict[str, float] = before.seconds if before else {}
        for policy in self.policies:
            self.seconds.setdefault(policy.terms.id, 0.0)

    def evaluate(self, batch: Batch, now: float) -> Verdict:
        """Judge what a decoder handed over.

        Args:
            batch: the views.
            now: arrival time in seconds since 1970.
        """
        verdict = Verdict()
        self._batches += 1
        self._timed = self._timer if self._batches % TIMED_EVERY == 0 else None
        found: list[Violation] = []
        if batch.shapes:
            for policy, shapes in self._shapes(batch.shapes).items():
                found += self._each(policy, policy.on_shape, shapes, now)
        if batch.series:
            found += self._series(batch.series, now)
        if batch.rows:
            for policy in self._of_rows:
                found += self._each(policy, policy.on_row, self._rows_for(policy, batch.rows), now)
        found += self._traces(batch, now)
        if batch.values:
            found += self._judged(batch.values, verdict, now)
        verdict.watched = self._watched() if self._watching else []
        verdict.violations = self._outgoing(found, now) if found else found
        return verdict

    def close(self, now: float, watermark: float, *, final: bool = False) -> list[Violation]:
        """Let every policy judge the windows that have ended.

        Args:
            now: arrival time in seconds since 1970.
            watermark: no trace that arrived before it is still open.
            final: nothing more will come.
        """
        found: list[Violation] = []
        for policy in self.policies:
            try:
                found += policy.close(now, watermark, final=final)
            except Exception as error:  # noqa: BLE001 (an auditor never costs its user telemetry)
                self.failures.note(policy.terms.id, error)
        return self._outgoing(found, now)

    def saved(self, policy: AnyPolicy, most: int) -> object | None:
        """What a policy would miss after a restart.

        Args:
            policy: one of `policies`.
            most: bytes that it should not exceed.
        """
        try:
            return policy.saved(most)
        except Exception as error:  # noqa: BLE001 (see close)
            self.failures.note(policy.terms.id, error)
            return None

    def readings(self) -> list[tuple[str, Reading]]:
        """The gauges of all policies, each with the policy's id, scrubbed."""
        found: list[tuple[str, Reading]] = []
        for policy in self.policies:
            try:
                found += [
                    (policy.terms.id, scrubbed_reading(one, self._scrub))
                    for one in policy.readings()
                ]
            except Exception as error:  # noqa: BLE001 (see close)
                self.failures.note(policy.terms.id, error)
        return found

    def overflows(self) -> dict[str, int]:
        """How often each policy met a bound of its own, by policy id."""
        return {policy.terms.id: policy.overflow() for policy in self.policies}

    def _shapes(self, counts: Sequence[ShapeCount]) -> dict[AnyPolicy, list[ShapeCount]]:
        """The shapes that each policy wants to see."""
        wanted: dict[AnyPolicy, list[ShapeCount]] = {}
        for count in counts:
            for policy in self._interested(count.shape):
                wanted.setdefault(policy, []).append(count)
        return wanted

    def _ask(self, shape: Shape) -> tuple[AnyPolicy, ...]:
        """The policies that want to see a shape: what does not concern a policy costs nothing."""
        found = []
        for policy, demand in self._pairs:
            serves = policy.match.service
            if shape.signal not in demand.shapes or not serves(shape.resource.service):
                continue
            try:
                wanted = policy.interest(shape)
            except Exception as error:  # noqa: BLE001 (see close)
                self.failures.note(policy.terms.id, error)
                wanted = True  # so that it is asked again, item by item
            if wanted:
                found.append(policy)
        self._sampling.see_shape(shape)
        return tuple(found)

    def _series(self, series: Sequence[Series], now: float) -> list[Violation]:
        found: list[Violation] = []
        for policy in self._of_series:
            serves = policy.match.service
            mine = [one for one in series if serves(one.resource.service)]
            found += self._each(policy, policy.on_series, mine, now)
        return found

    def _traces(self, batch: Batch, now: float) -> list[Violation]:
        """What became of the traces that finished, then their single spans."""
        found: list[Violation] = []
        if batch.traces or batch.tallies or batch.orphans or batch.arrived_parents:
            found += self._finished(batch, now)
        if batch.notes:
            found += self._notes(batch.notes, now)
        return found

    def _finished(self, batch: Batch, now: float) -> list[Violation]:
        found: list[Violation] = []
        # Plain numbers: a set of flags asks its class at every look.
        traces = [(trace, int(trace.marks)) for trace in batch.traces]
        for policy, wanted in self._of_traces:
            for hook, counts in (
                (policy.on_arrived_parents, batch.arrived_parents),
                (policy.on_tallies, batch.tallies),
                (policy.on_orphans, batch.orphans),
            ):
                if counts:
                    self._each(policy, partial(_nothing, hook), (counts,), now)
            marked = [trace for trace, marks in traces if marks & wanted]
            found += self._each(policy, policy.on_trace, marked, now)
        return found

    def _watched(self) -> list[bytes]:
        found: list[bytes] = []
        for policy in self._watching:
            try:
                found += policy.watched()
            except Exception as error:  # noqa: BLE001 (see close)
                self.failures.note(policy.terms.id, error)
        return found

    def _notes(self, notes: Sequence[Note], now: float) -> list[Violation]:
        found: list[Violation] = []
        for policy, kinds in self._of_notes:
            serves = policy.match.service
            mine = [one for one in notes if one.kind in kinds and serves(one.span.resource.service)]
            found += self._each(policy, policy.on_note, mine, now)
        return found

    def _judged(self, values: Sequence[Value], verdict: Verdict, now: float) -> list[Violation]:
        """Judge values, and note which of them are bad."""
        shown = self._values.shown(values, now)
        for value in shown.of_sampling:
            self._sampling.see_value(value)
        found: list[Violation] = []
        for policy, judged in shown.to_policies:
            found += self._each(policy, policy.on_value, judged, now)
        verdict.bad = self._values.bad(shown)
        return found

    def _rows_for(self, policy: AnyPolicy, rows: Sequence[Row]) -> list[Row]:
        return [
            row
            for row in rows
            if policy.match.service(row.resource.service)
            and any(policy in self._rows[index] for index in row.matched)
        ]

    def _each(
        self,
        policy: AnyPolicy,
        hook: Callable[[T, float], Iterable[Violation]],
        handed: Sequence[T],
        now: float,
    ) -> list[Violation]:
        found: list[Violation] = []
        timed = self._timed
        before = timed() if timed else 0.0
        for one in handed:
            try:
                found.extend(hook(one, now))
            except Exception as error:  # noqa: BLE001 (see close)
                self.failures.note(policy.terms.id, error)
        if timed:
            self.seconds[policy.terms.id] += (timed() - before) * TIMED_EVERY
        return found

    def _outgoing(self, violations: list[Violation], now: float) -> list[Violation]:
        told = self._sampling.told
        full = [told(one) if one.policy in self._of_spans else one for one in violations]
        clean = [scrubbed_violation(violation, self._scrub) for violation in full]
        if self._exemptions is None:
            return clean
        kept = []
        for one in clean:
            if self._exemptions.match(one, now) is None:
                kept.append(one)
            else:
                self.exempted[one.policy] += one.count
        return kept

    def _scrub(self, text: str, also: str = "") -> str:
        try:
            return self._scrubber.text(text, also)
        except Exception as error:  # noqa: BLE001 (what cannot be cleaned is not shown)
            self.failures.note(SCRUBBER, error)
            return "[not shown]"


def _counts_spans(demand: Demand) -> bool:
    """Whether what a policy reports hangs on how many spans arrive."""
    return demand.traces or any(row.signal is Signal.TRACES for row in demand.rows)


def _nothing(hook: Callable[[Any, float], None], handed: object, now: float) -> tuple[()]:
    """Call a hook that reports nothing by itself."""
    hook(handed, now)
    return ()
