"""The metrics pushed as OTLP, by the OpenTelemetry SDK and its exporter."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpExporter,
)
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from collector import __version__, telemetry
from collector.report.store import Family
from collector.telemetry import PREFIX, Metric, Type

#: Marks the resource of what is pushed, so that it is recognised when it comes round.
SELF = "telemetry_auditor.self"

_SERVICE = "telemetry-auditor"
_FLUSH_MILLISECONDS = 5000


class OtlpPush:
    """Pushes all metrics at an interval, and once more at the end.

    Args:
        families: the metrics of one moment.
        endpoint: URL of an OTLP receiver.
        protocol: ``grpc`` or ``http/protobuf``.
        interval_seconds: between two pushes.
        timeout_seconds: for one push.
    """

    def __init__(
        self,
        families: Callable[[], Iterable[Family]],
        endpoint: str,
        protocol: str = "grpc",
        interval_seconds: float = 60.0,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._families = families
        reader = PeriodicExportingMetricReader(
            _exporter(endpoint, protocol, timeout_seconds),
            export_interval_millis=interval_seconds * 1000,
            export_timeout_millis=timeout_seconds * 1000,
        )
        self._provider = MeterProvider(
            metric_readers=[reader],
            resource=Resource(
                {"service.name": _SERVICE, "service.version": __version__, SELF: True}
            ),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter(_SERVICE, __version__)
        for metric in telemetry.METRICS:
            create = (
                meter.create_observable_counter
                if metric.type is Type.COUNTER
                else meter.create_observable_gauge
            )
            create(
                PREFIX + metric.name,
                callbacks=[self._observe(metric)],
                unit=metric.unit,
                description=metric.help,
            )

    def close(self) -> None:
        """Push once more, and end."""
        try:
            self._provider.shutdown(timeout_millis=_FLUSH_MILLISECONDS)
        except Exception as error:  # noqa: BLE001 (a receiver that is gone must not fail the end)
            logging.getLogger("telemetry_auditor").warning(
                "the last metrics could not be pushed: %s", type(error).__name__
            )

    def _observe(self, metric: Metric) -> Callable[[CallbackOptions], Sequence[Observation]]:
        def observe(_options: CallbackOptions) -> Sequence[Observation]:
            return [
                Observation(value, dict(zip(metric.labels, labels, strict=True)))
                for family in self._families()
                if family.metric is metric
                for labels, value in family.samples.items()
            ]

        return observe


def _exporter(endpoint: str, protocol: str, timeout_seconds: float) -> MetricExporter:
    if protocol == "grpc":
        return GrpcExporter(
            endpoint=endpoint,
            insecure=endpoint.startswith("http://"),
            timeout=timeout_seconds,
        )
    path = "" if endpoint.rstrip("/").endswith("/v1/metrics") else "/v1/metrics"
    return HttpExporter(endpoint=endpoint.rstrip("/") + path, timeout=timeout_seconds)
