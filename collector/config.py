"""The configuration: one YAML file, environment variables above it, flags above both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collector.problem import Problem, ProblemsError, quoted
from collector.validation import validate
from collector.yamlmap import read

ENV_PREFIX = "TELEMETRY_AUDITOR_"
OFF = "off"
_MIB = 1024 * 1024

Address = Annotated[str, Field(pattern=r"^(off|(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5})$")]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Grpc(_Section):
    """OTLP over gRPC."""

    address: Address = Field(default="127.0.0.1:4317", description="HOST:PORT, or off")
    max_bytes: Count = Field(
        default=64 * _MIB, description="largest message, before and after decompression"
    )
    body_timeout_seconds: Seconds = Field(default=10, description="for a message to arrive")


class Http(_Section):
    """OTLP over HTTP."""

    address: Address = Field(default="127.0.0.1:4318", description="HOST:PORT, or off")
    max_bytes: Count = Field(
        default=64 * _MIB, description="largest body, before and after decompression"
    )
    body_timeout_seconds: Seconds = Field(default=10, description="for a body to arrive")


class Admin(_Section):
    """Metrics and health."""

    address: Address = Field(default="127.0.0.1:9464", description="HOST:PORT, or off")


class AdmissionBounds(_Section):
    """What may be in flight, over both listeners."""

    max_requests: Count = Field(default=64, description="requests")
    max_bytes_in_flight: Count = Field(default=256 * _MIB, description="bytes of bodies")
    retry_after_seconds: Count = Field(default=2, description="what a refused client is told")


class Traces(_Section):
    """Open traces."""

    wait_seconds: Seconds = Field(
        default=30, description="from a trace's first span to its judgement"
    )
    max_spans: Count = Field(default=200_000, description="open spans; beyond, traces are sampled")
    max_spans_per_trace: Count = Field(default=10_000, description="spans kept of one trace")


class Decode(_Section):
    """What the decoder remembers."""

    slice_items: Count = Field(default=2000, description="items handed over at once")
    remembered_values: Count = Field(default=262_144, description="values with their verdict")
    max_value_length: Count = Field(default=1_048_576, description="characters of a string read")
    max_series: Count = Field(default=1_000_000, description="series remembered")
    series_refresh_seconds: Seconds = Field(
        default=300, description="a living series is shown to the policies once in each"
    )


class FindingsOutput(_Section):
    """Findings."""

    file: str = Field(default="", description="JSON lines go here; - is standard output")
    rotate_bytes: Count = Field(default=64 * _MIB, description="size at which the file is renamed")
    keep: int = Field(default=3, ge=0, description="renamed files kept")
    fold_seconds: Seconds = Field(default=600, description="a finding closes after so long")
    max_open: Count = Field(default=10_000, description="findings open at most")


class Labels(_Section):
    """Values of labels on its own metrics."""

    max_services: Count = Field(default=200, description="service names; others read _other")
    top: Count = Field(default=20, description="samples of each gauge that policies give")


class Policies(_Section):
    """Policy files."""

    paths: tuple[str, ...] = Field(default=(), description="files and directories")
    shipped: bool = Field(default=True, description="whether the shipped packs are loaded")


class Otlp(_Section):
    """Its own metrics, pushed."""

    endpoint: str = Field(default="", description="URL of an OTLP receiver; empty pushes nothing")
    protocol: Literal["grpc", "http/protobuf"] = Field(default="grpc", description="of the push")
    interval_seconds: Seconds = Field(default=60, description="between two pushes")
    timeout_seconds: Seconds = Field(default=10, description="for one push")


class Secrets(_Section):
    """How secrets are shown without being shown."""

    fingerprint_key_file: Path | None = Field(
        default=None, description="key of fingerprints; without it one is made at each start"
    )


class Log(_Section):
    """The program's own log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="lowest level that is shown"
    )


class Config(_Section):
    """All that can be configured."""

    grpc: Grpc = Grpc()
    http: Http = Http()
    admin: Admin = Admin()
    admission: AdmissionBounds = AdmissionBounds()
    traces: Traces = Traces()
    decode: Decode = Decode()
    findings: FindingsOutput = FindingsOutput()
    labels: Labels = Labels()
    policies: Policies = Policies()
    otlp: Otlp = Otlp()
    secrets: Secrets = Secrets()
    log: Log = Log()


def variables() -> dict[str, tuple[str, str]]:
    """Every environment variable with the section and key that it sets."""
    return {
        f"{ENV_PREFIX}{section}_{key}".upper(): (section, key)
        for section, field in Config.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    }


def load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Config:
    """The configuration in force.

    Args:
        path: of the file; none is all defaults.
        environ: variables that begin with `ENV_PREFIX` are read, lists as comma-separated.
        flags: by dotted key.

    Raises:
        ProblemsError: with everything that is wrong in the file, the variables and the flags.
    """
    problems: list[Problem] = []
    values: dict[str, dict[str, Any]] = {}
    if path is not None:
        values = _from_file(path, problems)
    _from_environment(environ, values, problems)
    for dotted, value in flags.items():
        section, _, key = dotted.partition(".")
        _check(f"--{section}", section, key, value, problems)
        values.setdefault(section, {})[key] = value
    if problems:
        raise ProblemsError(problems)
    return Config.model_validate(values)


def _from_file(path: Path, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    try:
        document = read(path)
    except ProblemsError as error:
        problems += error.problems
        return {}
    value = document.at(()) or {}
    config, faults = validate(Config, value)
    for fault in faults:
        problems.append(
            document.problem(
                fault.where,
                fault.message,
                allowed=fault.allowed,
                found=fault.found,
                at_key=fault.at_key,
            )
        )
    if config is None:
        return {}
    return {section: dict(keys) for section, keys in value.items() if keys}


def _from_environment(
    environ: Mapping[str, str], values: dict[str, dict[str, Any]], problems: list[Problem]
) -> None:
    known = variables()
    for name in sorted(name for name in environ if name.startswith(ENV_PREFIX)):
        if name not in known:
            message = "no key of the configuration is set by this environment variable"
            problems.append(Problem(name, message=message, allowed=tuple(known), found=name))
            continue
        section, key = known[name]
        text = environ[name]
        listed = section == "policies" and key == "paths"
        value = tuple(filter(None, text.split(","))) if listed else text
        _check(name, section, key, value, problems)
        values.setdefault(section, {})[key] = value


def _check(
    name: str,
    section: str,
    key: str,
    value: Any,  # noqa: ANN401 (a variable or a flag)
    problems: list[Problem],
) -> None:
    model = Config.model_fields[section].annotation
    try:
        model.model_validate({key: value})  # type: ignore[union-attr]
    except ValidationError as error:
        about = model.model_fields[key].description or ""  # type: ignore[union-attr]
        allowed = tuple(detail["msg"] for detail in error.errors(include_url=False))
        message = f"{section}.{key} ({about}) is {quoted(value)}"
        problems.append(Problem(name, message=message, allowed=allowed))


def as_yaml(config: Config) -> str:
    """The configuration as a file that says the same, each key with its description.

    Args:
        config: in force.
    """
    lines: list[str] = []
    for section, values in config.model_dump(mode="json").items():
        model = Config.model_fields[section].annotation
        lines.append(f"{section}:  # {(model.__doc__ or '').rstrip('.')}")
        for key, value in values.items():
            shown = yaml.safe_dump({key: value}, default_flow_style=None).strip()
            lines.append(f"  {shown}  # {model.model_fields[key].description}")  # type: ignore[union-attr]
    return "\n".join(lines)
