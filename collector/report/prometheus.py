"""The metrics for Prometheus: its text format, or OpenMetrics with exemplars."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from collector.report.store import Family
from collector.telemetry import PREFIX, Type


class _Families(Collector):
    def __init__(self, families: Callable[[], Iterable[Family]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families():
            yield _MAKERS[family.metric.type](family)


def _counter(family: Family) -> Metric:
    metric = family.metric
    made = CounterMetricFamily(PREFIX + metric.name, metric.help, labels=metric.labels)
    for labels, value in family.samples.items():
        made.add_metric(labels, value)
        found = family.exemplars.get(labels)
        if found is not None:
            exemplar = Exemplar({"trace_id": found.trace_id}, found.value, found.time)
            made.samples[-1] = made.samples[-1]._replace(exemplar=exemplar)
    return made


def _gauge(family: Family) -> Metric:
    metric = family.metric
    made = GaugeMetricFamily(PREFIX + metric.name, metric.help, labels=metric.labels)
    for labels, value in family.samples.items():
        made.add_metric(labels, value)
    return made


def _info(family: Family) -> Metric:
    metric = family.metric
    made = InfoMetricFamily(PREFIX + metric.name, metric.help)
    for labels in family.samples:
        made.add_metric((), dict(zip(metric.labels, labels, strict=True)))
    return made


_MAKERS: dict[Type, Callable[[Family], Metric]] = {
    Type.COUNTER: _counter,
    Type.GAUGE: _gauge,
    Type.INFO: _info,
}


def exposition(families: Callable[[], Iterable[Family]]) -> Callable[[str], tuple[bytes, str]]:
    """What `/metrics` answers, by the Accept header.

    Args:
        families: the metrics of one moment.

    Returns:
        A function from the header to the body and its content type.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    ProcessCollector(registry=registry)

    def answer(accept: str) -> tuple[bytes, str]:
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    return answer
