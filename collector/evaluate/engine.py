"""Runs the policies over a batch, and keeps the failure of one from costing anything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar

from collector.demand import Demand, union
from collector.evaluate.outgoing import scrubbed_reading, scrubbed_violation
from collector.evaluate.picked import Picks
from collector.evaluate.policy import AnyPolicy, Hit, Judged, Pick, Reading
from collector.evaluate.sampling import Sampling
from collector.views import Batch, Mark, Note, Row, Series, Shape, ShapeCount, Value
from collector.violation import Signal, Violation

T = TypeVar("T")

#: Every so many batches the timer runs, and what it shows counts so many times.
TIMED_EVERY = 16

#: Shapes of which it is remembered who wants to see them.
REMEMBERED_SHAPES = 4_096

#: What failures of the parts around the policies are counted under.
DETECTORS = "detectors"
SCRUBBER = "scrubber"
PICKS = "picks"


# Which values a policy sees: those with hits, all, or those of the pick with this number.
_HITS, _ALL = -1, -2


class Detects(Protocol):
    """Finds secrets and personal data in values."""

    def found(self, values: Sequence[Value]) -> Mapping[int, tuple[Hit, ...]]:
        """What stands in values, by index, for those in which something does."""


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
        self._of_values = [policy for policy, own in self._pairs if own.places]
        picks = [None if policy.detects else policy.picks for policy in self._of_values]
        self._picks = Picks([*(pick for pick in picks if pick is not None), Sampling.pick])
        self._views = tuple(_views(self._of_values, picks))
        self._detectors = detectors if any(p.detects for p in self.policies) else None
        self._scrubber = scrubber
        self._exemptions = exemptions
        self._timer = timer
        self._timed: Callable[[], float] | None = None
        self._failed = failed
        self._known_failures: set[tuple[str, str]] = set()
        self._interested = lru_cache(maxsize=REMEMBERED_SHAPES)(self._ask)
        self._batches = 0
        self.errors: Counter[str] = before.errors if before else Counter()
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
            found += self._values(batch.values, verdict, now)
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
                self._note(policy, error)
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
            self._note(policy, error)
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
                self._note(policy, error)
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
                self._note(policy, error)
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
                self._note(policy, error)
        return found

    def _notes(self, notes: Sequence[Note], now: float) -> list[Violation]:
        found: list[Violation] = []
        for policy, kinds in self._of_notes:
            serves = policy.match.service
            mine = [one for one in notes if one.kind in kinds and serves(one.span.resource.service)]
            found += self._each(policy, policy.on_note, mine, now)
        return found

    def _values(self, values: Sequence[Value], verdict: Verdict, now: float) -> list[Violation]:
        """Judge values, and note which of them are bad.

        Most values never become objects: the detectors and the picks read them as packed.
        """
        hits = self._found(values)
        of_detectors = sorted(hits)
        picked = self._picked(values, now)
        for index in picked[-1]:
            self._sampling.see_value(values[index])
        judged: dict[int, Judged] = {}
        found: list[Violation] = []
        for policy, view in self._views:
            if view == _HITS:
                wanted: Sequence[int] = of_detectors
            else:
                wanted = range(len(values)) if view == _ALL else picked[view]
            if not wanted:
                continue
            for index in wanted:
                if index not in judged:
                    judged[index] = Judged(values[index], hits.get(index, ()))
            found += self._each(policy, policy.on_value, [judged[index] for index in wanted], now)
        verdict.bad = [
            judged[index].value
            for index in sorted(judged)
            if judged[index].value.new and self._suspected(judged[index])
        ]
        return found

    def _picked(self, values: Sequence[Value], now: float) -> Sequence[Sequence[int]]:
        """What policies picked by key and size, and last what tells of sampling."""
        try:
            return self._picks.of(values, now)
        except Exception as error:  # noqa: BLE001 (see close)
            self._note(PICKS, error)
            return ((),) * (len(self._views) + 1)

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
                self._note(policy, error)
        if timed:
            self.seconds[policy.terms.id] += (timed() - before) * TIMED_EVERY
        return found

    def _found(self, values: Sequence[Value]) -> Mapping[int, tuple[Hit, ...]]:
        if self._detectors is None:
            return {}
        try:
            return self._detectors.found(values)
        except Exception as error:  # noqa: BLE001 (see close)
            self._note(DETECTORS, error)
        hits = {index: self._found_alone(value) for index, value in enumerate(values)}
        return {index: found for index, found in hits.items() if found}

    def _found_alone(self, value: Value) -> tuple[Hit, ...]:
        """One value at a time, so that only the one that cannot be judged is lost."""
        try:
            return self._detectors.found([value]).get(0, ()) if self._detectors else ()
        except Exception as error:  # noqa: BLE001 (see close)
            self._note(DETECTORS, error)
            return ()

    def _suspected(self, judged: Judged) -> bool:
        for policy in self._of_values:
            try:
                if policy.suspects(judged):
                    return True
            except Exception as error:  # noqa: BLE001 (see close)
                self._note(policy, error)
        return False

    def _note(self, policy: AnyPolicy | str, error: Exception) -> None:
        name = policy if isinstance(policy, str) else policy.terms.id
        self.errors[name] += 1
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        code = where.tb_frame.f_code if where is not None else None
        place = f"{code.co_filename}:{where.tb_lineno}" if code and where else "unknown"
        if (name, place) not in self._known_failures and self._failed is not None:
            self._known_failures.add((name, place))
            self._failed(name, type(error).__name__, place)

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
            self._note(SCRUBBER, error)
            return "[not shown]"


def _views(
    policies: Iterable[AnyPolicy], picks: Iterable[Pick | None]
) -> Iterator[tuple[AnyPolicy, int]]:
    """Each policy with the values that it sees."""
    number = 0
    for policy, pick in zip(policies, picks, strict=True):
        if policy.detects or pick is None:
            yield policy, _HITS if policy.detects else _ALL
        else:
            yield policy, number
            number += 1


def _counts_spans(demand: Demand) -> bool:
    """Whether what a policy reports hangs on how many spans arrive."""
    return demand.traces or any(row.signal is Signal.TRACES for row in demand.rows)


def _nothing(hook: Callable[[Any, float], None], handed: object, now: float) -> tuple[()]:
    """Call a hook that reports nothing by itself."""
    hook(handed, now)
    return ()
