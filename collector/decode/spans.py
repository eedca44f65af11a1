"""Spans into the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector import classify
from collector.classify import (
    CALL_KEYS,
    NO_TARGET,
    PEER_KEYS,
    TARGET_KEYS,
    Attempts,
    SpanKind,
    Target,
)
from collector.decode import items
from collector.decode.anyvalue import bounded, names_of
from collector.decode.counting import Selections
from collector.decode.identity import attributes_of
from collector.decode.items import valid_id
from collector.decode.tables import Tables
from collector.decode.values import Where
from collector.routes import probe_route
from collector.semconv import Attributes
from collector.views import Flag, Resource, Row, Shape, Span
from collector.violation import Signal

_OUTGOING = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
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
            record = self._record(span, resource, flags, (span_id, parent_id))
            if tables.traces.add(trace_id, record, now):
                tables.arrived_parents.append((trace_id, span_id))

    def _record(
        self,
        span: SpanMessage,
        resource: Resource,
        flags: Flag,
        ids: tuple[bytes, bytes],
    ) -> Span:
        profile, target = profile_of(span, self._kept, self._tables.demand.probe_routes)
        return Span(
            span_id=ids[0],
            parent_id=ids[1],
            resource=resource,
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            flags=flags,
            target=target,
            **profile._asdict(),
        )

    def _row(self, span: SpanMessage, resource: Resource, kind: SpanKind, trace_id: bytes) -> None:
        row = span_row(span, resource, kind, trace_id, self._selections)
        if row is not None:
            self._tables.rows.append(row)


class Profile(NamedTuple):
    """What a span shares with many others; the fields are those of `collector.views.Span`."""

    name: str
    kind: SpanKind
    status: int
    attributes: Attributes
    peer: str
    operation: str
    failed: bool
    route: str
    attempts: Attempts


def profile_of(
    span: SpanMessage, kept: frozenset[str], probe_routes: frozenset[str]
) -> tuple[Profile, Target]:
    """What the attributes of a span say.

    Args:
        span: the message.
        kept: attributes that are kept; of a SERVER span none that tell of its clients.
        probe_routes: the only routes that are of interest.
    """
    kind = SpanKind.of(span.kind)
    attributes = attributes_of(span.attributes, kept | TARGET_KEYS)
    operation = bounded(classify.operation(span.name, attributes)) if kind in _OPERATIONS else ""
    route = probe_route(kind, attributes, operation)
    server = kind is SpanKind.SERVER
    wanted = kept - PEER_KEYS if server else kept
    profile = Profile(
        name=bounded(span.name),
        kind=kind,
        status=span.status.code,
        attributes={key: value for key, value in attributes.items() if key in wanted},
        peer="" if server else bounded(classify.peer(attributes)),
        operation=operation,
        failed=classify.failed(attributes),
        route=route if route in probe_routes else "",
        attempts=classify.attempts(attributes),
    )
    return profile, classify.target(attributes) if kind in _OUTGOING else NO_TARGET


def span_row(
    span: SpanMessage,
    resource: Resource,
    kind: SpanKind,
    trace_id: bytes,
    selections: Selections,
) -> Row | None:
    """A span as a row, if a selection matches it."""
    attributes = attributes_of(span.attributes, selections.keys)
    matched = selections.matched(kind, 0, attributes)
    if not matched:
        return None
    return Row(
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
