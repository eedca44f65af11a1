"""Spans into the tables."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector.classify import SpanKind
from collector.decode import items
from collector.decode.anyvalue import bounded, names_of
from collector.decode.items import valid_id
from collector.decode.profiles import Profiler, Record
from collector.decode.rows import span_rows
from collector.decode.tables import Tables
from collector.decode.values import Where
from collector.views import Flag, Resource, Shape, Span
from collector.violation import Signal


class SpanReader:
    """Reads spans, one at a time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._selections = tables.selections(Signal.TRACES)
        self._profiler = Profiler(tables.demand)

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
        if self._selections or self._selections.events:
            tables.rows += span_rows(span, resource, kind, (trace_id, span_id), self._selections)
        if tables.demand.traces and trace_id and span_id:
            record = self._record(span, resource, flags, (span_id, parent_id))
            if tables.traces.add(trace_id, record, now, linked(span)):
                tables.arrived_parents.append((trace_id, span_id))

    def _record(
        self,
        span: SpanMessage,
        resource: Resource,
        flags: Flag,
        ids: tuple[bytes, bytes],
    ) -> Record:
        profile, target, details = self._profiler.read(span)
        shown = Span(
            span_id=ids[0],
            parent_id=ids[1],
            resource=resource,
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            flags=flags,
            target=target,
            details=details,
            **profile.shown(),
        )
        return Record(shown, profile.facts)


def linked(span: SpanMessage) -> tuple[bytes, bytes] | None:
    """The trace and span id of the first valid link of a CONSUMER span."""
    if SpanKind.of(span.kind) is not SpanKind.CONSUMER:
        return None
    for link in span.links:
        if len(link.trace_id) == items.TRACE_ID_BYTES and len(link.span_id) == items.SPAN_ID_BYTES:
            return link.trace_id, link.span_id
    return None
