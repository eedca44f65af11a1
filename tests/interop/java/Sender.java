import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A program that is instrumented with the OpenTelemetry SDK of Java.
 *
 * <p>It sends what the other senders of this folder send, and is told how by the variables that all
 * SDKs read. PLANTED is what must be found in it.
 */
public final class Sender {
  private static final int CALLS = 20;
  private static final int RECORDS = 30;
  private static final int ORDERS = 7;
  private static final int BATCH = 10;
  private static final int SECONDS = 60;

  private record Exporters(SpanExporter spans, LogRecordExporter logs, MetricExporter metrics) {}

  private static String told(String name) {
    return System.getenv().getOrDefault(name, "");
  }

  private static Map<String, String> headers() {
    Map<String, String> made = new HashMap<>();
    for (String pair : told("OTEL_EXPORTER_OTLP_HEADERS").split(",")) {
      int at = pair.indexOf('=');
      if (at > 0) {
        made.put(pair.substring(0, at), pair.substring(at + 1).replace("%20", " "));
      }
    }
    return made;
  }

  private static Exporters exporters() {
    String to = told("OTEL_EXPORTER_OTLP_ENDPOINT");
    String compression = "gzip".equals(told("OTEL_EXPORTER_OTLP_COMPRESSION")) ? "gzip" : "none";
    if (told("OTEL_EXPORTER_OTLP_PROTOCOL").equals("grpc")) {
      return new Exporters(
          OtlpGrpcSpanExporter.builder()
              .setEndpoint(to).setCompression(compression).setHeaders(Sender::headers).build(),
          OtlpGrpcLogRecordExporter.builder()
              .setEndpoint(to).setCompression(compression).setHeaders(Sender::headers).build(),
          OtlpGrpcMetricExporter.builder()
              .setEndpoint(to).setCompression(compression).setHeaders(Sender::headers).build());
    }
    return new Exporters(
        OtlpHttpSpanExporter.builder()
            .setEndpoint(to + "/v1/traces")
            .setCompression(compression).setHeaders(Sender::headers).build(),
        OtlpHttpLogRecordExporter.builder()
            .setEndpoint(to + "/v1/logs")
            .setCompression(compression).setHeaders(Sender::headers).build(),
        OtlpHttpMetricExporter.builder()
            .setEndpoint(to + "/v1/metrics")
            .setCompression(compression).setHeaders(Sender::headers).build());
  }

  private static void spans(Tracer tracer) {
    for (int number = 0; number < CALLS; number++) {
      Span span = tracer.spanBuilder("GET /orders").setSpanKind(SpanKind.SERVER).startSpan();
      if (number == 0) {
        String member = "tier=gold,password=" + told("PLANTED");
        span.setAttribute(
            AttributeKey.stringArrayKey("http.request.header.baggage"), List.of(member));
      }
      tracer.spanBuilder("GET").setSpanKind(SpanKind.CLIENT)
          .setParent(Context.root().with(span))
          .setAttribute("server.address", "payments")
          .startSpan().end();
      span.end();
    }
  }

  private static void logs(Logger logger) {
    for (int number = 0; number < RECORDS; number++) {
      var record = logger.logRecordBuilder().setSeverity(Severity.INFO);
      if (number == 0) {
        record.setAttribute(AttributeKey.stringKey("db.password"), told("PLANTED"));
      }
      record.setBody("order " + number + " came").emit();
    }
  }

  private static void metrics(Meter meter) {
    LongCounter counter = meter.counterBuilder("shop.orders").build();
    for (int number = 0; number < ORDERS; number++) {
      counter.add(1, Attributes.of(AttributeKey.stringKey("order.id"), "o-" + number));
    }
  }

  public static void main(String[] arguments) {
    Exporters to = exporters();
    Resource resource =
        Resource.create(
            Attributes.of(AttributeKey.stringKey("service.name"), told("OTEL_SERVICE_NAME")));
    var tracers =
        SdkTracerProvider.builder().setResource(resource)
            .addSpanProcessor(
                BatchSpanProcessor.builder(to.spans()).setMaxExportBatchSize(BATCH).build())
            .build();
    var loggers =
        SdkLoggerProvider.builder().setResource(resource)
            .addLogRecordProcessor(
                BatchLogRecordProcessor.builder(to.logs()).setMaxExportBatchSize(BATCH).build())
            .build();
    var meters =
        SdkMeterProvider.builder().setResource(resource)
            .registerMetricReader(PeriodicMetricReader.create(to.metrics()))
            .build();

    spans(tracers.get("shop"));
    logs(loggers.get("shop"));
    metrics(meters.get("shop"));

    tracers.shutdown().join(SECONDS, TimeUnit.SECONDS);
    loggers.shutdown().join(SECONDS, TimeUnit.SECONDS);
    meters.shutdown().join(SECONDS, TimeUnit.SECONDS);
    System.exit(0); // no thread of an exporter may keep it up
  }
}
