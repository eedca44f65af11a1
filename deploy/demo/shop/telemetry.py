"""OpenTelemetry for one service: three providers that send over OTLP, and how to end them."""

import logging
import os
import warnings
from dataclasses import dataclass

from opentelemetry._logs import Logger
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetrics,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetrics,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.metrics import Meter
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATOR = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])

# Short, so that a person who watches sees a finding seconds after its cause.
BATCH_DELAY_MS = 500
METRIC_INTERVAL_MS = 1000


@dataclass(frozen=True)
class Telemetry:
    """What a service instruments itself with."""

    tracer: Tracer
    meter: Meter
    log: logging.Logger
    handler: logging.Handler
    events: Logger
    providers: tuple[TracerProvider, MeterProvider, LoggerProvider]

    def shutdown(self) -> None:
        """Send what is still held, then stop."""
        for provider in self.providers:
            provider.shutdown()


def _log_handler(provider: LoggerProvider) -> logging.Handler:
    with warnings.catch_warnings():
        # The SDK points to an instrumentation package; the demo uses the SDK alone.
        warnings.simplefilter("ignore", DeprecationWarning)
        return LoggingHandler(level=logging.INFO, logger_provider=provider)


def start(service: str) -> Telemetry:
    """Providers for one service; endpoint and protocol come from the OTEL_* variables.

    Args:
        service: Its service.name.
    """
    http = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "http/protobuf"
    resource = Resource.create({"service.name": service, "service.version": "1.4.2"})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(
        BatchSpanProcessor(
            HttpSpans() if http else GrpcSpans(), schedule_delay_millis=BATCH_DELAY_MS
        )
    )
    reader = PeriodicExportingMetricReader(
        HttpMetrics() if http else GrpcMetrics(), export_interval_millis=METRIC_INTERVAL_MS
    )
    metrics = MeterProvider(resource=resource, metric_readers=[reader])
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(
        BatchLogRecordProcessor(
            HttpLogs() if http else GrpcLogs(), schedule_delay_millis=BATCH_DELAY_MS
        )
    )
    handler = _log_handler(logs)
    log = logging.getLogger(service)
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    return Telemetry(
        tracer=traces.get_tracer("shop"),
        meter=metrics.get_meter("shop"),
        log=log,
        handler=handler,
        events=logs.get_logger("shop"),
        providers=(traces, metrics, logs),
    )
