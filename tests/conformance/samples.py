"""OTLP requests to send: one item of each signal, in protobuf and in JSON."""

from __future__ import annotations

import json
import os
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SIGNALS = ("traces", "metrics", "logs")
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
RESPONSES = {
    "traces": ExportTraceServiceResponse,
    "metrics": ExportMetricsServiceResponse,
    "logs": ExportLogsServiceResponse,
}
REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}
REJECTED = {
    "traces": "rejected_spans",
    "metrics": "rejected_data_points",
    "logs": "rejected_log_records",
}
_FIELDS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
_START = 1_800_000_000_000_000_000
_SERVICE = {"key": "service.name", "value": {"stringValue": "conformance"}}


def span(**fields: Any) -> dict[str, Any]:
    """A span in OTLP's JSON mapping; a field given as None is left out."""
    whole = {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": "GET /orders",
        "kind": 2,
        "startTimeUnixNano": str(_START),
        "endTimeUnixNano": str(_START + 1_000_000),
    } | fields
    return {name: value for name, value in whole.items() if value is not None}


def item(signal: str) -> dict[str, Any]:
    """One item of a signal in the JSON mapping."""
    if signal == "traces":
        return span()
    if signal == "logs":
        return {"timeUnixNano": str(_START), "body": {"stringValue": "an order came"}}
    point = {"timeUnixNano": str(_START), "asInt": "1"}
    return {"name": "orders", "gauge": {"dataPoints": [point]}}


def document(signal: str, *items: dict[str, Any]) -> dict[str, Any]:
    """A request of a signal in the JSON mapping; with no items, one of its own making."""
    resources, scopes, field = _FIELDS[signal]
    held = {field: list(items) or [item(signal)]}
    return {resources: [{"resource": {"attributes": [_SERVICE]}, scopes: [held]}]}


def as_json(signal: str, *items: dict[str, Any]) -> bytes:
    """A request as a JSON body."""
    return json.dumps(document(signal, *items)).encode()


def as_protobuf(signal: str) -> bytes:
    """A request of one item as a protobuf body."""
    message = REQUESTS[signal]()
    if signal == "traces":
        one = message.resource_spans.add().scope_spans.add().spans.add()
        one.trace_id, one.span_id, one.name = os.urandom(16), os.urandom(8), "GET /orders"
        one.start_time_unix_nano, one.end_time_unix_nano = _START, _START + 1_000_000
    elif signal == "logs":
        record = message.resource_logs.add().scope_logs.add().log_records.add()
        record.body.string_value, record.time_unix_nano = "an order came", _START
    else:
        metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="orders")
        metric.gauge.data_points.add(as_int=1, time_unix_nano=_START)
    return message.SerializeToString()


def padded(signal: str, size: int) -> bytes:
    """A good request of exactly so many bytes: what is missing stands in an unknown field."""
    body = as_protobuf(signal)
    tag = b"\xba\x3e"  # field 999, length-delimited
    rest = size - len(body) - len(tag)
    for digits in range(1, 6):
        length = rest - digits
        low = [(length >> 7 * at & 0x7F) | 0x80 for at in range(digits - 1)]
        last = length >> 7 * (digits - 1)
        if 0 <= last < 0x80:
            return body + tag + bytes([*low, last]) + b"x" * length
    raise ValueError(size)


def nested(depth: int) -> dict[str, Any]:
    """An attribute value of arrays in arrays."""
    value: dict[str, Any] = {"stringValue": "deep"}
    for _ in range(depth):
        value = {"arrayValue": {"values": [value]}}
    return value


def nested_json(depth: int) -> bytes:
    """A traces request with such a value, written without recursion."""
    opened = '{"arrayValue":{"values":[' * depth
    value = opened + '{"stringValue":"deep"}' + "]}}" * depth
    attribute = '{"key":"k","value":' + value + "}"
    one = json.dumps(span(attributes=[])).replace(
        '"attributes": []', f'"attributes": [{attribute}]'
    )
    resources, scopes, field = _FIELDS["traces"]
    return f'{{"{resources}":[{{"{scopes}":[{{"{field}":[{one}]}}]}}]}}'.encode()


def _field(number: int, data: bytes) -> bytes:
    length, encoded = len(data), b""
    while length > 0x7F:
        encoded += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + encoded + bytes([length]) + data


def nested_protobuf(depth: int) -> bytes:
    """The same in protobuf."""
    value = _field(1, b"deep")
    for _ in range(depth):
        value = _field(5, _field(1, value))
    one = (
        _field(1, os.urandom(16))
        + _field(2, os.urandom(8))
        + _field(9, _field(1, b"k") + _field(2, value))
    )
    return _field(1, _field(2, _field(2, one)))
