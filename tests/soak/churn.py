"""Telemetry in which much is new each time: services, traces, attribute and label values."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from conformance.samples import REQUESTS

ITEMS = 200  # of a request
_OLD_SERVICES = 200  # that stay; those of the other requests come and go
_RELEASES = 5_000  # numbers of services that come and go, over and over
_SECRET = "".join(reversed("9x!kQ2r7Zt"))

#: Gives request after request.
Bodies = Iterator[bytes]


def _nanos() -> int:
    return time.time_ns()


def _resource(block: Any, service: str) -> None:
    block.resource.attributes.add(key="service.name").value.string_value = service


def _calls(block: Any, number: int) -> None:
    """A request that a service answers, with a query inside."""
    trace, server, now = os.urandom(16), os.urandom(8), _nanos()
    spans = block.scope_spans.add().spans
    inside = spans.add(trace_id=trace, span_id=os.urandom(8), parent_span_id=server, kind=3)
    inside.name, inside.start_time_unix_nano, inside.end_time_unix_nano = "SELECT", now - 9_000, now
    inside.attributes.add(key="db.system.name").value.string_value = "postgresql"
    inside.attributes.add(key="server.address").value.string_value = "db"
    outside = spans.add(trace_id=trace, span_id=server, kind=2, name="GET /orders/{id}")
    outside.start_time_unix_nano, outside.end_time_unix_nano = now - 10_000, now
    outside.attributes.add(key="http.route").value.string_value = "/orders/{id}"
    outside.attributes.add(key="url.path").value.string_value = f"/orders/{number}"


def new_services() -> Bodies:
    """Spans of services nearly all of which have never been seen."""
    while True:
        message = REQUESTS["traces"]()
        for _ in range(ITEMS):
            block, now = message.resource_spans.add(), _nanos()
            _resource(block, f"worker-{os.urandom(4).hex()}")
            span = block.scope_spans.add().spans.add(trace_id=os.urandom(16), kind=2)
            span.span_id, span.name = os.urandom(8), "GET /jobs"
            span.start_time_unix_nano, span.end_time_unix_nano = now - 10_000, now
        yield message.SerializeToString()


def new_traces() -> Bodies:
    """Spans of services that stay."""
    numbers = count()
    while True:
        message = REQUESTS["traces"]()
        for _ in range(ITEMS // 2):
            number = next(numbers)
            block = message.resource_spans.add()
            _resource(block, f"shop-{number % _OLD_SERVICES}")
            _calls(block, number)
        yield message.SerializeToString()


def new_labels() -> Bodies:
    """Points of a few metrics; the values of one label never come again."""
    numbers = count()
    while True:
        message = REQUESTS["metrics"]()
        block = message.resource_metrics.add()
        _resource(block, f"shop-{next(numbers) % _OLD_SERVICES}")
        metrics = block.scope_metrics.add().metrics
        for metric in ("jobs", "queue.size"):
            points = metrics.add(name=metric).gauge.data_points
            for _ in range(ITEMS // 2):
                point = points.add(as_int=1, time_unix_nano=_nanos())
                point.attributes.add(key="step").value.string_value = os.urandom(6).hex()
        yield message.SerializeToString()


def new_texts() -> Bodies:
    """Log records in JSON that belong to traces; in each request stands a secret."""
    for number in count():
        records = [
            {
                "timeUnixNano": str(_nanos()),
                "traceId": os.urandom(16).hex(),
                "spanId": os.urandom(8).hex(),
                "severityNumber": 9,
                "body": {"stringValue": f"order {os.urandom(5).hex()} came"},
            }
            for _ in range(ITEMS)
        ]
        attributes = [{"key": "db.password", "value": {"stringValue": f"{_SECRET}{number}"}}]
        records[0] |= {"attributes": attributes}
        service = {"key": "service.name", "value": {"stringValue": f"job-{number % _RELEASES}"}}
        block = {
            "resource": {"attributes": [service]},
            "scopeLogs": [{"logRecords": records}],
        }
        yield json.dumps({"resourceLogs": [block]}).encode()


Kind = Callable[[], Bodies]
