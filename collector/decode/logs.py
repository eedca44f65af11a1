"""Log records into the tables."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs

from collector.classify import SpanKind
from collector.decode import items
from collector.decode.counting import Selections
from collector.decode.identity import attributes_of
from collector.decode.items import valid_id
from collector.decode.tables import Tables
from collector.decode.values import Where
from collector.views import Resource, Row, Shape
from collector.violation import Signal


class LogReader:
    """Reads log records, one at a time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._selections = tables.selections(Signal.LOGS)

    def walk(self, block: ResourceLogs, resource: Resource, _now: float) -> Iterator[None]:
        """Read every record of a resource, with a stop after each."""
        for scope in block.scope_logs:
            self._tables.scope(scope.scope, Signal.LOGS, resource)
            for record in scope.log_records:
                self._tables.items += 1
                self._read(record, resource)
                yield

    def _read(self, record: LogRecord, resource: Resource) -> None:
        tables = self._tables
        trace_id = valid_id(record.trace_id, items.TRACE_ID_BYTES, "trace_id", tables.oddities)
        span_id = valid_id(record.span_id, items.SPAN_ID_BYTES, "span_id", tables.oddities)
        severity = items.severity_range(record.severity_number)
        tables.texts(items.log_texts(record), Where(Signal.LOGS, resource, "", trace_id.hex()))
        wanted = Signal.LOGS in tables.demand.shapes
        if not (wanted or self._selections):
            return
        keys = items.log_keys(record)
        if wanted:
            flags = items.log_flags(record, trace_id, span_id)
            shape = Shape(Signal.LOGS, resource, SpanKind.UNSPECIFIED, 0, severity, flags, keys)
            tables.shapes.see(shape, trace_id.hex())
        if self._selections:
            self._row(record, resource, severity, keys, trace_id)

    def _row(
        self,
        record: LogRecord,
        resource: Resource,
        severity: int,
        keys: frozenset[str],
        trace_id: bytes,
    ) -> None:
        row = log_row(record, resource, severity, keys, trace_id, self._selections)
        if row is not None:
            self._tables.rows.append(row)


def log_row(
    record: LogRecord,
    resource: Resource,
    severity: int,
    keys: frozenset[str],
    trace_id: bytes,
    selections: Selections,
) -> Row | None:
    """A log record as a row, if a selection matches it."""
    attributes = attributes_of(record.attributes, selections.keys)
    matched = selections.matched(SpanKind.UNSPECIFIED, severity, attributes)
    if not matched:
        return None
    return Row(
        matched=matched,
        signal=Signal.LOGS,
        resource=resource,
        name=record.event_name,
        kind=SpanKind.UNSPECIFIED,
        status=0,
        severity=severity,
        trace_id=trace_id.hex(),
        keys=keys,
        attributes=attributes,
    )
