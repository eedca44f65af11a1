"""Metrics of which the labels take too many values, or keep taking new ones.

Why:
    Every distinct set of label values is a time series of its own, kept in memory by the
    SDK, the Collector and Prometheus. One label that holds ids multiplies them without end:
    first dashboards slow down, then the backend drops series or runs out of memory, and
    the bill follows. An SDK that reaches its own limit folds further series into one with
    `otel.metric.overflow=true`, and the metric is wrong from then on.

Bad:
    telemetry:
      - service: shop
        repeat: 600
        metrics:
          - {name: orders, labels: {customer: "c{i}", method: GET}}

Good:
    telemetry:
      - service: shop
        repeat: 600
        metrics:
          - {name: orders, labels: {tier: gold, method: GET}}

Mend:
    Remove the label with an SDK view or where the instrument is recorded, or replace its
    value by one of a few classes (a route template for a path, a size class for a size).
    What must be looked up by id belongs on spans and logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import msgspec
from pydantic import Field

from collector.demand import Demand, any_of
from collector.evaluate.policy import Meta, Options, Policy, Reading, Terms
from collector.evaluate.sketch import STANDARD_ERROR, stable_hash
from collector.evaluate.windows import PackedSliding, SlidingDistinct
from collector.generations import Generations
from collector.views import Series
from collector.violation import Service, Severity, Signal, Violation

_SAMPLES = 3
_LONGEST_SAMPLE = 32
_SHOWN = 100


class CardinalityOptions(Options):
    """Bounds on the values of labels."""

    max_series: int = Field(
        default=2000,
        ge=1,
        description="label sets of one metric of one process; the SDK's own limit is 2000",
    )
    warn_values: int = Field(
        default=500, ge=1, description="values of one label within the window: warning"
    )
    critical_values: int = Field(
        default=10_000,
        ge=1,
        description="values of one label within the window: critical "
        "(Instrumentation Score MET-001)",
    )
    window_seconds: float = Field(default=3600, gt=0, description="the sliding window")
    growth_values: int = Field(
        default=100,
        ge=1,
        description="new values of one label within `growth_seconds`: warning "
        "(default of the Collector's cardinality guardian)",
    )
    growth_seconds: float = Field(
        default=300, gt=0, description="length of a step of the window; growth is judged in each"
    )
    exclude_labels: tuple[str, ...] = Field(
        default=(), description="shell-style patterns of labels that are not judged"
    )
    max_tracked: int = Field(
        default=5000,
        ge=1,
        description="labels tracked at most, and as many metrics; at worst 80 KB each",
    )


# Of so many labels a look judges those that took new values, and those that may have lost some when
# a step has ended, in a few dozen looks (ours): no request waits for all. An estimate costs as much
# as many exact counts.
_DIRTY_AT_ONCE = 2_048
_DUE_AT_ONCE = 256
_DUE_PARTS = 64
_ESTIMATED_COST = 16


class _Key(NamedTuple):
    """A label of a metric of a service; the label is empty for the whole stream."""

    service: Service
    metric: str
    label: str
    stream: tuple[int, str] = (0, "")


#: Service, metric, label, since when the service is watched, samples, and the sketch.
_Saved: TypeAlias = tuple[str, str, str, str, str, float, list[str], PackedSliding]
_SAVED_OVERHEAD = 512


@dataclass(slots=True)
class _Tracked:
    distinct: SlidingDistinct
    samples: list[str] = field(default_factory=list)
    trace_id: str = ""
    count: int = 0
    reported: tuple[int, Severity] | None = None


def _cost(tracked: _Tracked) -> int:
    return 1 if tracked.distinct.is_exact else _ESTIMATED_COST


class _Judgement(NamedTuple):
    severity: Severity
    reason: str
    bound: int


class Kind(Policy[CardinalityOptions]):
    """Counts distinct label values in a sliding window, exactly while few."""

    options_type = CardinalityOptions
    meta = Meta(
        signals=(Signal.METRICS,),
        severities=(Severity.WARNING, Severity.CRITICAL),
        since="0.1.0",
        selectors=frozenset({"metrics"}),
    )

    def __init__(self, terms: Terms, options: CardinalityOptions) -> None:
        super().__init__(terms, options)
        self._step = min(options.growth_seconds, options.window_seconds)
        self._steps = max(1, round(options.window_seconds / self._step))
        self._excluded = any_of(options.exclude_labels)
        self._tracked: dict[_Key, _Tracked] = {}
        self._dirty: dict[_Key, None] = {}
        self._due: dict[_Key, None] = {}
        self._due_at_once = _DUE_AT_ONCE
        self._watched_since: Generations[Service, float] = Generations(options.max_tracked)
        self._overflowed: dict[_Key, int] = {}
        self._index = -1
        self._refused = 0

    def demand(self) -> Demand:
        """New series, and living ones once per step."""
        return Demand(series=True)

    def overflow(self) -> int:
        """Labels and metrics that were not tracked, because the bound was met."""
        return self._refused

    def on_series(self, series: Series, now: float) -> Iterable[Violation]:
        """Count the values of every label, and the label set as a whole."""
        if not self.match.metric(series.metric):
            return ()
        service = series.resource.service
        if self._watched_since.get(service) is None:
            self._watched_since[service] = now
        if series.overflow:
            return self._overflow(series, now)
        whole = "\x1f".join(f"{label}\x1e{value}" for label, value in series.labels)
        stream = (series.resource.identity, series.scope)
        self._see(_Key(service, series.metric, "", stream), whole, series, now)
        for label, value in series.labels:
            if self._excluded is None or not self._excluded.match(label):
                self._see(_Key(service, series.metric, label), value, series, now)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge labels that took new values, and after the end of a step bit by bit the others."""
        del watermark
        index = int(now // self._step)
        if index != self._index:
            self._index = index
            # What is still due comes first: a step may be shorter than all the looks that it takes.
            still_due = (key for key in self._due if key in self._tracked)
            self._due = dict.fromkeys((*still_due, *self._tracked))
            whole = sum(map(_cost, self._tracked.values()))
            self._due_at_once = max(_DUE_AT_ONCE, whole // _DUE_PARTS)
            self._overflowed = {k: i for k, i in self._overflowed.items() if i >= index - 1}
        taken = set(self._taken(self._dirty, _DIRTY_AT_ONCE, final=final))
        taken.update(self._taken(self._due, self._due_at_once, final=final))
        for key in sorted(taken):
            tracked = self._tracked[key]
            tracked.distinct.roll(now)
            tracked.count = tracked.distinct.count()
            if tracked.count == 0:
                del self._tracked[key]
            else:
                yield from self._judge(key, tracked)

    def _taken(self, queue: dict[_Key, None], most: int, *, final: bool) -> list[_Key]:
        """The first in a queue, so many that whoever waits for the judgement waits little."""
        taken = []
        for key in queue:
            if most <= 0 and not final:
                break
            taken.append(key)
            tracked = self._tracked.get(key)
            most -= 0 if tracked is None else _cost(tracked)
        for key in taken:
            del queue[key]
        return [key for key in taken if key in self._tracked]

    def readings(self) -> Iterable[Reading]:
        """The labels with the most values, and the limits that they are held to."""
        for severity, limit in (
            (Severity.WARNING, self.options.warn_values),
            (Severity.CRITICAL, self.options.critical_values),
        ):
            if severity in self.grades:
                grade = ("severity", severity.label)
                yield Reading("metric_label_values_limit", None, (grade,), limit)
        labels = [(one.count, key) for key, one in self._tracked.items() if key.label]
        for count, key in sorted(labels, reverse=True)[:_SHOWN]:
            named = (("metric", key.metric), ("label", key.label))
            yield Reading("metric_label_values", key.service, named, count)

    def saved(self, most: int) -> list[_Saved]:
        """The labels with the most values; label sets belong to processes that may be gone."""
        labels = [(one.count, key) for key, one in self._tracked.items() if key.label]
        found: list[_Saved] = []
        for _, key in sorted(labels, reverse=True):
            tracked = self._tracked[key]
            packed = tracked.distinct.pack()
            most -= sum(len(sketch) for _, sketch in packed[2]) + _SAVED_OVERHEAD
            if most < 0:
                break
            since = self._watched_since.get(key.service) or 0.0
            found.append((*key.service, key.metric, key.label, since, tracked.samples, packed))
        return found

    def restore(self, state: object, now: float) -> None:
        """Count on from where another process was."""
        restored: list[tuple[_Key, _Tracked, float]] = []
        for *service, metric, label, since, samples, packed in msgspec.convert(state, list[_Saved]):
            key = _Key(Service(*service), metric, label)
            distinct = SlidingDistinct(self._step * self._steps, self._steps)
            distinct.unpack(packed)
            distinct.roll(now)
            if count := distinct.count():
                restored.append((key, _Tracked(distinct, list(samples), count=count), since))
        for key, tracked, since in restored[: 2 * self.options.max_tracked]:  # as a whole or not
            self._tracked[key] = tracked
            self._watched_since[key.service] = since

    def _see(self, key: _Key, value: str, series: Series, now: float) -> None:
        tracked = self._tracked.get(key)
        if tracked is None:
            if len(self._tracked) >= 2 * self.options.max_tracked:
                self._refused += 1
                return
            distinct = SlidingDistinct(self._step * self._steps, self._steps)
            tracked = self._tracked[key] = _Tracked(distinct)
        if tracked.distinct.add(stable_hash(value), now):
            self._dirty[key] = None
            if key.label and len(tracked.samples) < _SAMPLES:
                sample = pattern(value)
                if sample not in tracked.samples:
                    tracked.samples.append(sample)
        tracked.trace_id = series.trace_id or tracked.trace_id

    def _overflow(self, series: Series, now: float) -> Iterator[Violation]:
        key = _Key(series.resource.service, series.metric, "")
        index = int(now // self._step)
        if self._overflowed.get(key) == index or len(self._overflowed) >= self.options.max_tracked:
            return
        self._overflowed[key] = index
        worst = self._worst(key)
        yield self.violation(
            severity=Severity.CRITICAL,
            signal=Signal.METRICS,
            service=key.service,
            subject=key.metric,
            summary=f"{key.metric} carries otel.metric.overflow: label sets beyond a limit were "
            f"already folded into one series{f'; worst label {worst}' if worst else ''}",
            trace_id=series.trace_id,
            evidence={"metric": key.metric, "worst_label": worst},
        )

    def _worst(self, key: _Key) -> str:
        counts = [
            (one.count, other.label)
            for other, one in self._tracked.items()
            if other.label and other.service == key.service and other.metric == key.metric
        ]
        return max(counts)[1] if counts else ""

    def _judge(self, key: _Key, tracked: _Tracked) -> Iterator[Violation]:
        judgement = self._grade(key, tracked)
        if judgement is None:
            return
        before = tracked.reported
        if before and before[0] == self._index and before[1] >= judgement.severity:
            return
        tracked.reported = (self._index, judgement.severity)
        yield self._report(key, tracked, judgement)

    def _grade(self, key: _Key, tracked: _Tracked) -> _Judgement | None:
        options = self.options
        if not key.label:
            reason = "label sets from one process"
            over = tracked.count > options.max_series
            return _Judgement(Severity.WARNING, reason, options.max_series) if over else None
        for severity, bound in (
            (Severity.CRITICAL, options.critical_values),
            (Severity.WARNING, options.warn_values),
        ):
            if tracked.count > bound:
                return _Judgement(severity, "values", bound)
        since = self._watched_since.get(key.service)
        watched = float("inf") if since is None else since + self._step
        if tracked.distinct.fresh > options.growth_values and self._index * self._step >= watched:
            reason = f"new values in {self._step:g} s"
            return _Judgement(Severity.WARNING, reason, options.growth_values)
        return None

    def _report(self, key: _Key, tracked: _Tracked, judgement: _Judgement) -> Violation:
        growing = judgement.reason.startswith("new")
        count = tracked.distinct.fresh if growing else tracked.count
        exact = tracked.distinct.is_exact
        about = "" if exact else "about "
        what = f"{key.metric}{{{key.label}}}" if key.label else key.metric
        worst = "" if key.label else self._worst(key)
        evidence: dict[str, str | int | float | tuple[str, ...]] = {
            "metric": key.metric,
            "count": count,
            "bound": judgement.bound,
            "relative_error": 0.0 if exact else round(STANDARD_ERROR, 4),
        }
        if key.label:
            evidence |= {"label": key.label, "values_look_like": tuple(tracked.samples)}
        elif worst:
            evidence["worst_label"] = worst
        return self.violation(
            severity=judgement.severity,
            signal=Signal.METRICS,
            service=key.service,
            subject=what,
            summary=f"{what} has {about}{count} {judgement.reason}, more than {judgement.bound}"
            + (f"; worst label {worst}" if worst else ""),
            trace_id=tracked.trace_id,
            evidence=evidence,
        )


def pattern(value: str) -> str:
    """What a value looks like, without the value: digits read 0, letters a.

    Args:
        value: of a label.
    """
    look = "".join("0" if c.isdigit() else "a" if c.isalpha() else c for c in value)
    return look if len(look) <= _LONGEST_SAMPLE else f"{look[:_LONGEST_SAMPLE]}…"
