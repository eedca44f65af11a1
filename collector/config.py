"""Everything that can be configured, with its default, its bounds and what it means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr

from collector import address
from collector.address import Address

_MIB = 1024 * 1024


def _address(text: str) -> str:
    address.parse(text)
    return text


ListenAddress = Annotated[str, AfterValidator(_address)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400 * 366, allow_inf_nan=False)]


class Section(BaseModel):
    """A group of keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Listener(Section):
    """A group of keys of a listener."""

    address: ListenAddress = Field(description=address.FORM)

    @property
    def bind(self) -> Address | None:
        """Host and port; None when the listener is off."""
        return address.parse(self.address)


class Grpc(Listener):
    """The OTLP/gRPC listener."""

    address: ListenAddress = Field(
        default="127.0.0.1:4317", description=f"where OTLP/gRPC is received: {address.FORM}"
    )
    max_bytes: Positive = Field(
        default=4 * _MIB, description="largest message, inflated; gRPC's own default is 4 MiB"
    )
    body_timeout_seconds: Seconds = Field(
        default=10, description="a message that takes longer is refused; SDKs give up after 10 s"
    )


class Http(Listener):
    """The OTLP/HTTP listener."""

    address: ListenAddress = Field(
        default="127.0.0.1:4318", description=f"where OTLP/HTTP is received: {address.FORM}"
    )
    max_bytes: Positive = Field(
        default=20 * _MIB,
        description="largest body, inflated; the Collector's own default is 20 MiB",
    )
    body_timeout_seconds: Seconds = Field(
        default=10, description="a body that takes longer is refused; SDKs give up after 10 s"
    )


class Admin(Listener):
    """The listener for metrics, health and findings."""

    address: ListenAddress = Field(
        default="127.0.0.1:9464",
        description=f"where /metrics and health are served: {address.FORM}; "
        "9464 is OpenTelemetry's port for Prometheus",
    )


class Admission(Section):
    """How much is taken at once; beyond it, senders are asked to come back."""

    max_requests: Positive = Field(default=64, description="requests in flight")
    max_bytes_in_flight: Positive = Field(
        default=128 * _MIB, description="bytes of requests in flight, inflated"
    )
    retry_after_seconds: Seconds = Field(
        default=1, description="when a refused sender is asked to come back"
    )


class Traces(Section):
    """The table of open traces."""

    wait_seconds: Seconds = Field(
        default=30,
        description="from a trace's first span to its judgement; 30 is the default of the "
        "Collector's tail sampling",
    )
    max_spans: Positive = Field(default=200_000, description="open spans; about 1 KB each")
    max_spans_per_trace: Positive = Field(default=10_000, description="open spans of one trace")


class Decode(Section):
    """What is read from telemetry, and remembered of it."""

    slice_items: Positive = Field(
        default=2000, description="items inspected before other requests have a turn"
    )
    remembered_values: Positive = Field(
        default=262_144, description="distinct values of which the verdict is remembered"
    )
    max_value_length: Positive = Field(
        default=1_048_576, description="characters of a value that are inspected"
    )
    series_refresh_seconds: Seconds = Field(
        default=300, description="how often a metric's series that lives on is looked at again"
    )
    max_series: Positive = Field(
        default=1_000_000, description="series remembered between two such looks"
    )


class Findings(Section):
    """How repeats of a violation are folded, and where findings are written."""

    file: str = Field(default="", description="file for findings as JSON lines; empty for none")
    rotate_bytes: Positive = Field(
        default=64 * _MIB, description="size at which a new file is begun"
    )
    keep: Annotated[int, Field(ge=0)] = Field(default=3, description="older files that are kept")
    fold_seconds: Seconds = Field(
        default=600, description="repeats within this time belong to one finding"
    )
    max_open: Positive = Field(default=10_000, description="findings that are open at once")


class Labels(Section):
    """Bounds on the labels of the auditor's own metrics."""

    max_services: Positive = Field(
        default=200, description="services with a label of their own; others share one"
    )
    top_cardinality: Positive = Field(
        default=20, description="labels whose number of values is shown as a metric"
    )


class Policies(Section):
    """Which policies are loaded."""

    shipped: bool = Field(default=True, description="whether the shipped packs are loaded")
    paths: tuple[str, ...] = Field(
        default=(), description="policy files, and directories of them; in a variable, by commas"
    )


class Otlp(Section):
    """Pushing the auditor's own metrics over OTLP."""

    endpoint: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="http(s)://HOST:PORT of a Collector; empty for none",
    )
    interval_seconds: Seconds = Field(default=60, description="time between two pushes")
    timeout_seconds: Seconds = Field(default=10, description="a push that takes longer is dropped")


class Secrets(Section):
    """How secrets that were found are told apart without being shown."""

    fingerprint_key_file: str = Field(
        default="",
        description="file that holds the key of fingerprints; without it a key is made at start, "
        "and fingerprints differ after a restart",
    )


class Log(Section):
    """The auditor's own log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least severe that is logged"
    )
    format: Literal["text", "json"] = Field(default="text", description="one line for each event")


class Config(Section):
    """The configuration of the auditor."""

    grpc: Grpc = Field(default=Grpc(), description="the OTLP/gRPC listener")
    http: Http = Field(default=Http(), description="the OTLP/HTTP listener")
    admin: Admin = Field(default=Admin(), description="the listener for metrics and health")
    admission: Admission = Field(default=Admission(), description="how much is taken at once")
    traces: Traces = Field(default=Traces(), description="the table of open traces")
    decode: Decode = Field(default=Decode(), description="what is read and remembered")
    findings: Findings = Field(default=Findings(), description="folding and writing findings")
    labels: Labels = Field(default=Labels(), description="bounds on labels of own metrics")
    policies: Policies = Field(default=Policies(), description="which policies are loaded")
    otlp: Otlp = Field(default=Otlp(), description="pushing own metrics over OTLP")
    secrets: Secrets = Field(default=Secrets(), description="fingerprints of secrets")
    log: Log = Field(default=Log(), description="the auditor's own log")

    _sources: dict[tuple[str, str], str] = PrivateAttr(default_factory=dict)

    def source(self, section: str, key: str) -> str:
        """Where a value comes from, as a user would name it.

        Args:
            section: name of the section.
            key: name within it.
        """
        return self._sources.get((section, key), "default")
