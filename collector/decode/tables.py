"""What a slice has gathered so far, shared by the readers of the three signals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

from collector.decode import items
from collector.decode.counting import Selections, SeriesTable, ShapeTable
from collector.decode.items import Text
from collector.decode.limits import Limits
from collector.decode.traces import TraceTable
from collector.decode.values import ValueTable, Where
from collector.demand import Demand
from collector.views import Batch, Place, Resource, Row, Series
from collector.violation import Signal


class Tables:
    """The tables of the views, and the batch that is being gathered.

    Args:
        demand: the union of what the policies need.
        limits: bounds.
        seed: keys the sampling of traces.
    """

    def __init__(self, demand: Demand, limits: Limits, seed: bytes) -> None:
        self.demand = demand
        self.shapes = ShapeTable()
        self.values = ValueTable(limits.remembered_values, limits.max_value_length)
        self.shown = SeriesTable(limits.series_refresh, limits.remembered_series)
        self.traces = TraceTable(
            demand,
            wait=limits.trace_wait,
            max_spans=limits.max_spans,
            max_spans_per_trace=limits.max_spans_per_trace,
            max_spans_shown=limits.max_spans_shown,
            max_producers=limits.max_producers,
            max_watched=limits.max_watched,
            seed=seed,
        )
        self.series: list[Series] = []
        self.rows: list[Row] = []
        self.arrived_parents: list[tuple[bytes, bytes]] = []
        self.oddities: Counter[str] = Counter()
        self.items = self.own = 0

    def selections(self, signal: Signal) -> Selections:
        """The row selections of a signal."""
        return Selections(
            (index, row) for index, row in enumerate(self.demand.rows) if row.signal is signal
        )

    def texts(self, texts: Iterable[Text], where: Where) -> None:
        """Note the strings that stand in demanded places."""
        places = self.demand.places
        if not places:
            return
        see = self.values.see
        for key, text, place in texts:
            if text and place in places:
                see(key, text, place, where)

    def scope(self, scope: InstrumentationScope, signal: Signal, resource: Resource) -> None:
        """Note the strings of an instrumentation scope."""
        where = Where(signal, resource, "", "")
        self.texts((("", scope.name, Place.SCOPE_ATTRIBUTE),), where)
        self.texts(items.attribute_texts(scope.attributes, Place.SCOPE_ATTRIBUTE), where)

    def take(self, signal: Signal, now: float) -> Batch:
        """Hand over what was gathered since the last call."""
        batch = Batch(
            signal=signal,
            items=self.items,
            own_items=self.own,
            shapes=self.shapes.take(),
            values=self.values.take(),
            series=self.series,
            rows=self.rows,
            arrived_parents=self.arrived_parents,
            watermark=self.traces.watermark(now),
            trace_share=self.traces.share,
            oddities=self.oddities,
        )
        self.items = self.own = 0
        self.series, self.rows, self.arrived_parents = [], [], []
        self.oddities = Counter()
        return batch
