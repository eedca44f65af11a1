"""Telemetry written in YAML, run through the real decoder and the real policies.

The tests of kinds and packs use it, and so can anybody who writes policies: what a case
says becomes OTLP bytes, and everything behind the listeners is what runs in production.
Times are seconds from the start of a case; names of traces and spans become ids.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.classify import SpanKind
from collector.decode import best
from collector.decode.limits import Limits
from collector.decode.messages import REQUESTS, Request
from collector.evaluate.detectors.base import Detector
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.engine import Engine
from collector.evaluate.policy import AnyPolicy, opted
from collector.evaluate.scrub import Scrubber
from collector.views import Batch
from collector.violation import Signal, Violation

Item: TypeAlias = Mapping[str, Any]

#: Arrival time at which every case starts; a whole hour, so that windows begin with it.
START = 1_800_000_000.0
_NANOSECONDS = 1_000_000_000
_STATUS = {"unset": 0, "ok": 1, "error": 2}
_SEVERITY = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
_SCALARS = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
    str: "string_value",
}
_PARENT_FLAGS = {None: 0, "local": 0x100, "remote": 0x300}
_COMPARED = ("policy", "kind", "severity", "signal", "service", "subject", "basis", "count")


class PolicyFailedError(AssertionError):
    """A policy raised while a case ran."""


class Session:
    """A decoder and policies, with a clock that is told.

    Args:
        policies: as loaded.
        limits: of the decoder.
        make: the decoder, of a demand and limits.
        own: detectors beside the shipped ones.
    """

    def __init__(
        self,
        policies: Sequence[AnyPolicy],
        limits: Limits | None = None,
        make: Callable[..., Any] = best.decoder,
        own: Sequence[Detector] = (),
    ) -> None:
        detectors = _detectors(tuple(own), opted(policies))
        self._engine = Engine(policies, detectors=detectors, scrubber=Scrubber(detectors))
        self._decoder = make(self._engine.demand, limits or Limits())
        self.found: list[Violation] = []

    def request(self, signal: Signal, body: bytes, now: float) -> None:
        """Let a request arrive."""
        for batch in self._decoder.slices(signal, self._decoder.parse(signal, body), now):
            self._judge(batch, now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        batches = list(_all(self._decoder.advance, now))
        for batch in batches:
            self._judge(batch, now)
        self.found.extend(self._engine.close(now, batches[-1].watermark))

    def end(self, now: float) -> list[Violation]:
        """Judge what is still open; everything that was found.

        Raises:
            PolicyFailedError: if a policy raised.
        """
        for batch in _all(self._decoder.drain, now):
            self._judge(batch, now)
        self.found.extend(self._engine.close(now, float("inf"), final=True))
        if self._engine.failures.counts:
            raise PolicyFailedError(f"policies raised: {dict(self._engine.failures.counts)}")
        return self.found

    def _judge(self, batch: Batch, now: float) -> None:
        verdict = self._engine.evaluate(batch, now)
        self.found.extend(verdict.violations)
        for value in verdict.bad:
            self._decoder.remember_bad(value)
        for trace_id in verdict.watched:
            self._decoder.watch(trace_id)


def run(
    policies: Sequence[AnyPolicy],
    telemetry: Sequence[Item],
    until: float | None = None,
    limits: Limits | None = None,
    make: Callable[..., Any] = best.decoder,
    own: Sequence[Detector] = (),
) -> list[Violation]:
    """Send telemetry through decoder and policies, and return what they found.

    Args:
        policies: as loaded.
        telemetry: deliveries in order of arrival.
        until: seconds to which time goes on after the last delivery; then all is closed.
        limits: of the decoder.
        make: the decoder, of a demand and limits.
        own: detectors beside the shipped ones.

    Raises:
        PolicyFailedError: if a policy raised.
    """
    session = Session(policies, limits, make, own)
    clock = START
    for delivery in sorted(telemetry, key=lambda one: float(one.get("at", 0))):
        now = START + float(delivery.get("at", 0))
        while clock + 1 <= now:
            clock += 1
            session.tick(clock)
        for signal, body in requests(delivery):
            session.request(signal, body, now)
    while until is not None and clock + 1 <= START + until:
        clock += 1
        session.tick(clock)
    return session.end(clock)


@lru_cache(maxsize=8)
def _detectors(own: tuple[Detector, ...], names: frozenset[str]) -> Detectors:
    """Compiling them costs more than most cases do, and they hold nothing of what they see."""
    return Detectors(b"fingerprint key of the tests", own=own, opted=names)


def _all(finish: Callable[[float], Batch], now: float) -> Iterator[Batch]:
    """Every batch that the passing of time brings."""
    batch = finish(now)
    while batch.more:
        yield batch
        batch = finish(now)
    yield batch


def compare(violations: Iterable[Violation], expected: Sequence[Item]) -> list[str]:
    """Differences between what was found and what a case expects, in words; empty when none.

    Violations are first added up by policy, severity, signal, service, subject and basis.
    An expectation names any of those and the count; what it leaves out is not compared.
    """
    left = folded(violations)
    problems = []
    for wanted in expected:
        fitting = [one for one in left if all(one.get(k) == _text(k, v) for k, v in wanted.items())]
        if fitting:
            left.remove(fitting[0])
        else:
            problems.append(f"missing: {dict(wanted)}")
    problems += [f"not expected: {one}" for one in left]
    return problems


def folded(violations: Iterable[Violation]) -> list[dict[str, Any]]:
    """Violations added up, as a case would write them."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for one in violations:
        key = (one.policy, one.kind, one.severity.label, one.signal.value)
        counts[(*key, one.service.name, one.subject, one.basis.value)] += one.count
    return [dict(zip(_COMPARED, (*key, n), strict=True)) for key, n in counts.items()]


def _text(key: str, value: object) -> object:
    return value if key == "count" else str(value)


def requests(delivery: Item) -> Iterator[tuple[Signal, bytes]]:
    """The OTLP requests of a delivery, as bytes.

    Args:
        delivery: service, resource, scope, and any of spans, logs and metrics.
    """
    copies = int(delivery.get("repeat", 1))
    at = START + float(delivery.get("at", 0))
    for signal, field, make in (
        (Signal.TRACES, "spans", _span),
        (Signal.LOGS, "logs", _log),
        (Signal.METRICS, "metrics", _metric),
    ):
        if field not in delivery:
            continue
        request: Any = REQUESTS[signal]()
        made = [
            make(_numbered(item, i) if copies > 1 else item, at)
            for i in range(copies)
            for item in delivery[field]
        ]
        _fill(signal, request, delivery, made)
        yield signal, request.SerializeToString()


def _fill(signal: Signal, request: Request, delivery: Item, made: list[Any]) -> None:
    fields = {
        Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
        Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
        Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    }[signal]
    block = getattr(request, fields[0]).add()
    block.resource.attributes.extend(_pairs(_resource(delivery)))
    scope = getattr(block, fields[1]).add()
    scope.scope.name = str(delivery.get("scope", "test"))
    scope.scope.attributes.extend(_pairs(delivery.get("scope_attributes", {})))
    getattr(scope, fields[2]).extend(made)


def _resource(delivery: Item) -> dict[str, Any]:
    service = delivery.get("service", {})
    if not isinstance(service, Mapping):
        service = {"name": service}
    named = {
        "service.name": service.get("name"),
        "service.namespace": service.get("namespace"),
        "deployment.environment.name": service.get("environment"),
    }
    known = {key: value for key, value in named.items() if value is not None}
    return known | dict(delivery.get("resource", {}))


def _numbered(value: Any, i: int) -> Any:  # noqa: ANN401 (YAML is untyped)
    """A copy in which ``{i}`` reads as a number."""
    if isinstance(value, str):
        return value.replace("{i}", str(i))
    if isinstance(value, Mapping):
        return {_numbered(key, i): _numbered(item, i) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbered(item, i) for item in value]
    return value


def identifier(name: object, length: int) -> bytes:
    """The id that a name stands for; none for none."""
    if name in (None, ""):
        return b""
    return hashlib.blake2b(str(name).encode(), digest_size=length).digest()


def any_value(value: object) -> AnyValue:
    """A YAML value as an attribute value."""
    made = AnyValue()
    if isinstance(value, Mapping):
        made.kvlist_value.SetInParent()
        made.kvlist_value.values.extend(_pairs(value))
    elif isinstance(value, list):
        made.array_value.SetInParent()
        made.array_value.values.extend(any_value(item) for item in value)
    elif value is not None:
        field = _SCALARS.get(type(value), "string_value")
        setattr(made, field, value if type(value) in _SCALARS else str(value))
    return made


def _pairs(attributes: Item) -> list[KeyValue]:
    return [KeyValue(key=str(key), value=any_value(value)) for key, value in attributes.items()]


def _span(item: Item, at: float) -> Span:
    start = at + float(item.get("start", 0))
    span = Span(
        trace_id=identifier(item.get("trace", "trace"), 16),
        span_id=identifier(item.get("id", "span"), 8),
        parent_span_id=identifier(item.get("parent"), 8),
        name=str(item.get("name", "span")),
        kind=int(SpanKind[str(item.get("kind", "internal")).upper()]),  # type: ignore[arg-type]
        start_time_unix_nano=int(start * _NANOSECONDS),
        end_time_unix_nano=int((start + float(item.get("duration", 0.01))) * _NANOSECONDS),
        trace_state=str(item.get("trace_state", "")),
        attributes=_pairs(item.get("attributes", {})),
        status=Status(
            code=_STATUS[item.get("status", "unset")],  # type: ignore[arg-type]
            message=str(item.get("status_message", "")),
        ),
        flags=_PARENT_FLAGS[item.get("parent_is")],
    )
    for event in item.get("events", ()):
        span.events.add(
            name=str(event.get("name", "event")), attributes=_pairs(event.get("attributes", {}))
        )
    for link in item.get("links", ()):
        span.links.add(
            trace_id=identifier(link.get("trace"), 16),
            span_id=identifier(link.get("id"), 8),
            trace_state=str(link.get("trace_state", "")),
            attributes=_pairs(link.get("attributes", {})),
        )
    return span


def _log(item: Item, at: float) -> LogRecord:
    return LogRecord(
        time_unix_nano=int(at * _NANOSECONDS),
        severity_number=_SEVERITY[item.get("severity", "info")],  # type: ignore[arg-type]
        trace_id=identifier(item.get("trace"), 16),
        span_id=identifier(item.get("span"), 8),
        body=any_value(item.get("body", "something happened")),
        attributes=_pairs(item.get("attributes", {})),
        event_name=str(item.get("event_name", "")),
    )


def _metric(item: Item, at: float) -> Metric:
    metric = Metric(
        name=str(item.get("name", "metric")),
        unit=str(item.get("unit", "")),
        description=str(item.get("description", "")),
    )
    data: Any = getattr(metric, str(item.get("type", "sum")))
    point = data.data_points.add(
        time_unix_nano=int(at * _NANOSECONDS), attributes=_pairs(item.get("labels", {}))
    )
    if item.get("type") != "histogram":
        point.as_int = int(item.get("value", 1))
    if "exemplar_trace" in item:
        point.exemplars.add(trace_id=identifier(item["exemplar_trace"], 16), as_int=1)
    return metric
