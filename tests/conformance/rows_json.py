"""B: the JSON mapping of OTLP, where it differs from that of protobuf."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from conformance import samples
from conformance.rows import Level, Target, accepted, expect, refused, row
from conformance.samples import JSON, SIGNALS, as_json, document, item, span


def _taken(target: Target, *items: dict[str, Any], signal: str = "traces") -> None:
    accepted(signal, target.post(signal, as_json(signal, *items), JSON), JSON)


@row("B1", Level.MUST, "ids are hexadecimal, in either case, and reach what is behind unchanged")
def _(target: Target) -> None:
    low = os.urandom(16).hex()
    _taken(target, span(traceId=low), span(traceId=low.upper()))
    seen: Callable[[str, dict[str, Any]], bool] = target.fact("sees_trace")
    for write in (str.lower, str.upper):
        trace_id = os.urandom(16).hex()
        expect(seen(trace_id, span(traceId=write(trace_id))), "the trace id has changed")


@row("B2", Level.MUST, "ids are hexadecimal in links, parents, exemplars and log records too")
def _(target: Target) -> None:
    ids = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex()}
    _taken(target, span(parentSpanId=ids["spanId"], links=[ids]))
    point = {"asInt": "1", "exemplars": [ids | {"asInt": "1"}]}
    metric = {"name": "orders", "sum": {"isMonotonic": True, "dataPoints": [point]}}
    _taken(target, metric, signal="metrics")
    _taken(target, ids, signal="logs")


@row("B3", Level.HARDENING, "an id that is not hexadecimal is refused with 400")
def _(target: Target) -> None:
    for bad in ("z" * 32, "W47/95gDgQPSabYzgT/GDA=="):
        refused(target.post("traces", as_json("traces", span(traceId=bad)), JSON), 400)


@row("B4", Level.HARDENING, "an id of a wrong length is refused, or taken: no server error")
def _(target: Target) -> None:
    answer = target.post("traces", as_json("traces", span(traceId="abcd")), JSON)
    expect(answer.status in (200, 400), f"JSON: answered {answer.status}")
    message = samples.REQUESTS["traces"]()
    message.resource_spans.add().scope_spans.add().spans.add(trace_id=b"abc", span_id=b"ab")
    answer = target.post("traces", message.SerializeToString())
    expect(answer.status in (200, 400), f"protobuf: answered {answer.status}")


@row("B5", Level.MUST, "enums are numbers")
def _(target: Target) -> None:
    _taken(target, *(span(kind=number) for number in range(6)))


@row("B6", Level.MUST, "enum names are refused with 400, or taken: no server error")
def _(target: Target) -> None:
    answer = target.post("traces", as_json("traces", span(kind="SPAN_KIND_SERVER")), JSON)
    expect(answer.status in (200, 400), f"answered {answer.status}")


@row("B7", Level.HARDENING, "an enum number that nobody knows is taken")
def _(target: Target) -> None:
    _taken(target, span(kind=99))


@row("B8", Level.MUST, "64-bit integers are taken as decimal strings and as numbers")
def _(target: Target) -> None:
    for number in (1_800_000_000_000_000_000, "1800000000000000000"):
        attribute = {"key": "size", "value": {"intValue": number}}
        _taken(target, span(startTimeUnixNano=number, attributes=[attribute]))


@row("B10", Level.MUST, "unknown fields are ignored at every level")
def _(target: Target) -> None:
    for signal in SIGNALS:
        whole = document(signal, item(signal) | {"future": {"deep": [1, None]}})
        for level in _levels(whole):
            level["future"] = {"a": [1, "b", {"c": None}]}
        accepted(signal, target.post(signal, json.dumps(whole).encode(), JSON), JSON)


def _levels(value: Any) -> list[dict[str, Any]]:
    """Every object of a document that stands for a message."""
    if isinstance(value, list):
        return [found for one in value for found in _levels(one)]
    if not isinstance(value, dict):
        return []
    return [value, *(found for one in list(value.values()) for found in _levels(one))]


@row("B11", Level.MUST, "snake_case keys are unknown fields, or taken as the fields")
def _(target: Target) -> None:
    _taken(target, span() | {"trace_id": "not looked at"})


@row("B12", Level.HARDENING, "null stands for a field that is not set")
def _(target: Target) -> None:
    _taken(
        target, span() | {"parentSpanId": None, "attributes": None, "status": None, "kind": None}
    )


@row("B13", Level.HARDENING, "NaN, Infinity and exponents are doubles")
def _(target: Target) -> None:
    doubles = ('"NaN"', '"Infinity"', '"-Infinity"', "1e3", "-2.5E-3")
    points = ",".join(f'{{"asDouble":{one}}}' for one in doubles)
    body = as_json("metrics").replace(b'"asInt": "1"', b'"asDouble": 1')
    whole = json.loads(body)
    text = json.dumps(whole).replace('"dataPoints": [', f'"dataPoints": [{points},', 1)
    accepted("metrics", target.post("metrics", text.encode(), JSON), JSON)


@row("B17", Level.HARDENING, "values nested 30 deep are taken, 10,000 deep are refused with 400")
def _(target: Target) -> None:
    accepted("traces", target.post("traces", samples.nested_json(30), JSON), JSON)
    accepted("traces", target.post("traces", samples.nested_protobuf(30)))
    refused(target.post("traces", samples.nested_json(10_000), JSON), 400)
    refused(target.post("traces", samples.nested_protobuf(10_000)), 400)
    accepted("traces", target.post("traces", as_json("traces"), JSON), JSON)
