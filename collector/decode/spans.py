"""Spans into the tables."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector import classify
from collector.classify import CALL_KEYS, TARGET_KEYS, SpanKind
from collector.decode import items
from collector.decode.anyvalue import bounded, names_of
from collector.decode.identity import attributes_of
from collector.decode.items import valid_id
from collector.decode.tables import Tables
from collector.decode.values import Where
from collector.routes import probe_route
from collector.views import Flag, Resource, Row, Shape, Span
from collector.violation import Signal

_OPERATIONS = frozenset({SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER})


class SpanReader:
    """Reads spans, one at a time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._selections = tables.selections(Signal.TRACES)
        self._kept = CALL_KEYS | tables.demand.trace_keys

    def walk(self, block: ResourceSpans, resource: Resource, now: float) -> Iterator[None]:
        """Read every span of a resource, with a stop after each."""
        for scope in block.scope_spans:
            self._tables.scope(scope.scope, Signal.TRACES, resource)
            for span in scope.spans:
                self._tables.items += 1
                self._read(span, resource, now)
                yield

    def _read(self, span: SpanMessage, resource: Resource, now: float) -> None:
        tables = self._tables
        oddities = tables.oddities
        trace_id = valid_id(span.trace_id, items.TRACE_ID_BYTES, "trace_id", oddities)
        span_id = valid_id(span.span_id, items.SPAN_ID_BYTES, "span_id", oddities)
        parent_id = valid_id(span.parent_span_id, items.SPAN_ID_BYTES, "parent_span_id", oddities)
        if parent_id and parent_id == span_id:
            oddities["own_parent"] += 1
        items.span_time_oddities(span, now, oddities)
        kind = SpanKind.of(span.kind)
        flags = items.span_flags(span, trace_id, span_id, parent_id)
        tables.texts(
            items.span_texts(span),
            Where(Signal.TRACES, resource, bounded(span.name), trace_id.hex()),
        )
        if Signal.TRACES in tables.demand.shapes:
            keys = frozenset(names_of(span.attributes))
            shape = Shape(Signal.TRACES, resource, kind, span.status.code, 0, flags, keys)
            tables.shapes.see(shape, trace_id.hex())
        if self._selections:
            self._row(span, resource, kind, trace_id)
        if tables.demand.traces and trace_id and span_id:
            record = self._record(span, resource, kind, flags, (span_id, parent_id))
            if tables.traces.add(trace_id, record, now):
                tables.arrived_parents.append((trace_id, span_id))

    def _record(
        self,
        span: SpanMessage,
        resource: Resource,
        kind: SpanKind,
        flags: Flag,
        ids: tuple[bytes, bytes],
    ) -> Span:
        attributes = attributes_of(span.attributes, self._kept | TARGET_KEYS)
        kept = self._kept
        operation = (
            bounded(classify.operation(span.name, attributes)) if kind in _OPERATIONS else ""
        )
        return Span(
            span_id=ids[0],
            parent_id=ids[1],
            resource=resource,
            name=bounded(span.name),
            kind=kind,
            status=span.status.code,
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            flags=flags,
            attributes={key: value for key, value in attributes.items() if key in kept},
            peer=bounded(classify.peer(attributes)),
            operation=operation,
            failed=classify.failed(attributes),
            route=bounded(probe_route(kind, attributes, operation)),
            target=classify.target(attributes),
        )

    def _row(self, span: SpanMessage, resource: Resource, kind: SpanKind, trace_id: bytes) -> None:
        attributes = attributes_of(span.attributes, self._selections.keys)
        matched = self._selections.matched(kind, 0, attributes)
        if matched:
            self._tables.rows.append(
                Row(
                    matched=matched,
                    signal=Signal.TRACES,
                    resource=resource,
                    name=span.name,
                    kind=kind,
                    status=span.status.code,
                    severity=0,
                    trace_id=trace_id.hex(),
                    keys=frozenset(names_of(span.attributes)),
                    attributes=attributes,
                )
            )
