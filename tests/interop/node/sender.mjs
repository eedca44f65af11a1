// A program that is instrumented with the OpenTelemetry SDK of JavaScript.
//
// It sends what the other senders of this folder send, and is told how by the variables that all
// SDKs read: OTEL_EXPORTER_OTLP_PROTOCOL, _ENDPOINT, _COMPRESSION, _HEADERS, OTEL_SERVICE_NAME.
// PLANTED is what must be found in it.
import { createRequire } from "node:module";
import path from "node:path";

const { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_SERVICE_NAME: name, PLANTED: planted } =
  process.env;
const [CALLS, RECORDS, ORDERS, BATCH] = [20, 30, 7, 10];
const KINDS = { grpc: "grpc", "http/protobuf": "proto", "http/json": "http" };

// The modules stand in the folder that is the working directory, not beside this file.
const require = createRequire(path.join(process.cwd(), "package.json"));
const load = (what) => require(`@opentelemetry/${what}`);

const { context, diag, DiagConsoleLogger, DiagLogLevel, SpanKind, trace } = load("api");
const { resourceFromAttributes } = load("resources");
const { BasicTracerProvider, BatchSpanProcessor } = load("sdk-trace-base");
const { BatchLogRecordProcessor, LoggerProvider } = load("sdk-logs");
const { MeterProvider, PeriodicExportingMetricReader } = load("sdk-metrics");

const exporter = (signal, made) => new (load(`exporter-${signal}-otlp-${KINDS[protocol]}`)[made])();

function spans(tracer) {
  for (let number = 0; number < CALLS; number++) {
    const span = tracer.startSpan("GET /orders", { kind: SpanKind.SERVER });
    if (number === 0) {
      span.setAttribute("http.request.header.baggage", [`tier=gold,password=${planted}`]);
    }
    const inside = trace.setSpan(context.active(), span);
    const attributes = { "server.address": "payments" };
    tracer.startSpan("GET", { kind: SpanKind.CLIENT, attributes }, inside).end();
    span.end();
  }
}

function logs(logger) {
  for (let number = 0; number < RECORDS; number++) {
    const attributes = number === 0 ? { "db.password": planted } : {};
    logger.emit({ severityNumber: 9, body: `order ${number} came`, attributes });
  }
}

function metrics(meter) {
  const counter = meter.createCounter("shop.orders");
  for (let number = 0; number < ORDERS; number++) {
    counter.add(1, { "order.id": `o-${number}` });
  }
}

diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const resource = resourceFromAttributes({ "service.name": name });
const batches = { maxExportBatchSize: BATCH };
const tracers = new BasicTracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor(exporter("trace", "OTLPTraceExporter"), batches)],
});
const loggers = new LoggerProvider({
  resource,
  processors: [
    new BatchLogRecordProcessor({ exporter: exporter("logs", "OTLPLogExporter"), ...batches }),
  ],
});
const meters = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({ exporter: exporter("metrics", "OTLPMetricExporter") }),
  ],
});

spans(tracers.getTracer("shop"));
logs(loggers.getLogger("shop"));
metrics(meters.getMeter("shop"));

for (const provider of [tracers, loggers, meters]) {
  await provider.shutdown().catch((error) => console.error(String(error)));
}
