"""Everything that can be configured: defaults, bounds, and what each key means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

OFF = "off"
_MIB = 1024 * 1024

_HIGHEST_PORT = 65_535
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):(?P<port>[0-9]{1,5})")
_UNIX = re.compile(r"unix:/[^\0]{1,100}")


def _listener(text: str) -> str:
    if text.startswith("unix:"):
        if _UNIX.fullmatch(text) is None:
            raise ValueError(f"`{text}` is not unix:/PATH with a path of at most 101 characters")
    elif not _is_address(text):
        raise ValueError(f"`{text}` is not HOST:PORT, [IPV6]:PORT, unix:/PATH or off")
    return text


def _address(text: str) -> str:
    if not _is_address(text):
        raise ValueError(f"`{text}` is not HOST:PORT, [IPV6]:PORT or off")
    return text


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return text == OFF or (found is not None and int(found["port"]) <= _HIGHEST_PORT)


#: Headers of one connection, or of one body; whoever sends writes his own.
_OWN_HEADERS = frozenset(
    {
        *("connection", "content-encoding", "content-length", "content-type", "expect", "host"),
        *("keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "accept-encoding"),
        *("grpc-timeout", "grpc-encoding", "grpc-accept-encoding"),
    }
)


def _header(name: str) -> str:
    if name.lower() in _OWN_HEADERS or name.lower().endswith("-bin"):
        raise ValueError(f"`{name}` cannot be sent on: it says how one request is written")
    return name


Address = Annotated[str, AfterValidator(_address)]
#: The same, or a socket in the file system.
Listener = Annotated[str, AfterValidator(_listener)]
#: A year at most: beyond it, waits of the system overflow.
Seconds = Annotated[float, Field(gt=0, le=366 * 86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$"), AfterValidator(_header)]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
SocketMode = Annotated[str, Field(pattern=r"^0[0-7]{3}$")]


class Section(BaseModel):
    """A group of keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Grpc(Section):
    """OTLP over gRPC."""

    address: Listener = Field(default="127.0.0.1:4317", description="HOST:PORT, unix:/PATH, or off")
    socket_mode: SocketMode = Field(default="0660", description="of the file at unix:/PATH")
    max_bytes: Count = Field(
        default=64 * _MIB, description="largest message, before and after decompression"
    )
    body_timeout_seconds: Seconds = Field(default=10, description="for a message to arrive")
    max_connections: Count = Field(default=1_000, description="connections; others are refused")
    max_connection_age_seconds: Seconds = Field(
        default=1_800, description="after which a client is asked to connect anew"
    )
    max_connection_idle_seconds: Seconds = Field(
        default=900, description="after which a connection without a call is closed"
    )


class Http(Section):
    """OTLP over HTTP."""

    address: Listener = Field(default="127.0.0.1:4318", description="HOST:PORT, unix:/PATH, or off")
    socket_mode: SocketMode = Field(default="0660", description="of the file at unix:/PATH")
    max_bytes: Count = Field(
        default=64 * _MIB, description="largest body, before and after decompression"
    )
    header_timeout_seconds: Seconds = Field(default=30, description="for headers to arrive")
    body_timeout_seconds: Seconds = Field(default=10, description="for a body to arrive")
    idle_timeout_seconds: Seconds = Field(
        default=120, description="after which a connection without a request is closed"
    )
    max_connections: Count = Field(default=1_000, description="connections; others are closed")


class Admin(Section):
    """Metrics, health and findings."""

    address: Address = Field(default="127.0.0.1:9464", description="HOST:PORT, or off")
    findings: bool = Field(
        default=False, description="whether /findings shows open findings, secrets masked"
    )
    max_connections: Count = Field(
        default=100,
        description="connections; for another, the oldest without a request is closed",
    )


class Tls(Section):
    """Transport security of the OTLP listeners."""

    certificate_file: Path | None = Field(
        default=None, description="certificate chain in PEM; without it, plain text"
    )
    key_file: Path | None = Field(default=None, description="its key in PEM, unencrypted")
    client_ca_file: Path | None = Field(
        default=None, description="only clients with a certificate from these may send"
    )
    reload_seconds: Seconds = Field(
        default=30,
        description="between two looks at whether these files, tokens, or those of forward changed",
    )

    @model_validator(mode="after")
    def _whole(self) -> Tls:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file need each other")
        if self.client_ca_file is not None and self.certificate_file is None:
            raise ValueError("client_ca_file needs certificate_file and key_file")
        return self


class Auth(Section):
    """Who may send to the OTLP listeners."""

    tokens_file: Path | None = Field(
        default=None, description="bearer tokens, one a line; without it, everybody may send"
    )


class AdmissionBounds(Section):
    """What may be in flight, over both listeners."""

    max_requests: Count = Field(default=64, description="requests")
    max_bytes_in_flight: Count = Field(
        default=256 * _MIB,
        description="bytes of bodies; inflated where they came over gRPC or are sent on",
    )
    max_memory_bytes: Count | None = Field(
        default=None,
        description="memory of the process above which requests are refused; without it, nine "
        "tenths of the container's limit, if it has one",
    )
    retry_after_seconds: Count = Field(default=2, description="what a refused client is told")
    drain_seconds: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=0,
        description="between SIGTERM, when /readyz fails, and the closing of the listeners",
    )
    grace_seconds: Seconds = Field(
        default=10, description="for requests in flight when the listeners close"
    )
    overload_unready: bool = Field(
        default=False,
        description="whether /readyz fails under overload: never as a sidecar, where it would take "
        "the application out of its Service",
    )


class Forward(Section):
    """The next OTLP hop, to which requests are sent on as they came, while they are inspected."""

    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+(/\S*)?)?$",
        description="http(s)://HOST:PORT; empty sends nothing on",
    )
    protocol: Literal["grpc", "http/protobuf"] = Field(default="grpc", description="of the hop")
    signals: tuple[Literal["traces", "logs", "metrics"], ...] = Field(
        default=("traces", "logs", "metrics"), description="that are sent on; others end here"
    )
    compression: Literal["none", "gzip"] = Field(
        default="none", description="of what did not come compressed"
    )
    headers: dict[HeaderName, HeaderValue] = Field(default={}, description="added to each request")
    headers_file: Path | None = Field(
        default=None, description="the same for secret ones, a line NAME: VALUE each"
    )
    pass_headers: tuple[HeaderName, ...] = Field(
        default=(), description="headers of the sender that are sent on, such as authorization"
    )
    ca_file: Path | None = Field(
        default=None, description="whom to trust, in PEM; without it, whom the system trusts"
    )
    certificate_file: Path | None = Field(
        default=None, description="certificate to show, in PEM, with key_file"
    )
    key_file: Path | None = Field(default=None, description="its key in PEM, unencrypted")
    max_in_flight: Count = Field(default=64, description="requests that wait for an answer")
    timeout_seconds: Seconds = Field(
        default=8, description="for an answer; less than the 10 s after which senders give up"
    )
    retry_after_seconds: Count = Field(
        default=2, description="what a sender is told to wait where the hop gave no answer"
    )

    @model_validator(mode="after")
    def _whole(self) -> Forward:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file need each other")
        if self.endpoint and self.protocol == "grpc":
            where = urlsplit(self.endpoint)
            if where.path.strip("/") or _ADDRESS.fullmatch(where.netloc) is None:
                raise ValueError("endpoint must be http(s)://HOST:PORT where protocol is grpc")
        return self


class Traces(Section):
    """Open traces."""

    wait_seconds: Seconds = Field(
        default=30, description="from a trace's first span to its judgement"
    )
    max_spans: Count = Field(default=200_000, description="open spans; beyond, traces are sampled")
    max_spans_per_trace: Count = Field(default=10_000, description="spans kept of one trace")
    max_spans_shown: Count = Field(
        default=2_000, description="spans of one trace that policies look at"
    )
    max_producers: Count = Field(
        default=100_000, description="sent messages remembered, to tell the age of received ones"
    )
    max_watched: Count = Field(default=10_000, description="trace ids that policies wait for")


class Decode(Section):
    """What the decoder remembers."""

    slice_items: Count = Field(default=2000, description="items handed over at once")
    max_keys: Count = Field(default=8_192, description="attribute names known at a time")
    max_shapes: Count = Field(default=8_192, description="sets of attribute names known at a time")
    max_new_profiles: Count = Field(
        default=4_096, description="kinds of call learned at once; an eighth as many each second"
    )
    max_values_at_once: Count = Field(default=20_000, description="strings looked at per batch")
    remembered_values: Count = Field(default=262_144, description="values with their verdict")
    max_value_length: Count = Field(default=1_048_576, description="characters of a string read")
    max_series: Count = Field(default=1_000_000, description="series remembered")
    series_refresh_seconds: Seconds = Field(
        default=300, description="a living series is shown to the policies once in each"
    )


class FindingsOutput(Section):
    """Findings."""

    file: str = Field(default="", description="JSON lines go here; - is standard output")
    rotate_bytes: Count = Field(default=64 * _MIB, description="size at which the file is renamed")
    keep: int = Field(default=3, ge=0, description="renamed files kept")
    fold_seconds: Seconds = Field(default=600, description="a finding closes after so long")
    max_open: Count = Field(default=10_000, description="findings open at most")


class SnapshotSection(Section):
    """State over restarts."""

    file: Path | None = Field(
        default=None, description="where it is kept, by each replica its own; without it, nowhere"
    )
    interval_seconds: Seconds = Field(default=60, description="between two writings")
    max_bytes: Count = Field(default=64 * _MIB, description="of what policies save, about")
    max_age_seconds: Seconds = Field(default=3_600, description="an older one is not believed")


class FeedbackOutput(Section):
    """New findings in the answers to exporters, so that the log of their SDK shows them."""

    enabled: bool = Field(
        default=False, description="whether an answer names new findings of the services in it"
    )
    max_services: Count = Field(default=1_000, description="services with something to be told")
    max_findings: Count = Field(default=20, description="to be told to each; of more, the worst")
    max_characters: int = Field(default=500, ge=100, description="told at once; the rest follows")


class Labels(Section):
    """Values of labels on its own metrics."""

    max_services: Count = Field(default=200, description="service names; others read _other")
    top: Count = Field(default=20, description="samples of each gauge that policies give")


class Policies(Section):
    """Policy files."""

    paths: tuple[str, ...] = Field(default=(), description="files and directories")
    shipped: bool = Field(default=True, description="whether the shipped packs are loaded")
    reload_seconds: Seconds = Field(
        default=30, description="between two looks at whether these files have changed"
    )


class Otlp(Section):
    """Its own metrics, pushed."""

    endpoint: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="http(s)://HOST:PORT of an OTLP receiver; empty pushes nothing",
    )
    protocol: Literal["grpc", "http/protobuf"] = Field(default="grpc", description="of the push")
    interval_seconds: Seconds = Field(default=60, description="between two pushes")
    timeout_seconds: Seconds = Field(default=10, description="for one push")


class Secrets(Section):
    """How secrets are shown without being shown."""

    fingerprint_key_file: Path | None = Field(
        default=None, description="key of fingerprints; without it one is made at each start"
    )
    cache_directory: Path | None = Field(
        default=None,
        description="compiled detectors are kept there, which saves part of a second at start",
    )


class Log(Section):
    """The program's own log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="lowest level that is shown"
    )


class Config(Section):
    """All that can be configured."""

    grpc: Grpc = Grpc()
    http: Http = Http()
    admin: Admin = Admin()
    tls: Tls = Tls()
    auth: Auth = Auth()
    admission: AdmissionBounds = AdmissionBounds()
    forward: Forward = Forward()
    traces: Traces = Traces()
    decode: Decode = Decode()
    findings: FindingsOutput = FindingsOutput()
    snapshot: SnapshotSection = SnapshotSection()
    feedback: FeedbackOutput = FeedbackOutput()
    labels: Labels = Labels()
    policies: Policies = Policies()
    otlp: Otlp = Otlp()
    secrets: Secrets = Secrets()
    log: Log = Log()

    _sources: dict[tuple[str, str], str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Config:
        if self.grpc.address == OFF and self.http.address == OFF:
            raise ValueError("grpc.address and http.address are both off: nothing is received")
        return self

    def source(self, section: str, key: str) -> str:
        """Where a value comes from, as a user would name it.

        Args:
            section: name of the section.
            key: name within it.
        """
        return self._sources.get((section, key), "default")
