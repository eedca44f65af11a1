"""The numbers behind the metrics: counted here, or asked for when somebody looks.

Prometheus and OTLP show the same snapshot, family by family, as `collector.telemetry` lists
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

from collector import telemetry
from collector.evaluate.policy import AnyPolicy
from collector.telemetry import Metric
from collector.views import Batch
from collector.violation import Violation

Labels: TypeAlias = tuple[str, ...]
Samples: TypeAlias = Mapping[Any, float]


class Exemplar(NamedTuple):
    """A trace behind a sample."""

    trace_id: str
    value: float
    time: float


class Family(NamedTuple):
    """A metric with its samples."""

    metric: Metric
    samples: Samples
    exemplars: Mapping[Labels, Exemplar] = {}


class Bounded:
    """Maps the values of a label to themselves, and those beyond the bound to ``_other``.

    Args:
        bound: distinct values let through.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._known: set[str] = set()
        self.folded = 0

    def __call__(self, value: str) -> str:
        """The value to show."""
        if value in self._known:
            return value
        if len(self._known) >= self._bound:
            self.folded += 1
            return telemetry.OTHER
        self._known.add(value)
        return value


class MetricStore:
    """Counts from any number of threads.

    Args:
        policies: each gets its counters at 0, with an empty service name, before its first
            violation: a counter that is born at 5 shows no increase.
        max_services: distinct service names shown; further ones are ``_other``.
    """

    def __init__(self, policies: Iterable[AnyPolicy], max_services: int = 200) -> None:
        self._lock = Lock()
        self._service = Bounded(max_services)
        self._violations: Counter[Labels] = Counter(dict.fromkeys(_born(policies), 0))
        self._exemplars: dict[Labels, Exemplar] = {}
        self._own: Counter[Labels] = Counter()
        self._oddities: Counter[Labels] = Counter()
        self._last_received: dict[Labels, float] = {}
        self._share = 1.0
        self._sources: list[Callable[[], Iterable[Family]]] = []

    def add(self, policies: Iterable[AnyPolicy]) -> None:
        """Show the counters of further policies, at 0 until their first violation."""
        with self._lock:
            for labels in _born(policies):
                self._violations.setdefault(labels, 0)

    def ask(self, source: Callable[[], Iterable[Family]]) -> None:
        """Name a source of families to be asked at each snapshot."""
        self._sources.append(source)

    def violations(self, found: Iterable[Violation], now: float) -> None:
        """Count violations, and keep the last trace of each sample."""
        with self._lock:
            for one in found:
                labels = (
                    one.policy,
                    one.kind,
                    one.severity.label,
                    str(one.signal),
                    self._service(one.service.name),
                )
                self._violations[labels] += one.count
                if one.trace_id:
                    self._exemplars[labels] = Exemplar(one.trace_id, one.count, now)

    def batch(self, batch: Batch, now: float) -> None:
        """Count what a batch says about itself."""
        with self._lock:
            self._share = batch.trace_share
            for name, count in batch.oddities.items():
                self._oddities[(name,)] += count
            if batch.signal is None:
                return
            if batch.own_items:
                self._own[(str(batch.signal),)] += batch.own_items
            if batch.items:
                self._last_received[(str(batch.signal),)] = now

    def service(self, name: str) -> str:
        """A service name as its label shows it."""
        with self._lock:
            return self._service(name)

    def families(self) -> list[Family]:
        """All metrics of one moment, in the order of the table."""
        asked = [family for source in self._sources for family in source()]
        with self._lock:
            own = [
                Family(telemetry.VIOLATIONS, dict(self._violations), dict(self._exemplars)),
                Family(telemetry.OWN_ITEMS, dict(self._own)),
                Family(telemetry.LAST_RECEIVED, dict(self._last_received)),
                Family(telemetry.ODDITIES, dict(self._oddities)),
                Family(telemetry.TRACE_SHARE, {(): self._share}),
                Family(telemetry.BOUNDS, {("service_names",): self._service.folded}),
            ]
        return _merged([*own, *asked])


def _born(policies: Iterable[AnyPolicy]) -> Iterable[Labels]:
    for policy in policies:
        for severity in policy.grades:
            for signal in policy.meta.signals:
                yield (policy.terms.id, policy.terms.kind, severity.label, str(signal), "")


def _merged(families: Iterable[Family]) -> list[Family]:
    """One family for each metric, in the order of the table."""
    found: dict[str, Family] = {}
    for family in families:
        before = found.get(family.metric.name)
        if before is not None:
            family = family._replace(samples={**before.samples, **family.samples})  # noqa: PLW2901
        found[family.metric.name] = family
    return [found[metric.name] for metric in telemetry.METRICS if metric.name in found]
