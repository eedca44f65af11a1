"""Requests in OTLP/JSON: of every signal, plain and strange."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from collector.decode.otlp_json import MAX_DEPTH
from collector.violation import Signal

SIGNALS = tuple(Signal)


def seeds() -> Iterator[bytes]:
    """Requests of every shape, plain and strange."""
    for number, body in enumerate(_bodies()):
        text = body if isinstance(body, str) else json.dumps(body)
        yield bytes([number % len(SIGNALS)]) + text.encode()
    for number in range(len(SIGNALS)):
        yield bytes([number]) + b"{}"


def _bodies() -> Iterator[Any]:
    """In the order of the signals, again and again."""
    attributes = [
        {"key": "service.name", "value": {"stringValue": "shop"}},
        {"key": "n", "value": {"intValue": "-5"}},
        {
            "key": "l",
            "value": {"arrayValue": {"values": [{"boolValue": True}, {}, {"bytesValue": "AP8="}]}},
        },
        {
            "key": "m",
            "value": {"kvlistValue": {"values": [{"key": "d", "value": {"doubleValue": 0.5}}]}},
        },
    ]
    resource = {"attributes": attributes, "droppedAttributesCount": 1, "unknown": {"deep": [1]}}
    span = {
        "traceId": "0123456789abcdef0123456789ABCDEF", "spanId": "0123456789abcdef",
        "parentSpanId": None, "name": "GET /é", "kind": "SPAN_KIND_SERVER", "flags": 768,
        "startTimeUnixNano": str(10**18), "endTimeUnixNano": 1e18, "attributes": attributes,
        "events": [{"name": "e", "timeUnixNano": 1}], "links": [{"traceId": "ab", "spanId": ""}],
        "status": {"code": 2, "message": "no"}, "traceState": "a=b",
    }  # fmt: skip
    record = {
        "timeUnixNano": "1", "severityNumber": 9, "severityText": "INFO", "traceId": "00",
        "body": {"stringValue": "text"}, "attributes": attributes, "flags": 1,
    }  # fmt: skip
    point = {
        "attributes": attributes,
        "asDouble": "NaN",
        "timeUnixNano": "1",
        "exemplars": [{"asInt": "1", "traceId": "ab"}],
    }
    buckets = {"count": "2", "sum": 1, "bucketCounts": ["1", 1], "explicitBounds": [0.1]}
    scaled = {"scale": -2, "positive": {"offset": -3, "bucketCounts": ["1"]}}
    quantiles = [{"quantile": 0.5, "value": "Infinity"}]
    total = {"dataPoints": [point], "isMonotonic": True, "aggregationTemporality": 2}
    metrics = [
        {"name": "g", "unit": "s", "gauge": {"dataPoints": [point, {"asInt": "7"}]}},
        {"name": "s", "sum": total},
        {"name": "h", "histogram": {"dataPoints": [buckets]}},
        {"name": "e", "exponentialHistogram": {"dataPoints": [scaled]}},
        {"name": "q", "summary": {"dataPoints": [{"quantileValues": quantiles}]}},
    ]
    deep: Any = {"stringValue": "x"}
    for _ in range(MAX_DEPTH // 2 - 3):
        deep = {"arrayValue": {"values": [deep]}}
    for items in (
        (span, record, metrics),
        ({"name": None}, {"body": deep}, [{"metadata": attributes}]),
    ):
        spans, records, found = items
        scope = {"name": "s", "version": "1", "attributes": attributes}
        yield {
            "resourceSpans": [
                {
                    "resource": resource,
                    "schemaUrl": "u",
                    "scopeSpans": [{"scope": scope, "spans": [spans]}],
                }
            ]
        }
        yield {
            "resourceLogs": [
                {"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [records]}]}
            ]
        }
        yield {
            "resourceMetrics": [
                {"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": found}]}
            ]
        }
    yield '{"resourceSpans":[{"resource":{},"resource":{"attributes":[]}}],"resourceSpans":[]}'
    yield (
        '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":'
        + '{"arrayValue":{"values":[' * 60
        + "{}"
        + "]}}" * 60
        + "}]}]}]}"
    )
    yield "[" * 3000
    odd = '{"name":"\\ud83d\\ude00\\u0000","startTimeUnixNano":1e30}'
    yield '{"resourceSpans":[{"scopeSpans":[{"spans":[' + odd + "]}]}]}"
