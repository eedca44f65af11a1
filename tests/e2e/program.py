"""A program that is instrumented with the OpenTelemetry SDK and breaks five policies.

Usage: program.py grpc ENDPOINT|from-environment | http ENDPOINT | json FOLDER
"""

import json
import logging
import os
import sys
from base64 import b64decode
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

LABEL_VALUES = 600
CALLS = 25
RECORDS = 30
IDS = ("traceId", "spanId", "parentSpanId")


def calls(tracer):
    for number in range(CALLS):
        with tracer.start_as_current_span("order", kind=SpanKind.SERVER):
            for attempt in range(2):
                with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT) as span:
                    span.set_attribute("http.request.method", "GET")
                    span.set_attribute("server.address", "payments")
                    span.set_attribute("url.full", f"http://payments/pay/{number}")
                    span.set_attribute("http.response.status_code", 200 if attempt else 503)


def baggage(tracer):
    with tracer.start_as_current_span("search", kind=SpanKind.SERVER) as span:
        member = "password=" + "".join(reversed("9x!kQ2r7Zt"))
        span.set_attribute("http.request.header.baggage", [f"tier=gold,{member}"])


def probe(tracer):
    with tracer.start_as_current_span("GET /livez", kind=SpanKind.SERVER) as span:
        span.set_attribute("http.request.method", "GET")
        span.set_attribute("http.route", "/livez")
        with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT) as query:
            query.set_attribute("db.system.name", "postgresql")
            query.set_attribute("server.address", "db")


def labels(meter):
    orders = meter.create_counter("orders")
    for number in range(LABEL_VALUES):
        orders.add(1, {"basket": f"b{number}"})


def write_json(folder, name, message):
    def hexed(value):
        if isinstance(value, list):
            return [hexed(one) for one in value]
        if isinstance(value, dict):
            return {
                key: b64decode(one).hex() if key in IDS else hexed(one)
                for key, one in value.items()
            }
        return value

    fields = hexed(MessageToDict(message, use_integers_for_enums=True))
    Path(folder, f"{name}.json").write_text(json.dumps(fields))


def exporters(how, where):
    if where == "from-environment":
        where = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    if how == "grpc":
        return (
            GrpcSpans(endpoint=where, insecure=True),
            GrpcLogs(endpoint=where, insecure=True),
            PeriodicExportingMetricReader(GrpcMetrics(endpoint=where, insecure=True)),
        )
    if how == "http":
        return (
            HttpSpans(endpoint=f"{where}/v1/traces"),
            HttpLogs(endpoint=f"{where}/v1/logs"),
            PeriodicExportingMetricReader(HttpMetrics(endpoint=f"{where}/v1/metrics")),
        )
    return InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()


def main(how, where):
    resource = Resource.create({"service.name": "shop"})
    spans, logs, reader = exporters(how, where)
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(spans))
    trace.set_tracer_provider(tracers)
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(logs))
    logger = logging.getLogger("shop")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(LoggingHandler(logger_provider=loggers))
    meters = MeterProvider(resource=resource, metric_readers=[reader])
    tracer = tracers.get_tracer("shop")
    calls(tracer)
    baggage(tracer)
    probe(tracer)
    labels(meters.get_meter("shop"))
    for number in range(RECORDS):
        logger.info("order %s stored", number)
    tracers.force_flush()
    loggers.force_flush()
    if how == "json":
        write_json(where, "traces", encode_spans(spans.get_finished_spans()))
        write_json(where, "logs", encode_logs(logs.get_finished_logs()))
        write_json(where, "metrics", encode_metrics(reader.get_metrics_data()))
    tracers.shutdown()
    loggers.shutdown()
    meters.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
