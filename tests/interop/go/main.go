// A program that is instrumented with the OpenTelemetry SDK of Go.
//
// It sends what the other senders of this folder send, and is told how by the variables that all
// SDKs read: OTEL_EXPORTER_OTLP_PROTOCOL, _ENDPOINT, _COMPRESSION, _HEADERS, OTEL_SERVICE_NAME.
// PLANTED is what must be found in it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	calls   = 20
	records = 30
	orders  = 7
	batch   = 10
)

type exporters struct {
	spans   sdktrace.SpanExporter
	logs    sdklog.Exporter
	metrics sdkmetric.Exporter
}

func over(ctx context.Context, protocol string) (made exporters) {
	var err [3]error
	if protocol == "grpc" {
		made.spans, err[0] = otlptracegrpc.New(ctx)
		made.logs, err[1] = otlploggrpc.New(ctx)
		made.metrics, err[2] = otlpmetricgrpc.New(ctx)
	} else {
		made.spans, err[0] = otlptracehttp.New(ctx)
		made.logs, err[1] = otlploghttp.New(ctx)
		made.metrics, err[2] = otlpmetrichttp.New(ctx)
	}
	for _, one := range err {
		if one != nil {
			log.Fatal(one)
		}
	}
	return made
}

func spans(ctx context.Context, tracer trace.Tracer) {
	for number := range calls {
		order, span := tracer.Start(ctx, "GET /orders", trace.WithSpanKind(trace.SpanKindServer))
		if number == 0 {
			member := "tier=gold,password=" + os.Getenv("PLANTED")
			span.SetAttributes(attribute.StringSlice("http.request.header.baggage", []string{member}))
		}
		_, child := tracer.Start(order, "GET", trace.WithSpanKind(trace.SpanKindClient))
		child.SetAttributes(attribute.String("server.address", "payments"))
		child.End()
		span.End()
	}
}

func logs(ctx context.Context, logger otellog.Logger) {
	for number := range records {
		var record otellog.Record
		record.SetSeverity(otellog.SeverityInfo)
		record.SetBody(attribute.StringValue(fmt.Sprintf("order %d came", number)))
		if number == 0 {
			record.AddAttributes(attribute.String("db.password", os.Getenv("PLANTED")))
		}
		logger.Emit(ctx, record)
	}
}

func metrics(ctx context.Context, meter metric.Meter) {
	counter, err := meter.Int64Counter("shop.orders")
	if err != nil {
		log.Fatal(err)
	}
	for number := range orders {
		label := attribute.String("order.id", fmt.Sprintf("o-%d", number))
		counter.Add(ctx, 1, metric.WithAttributes(label))
	}
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Print(err) }))
	to := over(ctx, os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"))
	tracers := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(to.spans, sdktrace.WithMaxExportBatchSize(batch)))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(
		sdklog.NewBatchProcessor(to.logs, sdklog.WithExportMaxBatchSize(batch))))
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(to.metrics)))

	spans(ctx, tracers.Tracer("shop"))
	logs(ctx, loggers.Logger("shop"))
	metrics(ctx, meters.Meter("shop"))

	for _, shutdown := range []func(context.Context) error{
		tracers.Shutdown, loggers.Shutdown, meters.Shutdown,
	} {
		if err := shutdown(ctx); err != nil {
			log.Print(err)
		}
	}
}
