"""Faults of cardinality: everything that can be new is new."""

from __future__ import annotations

import os

from conformance.samples import REQUESTS
from faults.scene import Scene, Unbalanced
from faults.table import fault

_PER_REQUEST = 2_000


def _requests(scene: Scene, total: int, make: object) -> None:
    for start in range(0, scene.many(total, 20_000), _PER_REQUEST):
        signal, body = make(start)  # type: ignore[operator] # one of those below
        if scene.post(signal, body) != 200:
            raise Unbalanced("new names are refused")


@fault("a million services", grown_mib=420)  # it stays there: three million need no more
def _(scene: Scene) -> None:
    def make(start: int) -> tuple[str, bytes]:
        message = REQUESTS["traces"]()
        for number in range(start, start + _PER_REQUEST):
            block = message.resource_spans.add()
            name = block.resource.attributes.add(key="service.name")
            name.value.string_value = f"service-{number}"
            span = block.scope_spans.add().spans.add(trace_id=os.urandom(16), span_id=os.urandom(8))
            span.name = "GET /"
        return "traces", message.SerializeToString()

    _requests(scene, 1_000_000, make)


@fault("a million metrics", grown_mib=512)
def _(scene: Scene) -> None:
    def make(start: int) -> tuple[str, bytes]:
        message = REQUESTS["metrics"]()
        metrics = message.resource_metrics.add().scope_metrics.add().metrics
        for number in range(start, start + _PER_REQUEST):
            metrics.add(name=f"metric_{number}").gauge.data_points.add(as_int=1)
        return "metrics", message.SerializeToString()

    _requests(scene, 1_000_000, make)


@fault("a million values of one label", grown_mib=320)
def _(scene: Scene) -> None:
    def make(start: int) -> tuple[str, bytes]:
        message = REQUESTS["metrics"]()
        points = message.resource_metrics.add().scope_metrics.add().metrics.add(name="orders").gauge
        for number in range(start, start + _PER_REQUEST):
            point = points.data_points.add(as_int=1)
            point.attributes.add(key="order").value.string_value = f"o-{number}"
        return "metrics", message.SerializeToString()

    _requests(scene, 1_000_000, make)


@fault("a million attribute keys and values", grown_mib=384)
def _(scene: Scene) -> None:
    def make(start: int) -> tuple[str, bytes]:
        message = REQUESTS["logs"]()
        records = message.resource_logs.add().scope_logs.add().log_records
        for number in range(start, start + _PER_REQUEST):
            record = records.add()
            record.attributes.add(key=f"key.{number}").value.string_value = f"value {number}"
        return "logs", message.SerializeToString()

    _requests(scene, 1_000_000, make)


@fault("one trace without an end", grown_mib=320)
def _(scene: Scene) -> None:
    trace_id = os.urandom(16)

    def make(_: int) -> tuple[str, bytes]:
        message = REQUESTS["traces"]()
        spans = message.resource_spans.add().scope_spans.add().spans
        for _ in range(_PER_REQUEST):
            spans.add(trace_id=trace_id, span_id=os.urandom(8), parent_span_id=os.urandom(8))
        return "traces", message.SerializeToString()

    _requests(scene, 500_000, make)
