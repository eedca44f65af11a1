"""Spans and their events as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector.classify import SpanKind
from collector.decode.anyvalue import names_of
from collector.decode.counting import Selections
from collector.decode.identity import attributes_of
from collector.views import Resource, Row
from collector.violation import Signal


def span_rows(
    span: SpanMessage,
    resource: Resource,
    kind: SpanKind,
    ids: tuple[bytes, bytes],
    selections: Selections,
) -> Iterator[Row]:
    """A span and its events as rows, where a selection matches them."""
    attributes = attributes_of(span.attributes, selections.keys)
    whole = Row(
        matched=selections.matched(kind, 0, attributes),
        signal=Signal.TRACES,
        resource=resource,
        name=span.name,
        kind=kind,
        status=span.status.code,
        severity=0,
        trace_id=ids[0].hex(),
        keys=frozenset(names_of(span.attributes)),
        attributes=attributes,
        span_id=ids[1].hex(),
    )
    if whole.matched:
        yield whole
    for event in span.events:
        if event.name not in selections.events:
            continue
        attributes = attributes_of(event.attributes, selections.event_keys)
        matched = selections.matched_event(event.name, kind, attributes)
        if matched:
            keys = frozenset(names_of(event.attributes))
            yield replace(whole, matched=matched, name=event.name, keys=keys, attributes=attributes)
