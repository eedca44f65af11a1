"""Logs that carry no trace id although their service is traced.

Why:
    In an incident one goes from the slow trace to its logs and back. That works only when
    every record written while a request is served carries the request's trace id. It is
    lost by a logger that is set up before the SDK, a thread pool that drops the context,
    or a log shipper that reads files and never saw it.

Bad:
    options: {min_records: 10}
    telemetry:
      - service: shop
        spans: [{name: GET /}]
      - service: shop
        repeat: 20
        logs: [{body: "order {i} stored"}]
    until: 70

Good:
    options: {min_records: 10}
    telemetry:
      - service: shop
        spans: [{name: GET /, trace: a}]
      - service: shop
        repeat: 20
        logs: [{body: "order {i} stored", trace: a, span: "1"}]
    until: 70

Mend:
    Log through the SDK's logging bridge, or have the logger read the current span's context;
    carry the context over to threads, tasks and callbacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.generations import Generations
from collector.views import Flag, ShapeCount
from collector.violation import Service, Severity, Signal, Violation

_LOWEST = {"any": 0, "trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
_SUBJECT = "logs without trace id"


class CorrelationOptions(Options):
    """When missing trace ids matter."""

    window_seconds: float = Field(
        default=60, gt=0, description="window over which is judged (ours)"
    )
    min_records: int = Field(
        default=20, ge=1, description="records a window needs to be judged (ours)"
    )
    warn_share: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="share of records without trace id: warning above (ours)",
    )
    traced_within_seconds: float = Field(
        default=300, gt=0, description="only while the service sent spans so recently (ours)"
    )
    min_severity: Literal["any", "trace", "debug", "info", "warn", "error", "fatal"] = Field(
        default="any", description="records below are not counted"
    )
    startup_seconds: float = Field(
        default=0,
        ge=0,
        description="records so soon after a service was first seen are not counted",
    )
    max_services: int = Field(default=10_000, ge=1, description="services watched at most")


@dataclass(slots=True)
class _Records:
    total: int = 0
    missing: int = 0


class Kind(Policy[CorrelationOptions]):
    """Judges the share of a service's records that carry no trace id, window by window."""

    options_type = CorrelationOptions
    meta = Meta(
        signals=(Signal.LOGS,),
        severities=(Severity.WARNING, Severity.CRITICAL),
        since="0.1.0",
    )

    def __init__(self, terms: Terms, options: CorrelationOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[Service, _Records] = Tumbling(
            options.window_seconds, _Records, max_keys=options.max_services
        )
        self._first: Generations[Service, float] = Generations(options.max_services)
        self._traced: Generations[Service, float] = Generations(options.max_services)
        self._noted: Service | None = None
        self._noted_at = float("-inf")
        self._lowest = _LOWEST[options.min_severity]

    def demand(self) -> Demand:
        """Which records carry a trace id, and which services send spans."""
        return Demand(shapes=frozenset({Signal.LOGS, Signal.TRACES}))

    def overflow(self) -> int:
        """Records that were not counted, because the bound on services was met."""
        return self._windows.overflow

    def on_shape(self, count: ShapeCount, now: float) -> Iterable[Violation]:
        """Count records; a span id alone is a fault at once."""
        service = count.shape.resource.service
        traces = count.shape.signal is Signal.TRACES
        if traces and now == self._noted_at and service is self._noted:
            return ()  # most shapes of a request are of spans of one service
        first = self._first.get(service)
        if first is None:
            first = self._first[service] = now
        if traces:
            self._traced[service] = now
            self._noted, self._noted_at = service, now
            return ()
        return self._records(count, service, first, now)

    def _records(
        self, count: ShapeCount, service: Service, first: float, now: float
    ) -> Iterator[Violation]:
        shape = count.shape
        if shape.flags & Flag.SPAN_ID and not shape.flags & Flag.TRACE_ID:
            yield self._half(count, service)
        if shape.severity < self._lowest or now - first < self.options.startup_seconds:
            return
        records = self._windows.at(now, service)
        if records is not None:
            records.total += count.items
            if not shape.flags & Flag.TRACE_ID:
                records.missing += count.items

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows that have ended."""
        del watermark
        for start, window in self._windows.close(float("inf") if final else now):
            for service, records in sorted(window.items()):
                traced = self._traced.get(service)
                recent = traced is not None and traced >= start - self.options.traced_within_seconds
                if recent and records.total >= self.options.min_records:
                    yield from self._judge(service, records)

    def _judge(self, service: Service, records: _Records) -> Iterator[Violation]:
        share = records.missing / records.total
        if share <= self.options.warn_share:
            return
        severity = Severity.CRITICAL if records.missing == records.total else Severity.WARNING
        yield self.violation(
            severity=severity,
            signal=Signal.LOGS,
            service=service,
            subject=_SUBJECT,
            summary=f"{records.missing} of {records.total} log records in "
            f"{self.options.window_seconds:g} s carry no trace id, while the service sends spans",
            evidence={
                "records": records.total,
                "without_trace_id": records.missing,
                "share": round(share, 4),
            },
        )

    def _half(self, count: ShapeCount, service: Service) -> Violation:
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.LOGS,
            service=service,
            subject="logs with a span id but no trace id",
            summary="log records carry a span id without the trace id that gives it a meaning "
            "(opentelemetry-proto requires both)",
            count=count.items,
            evidence={"records": count.items},
        )
