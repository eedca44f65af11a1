"""One span, log record or data point at a time, into the tables of the views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector.decode.anyvalue import bounded, names_of, strings
from collector.views import TRACE_STATE_KEY, Flag, Place

Text: TypeAlias = tuple[str, str, Place]
DataPoint: TypeAlias = (
    metrics_pb2.NumberDataPoint
    | metrics_pb2.HistogramDataPoint
    | metrics_pb2.ExponentialHistogramDataPoint
    | metrics_pb2.SummaryDataPoint
)

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
_HAS_IS_REMOTE = 0x100  # SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK of opentelemetry-proto
_IS_REMOTE = 0x200
_SEVERITIES_PER_RANGE = 4
_ONE_DAY = 86_400 * 1_000_000_000


def valid_id(raw: bytes, length: int, name: str, oddities: Counter[str]) -> bytes:
    """An id of the right length that is not all zero, else empty; a wrong length is counted."""
    if not raw:
        return b""
    if len(raw) != length:
        oddities[f"{name}_length"] += 1
        return b""
    return raw if any(raw) else b""


def severity_range(number: int) -> int:
    """The first number of the range of a severity number; 0 when unset or out of range."""
    highest = 24
    if not 1 <= number <= highest:
        return 0
    return (number - 1) // _SEVERITIES_PER_RANGE * _SEVERITIES_PER_RANGE + 1


def span_flags(span: SpanMessage, trace_id: bytes, span_id: bytes, parent_id: bytes) -> Flag:
    """What a span says about its ids and its parent."""
    flags = Flag(0)
    if trace_id:
        flags |= Flag.TRACE_ID
    if span_id:
        flags |= Flag.SPAN_ID
    if span.links:
        flags |= Flag.LINKS
    if parent_id:
        flags |= Flag.PARENT
        if span.flags & _HAS_IS_REMOTE:
            flags |= Flag.PARENT_REMOTE if span.flags & _IS_REMOTE else Flag.PARENT_LOCAL
    return flags


def log_flags(record: LogRecord, trace_id: bytes, span_id: bytes) -> Flag:
    """What a log record says about its ids and its body."""
    flags = Flag(0)
    if trace_id:
        flags |= Flag.TRACE_ID
    if span_id:
        flags |= Flag.SPAN_ID
    which = record.body.WhichOneof("value")
    if which is not None:
        flags |= Flag.BODY
    if which == "kvlist_value":
        flags |= Flag.BODY_MAP
    return flags


def log_keys(record: LogRecord) -> frozenset[str]:
    """Attribute keys of a record, and the keys of its body when that is a map."""
    keys = names_of(record.attributes)
    if record.body.WhichOneof("value") == "kvlist_value":
        keys.extend(names_of(record.body.kvlist_value.values))
    return frozenset(keys)


def span_time_oddities(span: SpanMessage, now: float, oddities: Counter[str]) -> None:
    """Count times that cannot be true; nothing else depends on them."""
    if span.end_time_unix_nano < span.start_time_unix_nano:
        oddities["end_before_start"] += 1
    if span.start_time_unix_nano > now * 1_000_000_000 + _ONE_DAY:
        oddities["start_in_future"] += 1


def attribute_texts(pairs: Iterable[KeyValue], place: Place) -> Iterator[Text]:
    """Every string of a list of attributes."""
    for pair in pairs:
        for key, text in strings(bounded(pair.key), pair.value):
            yield key, text, place


def span_texts(span: SpanMessage) -> Iterator[Text]:
    """Every string of a span, its events and its links."""
    yield "", span.name, Place.SPAN_NAME
    yield from attribute_texts(span.attributes, Place.SPAN_ATTRIBUTE)
    yield "", span.status.message, Place.SPAN_STATUS
    yield TRACE_STATE_KEY, span.trace_state, Place.TRACE_STATE
    for event in span.events:
        yield "", event.name, Place.EVENT_NAME
        yield from attribute_texts(event.attributes, Place.EVENT_ATTRIBUTE)
    for link in span.links:
        yield "", link.trace_state, Place.TRACE_STATE
        yield from attribute_texts(link.attributes, Place.LINK_ATTRIBUTE)


def log_texts(record: LogRecord) -> Iterator[Text]:
    """Every string of a log record."""
    for key, text in strings("", record.body):
        yield key, text, Place.LOG_BODY
    yield "", record.event_name, Place.EVENT_NAME
    yield "", record.severity_text, Place.LOG_ATTRIBUTE
    yield from attribute_texts(record.attributes, Place.LOG_ATTRIBUTE)


def metric_texts(metric: metrics_pb2.Metric) -> Iterator[Text]:
    """The strings of a metric itself."""
    yield "", metric.name, Place.METRIC_TEXT
    yield "", metric.description, Place.METRIC_TEXT
    yield "", metric.unit, Place.METRIC_TEXT
    yield from attribute_texts(metric.metadata, Place.METRIC_TEXT)


def point_texts(point: DataPoint) -> Iterator[Text]:
    """Every string of a data point and its exemplars."""
    yield from attribute_texts(point.attributes, Place.METRIC_LABEL)
    for exemplar in getattr(point, "exemplars", ()):
        yield from attribute_texts(exemplar.filtered_attributes, Place.METRIC_LABEL)


def points(metric: metrics_pb2.Metric) -> Iterable[DataPoint]:
    """The data points of a metric of any type; none when it has no data."""
    which = metric.WhichOneof("data")
    return getattr(metric, which).data_points if which else ()


def exemplar_trace(point: DataPoint) -> str:
    """The trace id of a point's first exemplar that has one, as hex."""
    for exemplar in getattr(point, "exemplars", ()):
        if len(exemplar.trace_id) == TRACE_ID_BYTES and any(exemplar.trace_id):
            return str(exemplar.trace_id.hex())
    return ""
