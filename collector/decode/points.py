"""Data points of metrics into the tables."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from math import isnan

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from collector.classify import SpanKind
from collector.decode import items
from collector.decode.anyvalue import MOST_KEYS, bounded, names_of, plain
from collector.decode.items import DataPoint
from collector.decode.tables import Tables
from collector.decode.values import Where
from collector.semconv import Attributes, AttributeValue
from collector.views import Flag, Resource, Series, Shape
from collector.violation import Signal

_OVERFLOW = "otel.metric.overflow"


class PointReader:
    """Reads data points, one at a time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def walk(self, block: ResourceMetrics, resource: Resource, now: float) -> Iterator[None]:
        """Read every data point of a resource, with a stop after each."""
        for scope in block.scope_metrics:
            self._tables.scope(scope.scope, Signal.METRICS, resource)
            for metric in scope.metrics:
                name = bounded(metric.name)
                where = Where(Signal.METRICS, resource, name, "")
                self._tables.texts(items.metric_texts(metric), where)
                for point in items.points(metric):
                    self._tables.items += 1
                    self._read(point, name, bounded(scope.scope.name), resource, now)
                    yield

    def _read(
        self, point: DataPoint, metric: str, scope: str, resource: Resource, now: float
    ) -> None:
        tables = self._tables
        where = Where(Signal.METRICS, resource, metric, items.exemplar_trace(point))
        tables.texts(items.point_texts(point), where)
        if Signal.METRICS in tables.demand.shapes:
            keys = frozenset(names_of(point.attributes))
            kind = SpanKind.UNSPECIFIED
            shape = Shape(Signal.METRICS, resource, kind, 0, 0, Flag(0), keys, metric)
            tables.shapes.see(shape, where.trace_id)
        if tables.demand.series:
            values = labels_of(point.attributes)
            typed = frozenset((key, _typed(value)) for key, value in values.items())
            if tables.shown.fresh(hash((resource.identity, scope, metric, typed)), now):
                tables.series.append(series_of(values, resource, scope, metric, where.trace_id))


def labels_of(pairs: Sequence[KeyValue]) -> Attributes:
    """The labels of a point, within bounds; the last of equal ones counts."""
    return {bounded(pair.key): plain(pair.value) for pair in pairs[:MOST_KEYS]}


def _typed(value: AttributeValue) -> Hashable:
    """A value that equals those of its type alone, in tuples too; NaN equals itself."""
    if isinstance(value, tuple):
        return tuple(_typed(item) for item in value)
    if isinstance(value, float) and isnan(value):
        return float, "nan"
    return type(value), value


def series_of(
    values: Attributes, resource: Resource, scope: str, metric: str, trace_id: str
) -> Series:
    """A series as policies see it."""
    labels = tuple(sorted((key, _label(value)) for key, value in values.items()))
    overflow = values.get(_OVERFLOW) in (True, "true")
    return Series(resource, scope, metric, labels, overflow, trace_id)


def _label(value: AttributeValue) -> str:
    """A label value as Prometheus shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
