"""Cases that stand beside a pack: telemetry that it must report, and telemetry that it must not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from collector import testing
from collector.policyfile import Loaded
from collector.policymodel import SeverityName
from collector.problem import Problem, ProblemsError
from collector.validation import Fault, validate
from collector.violation import Basis, Signal
from collector.yamlmap import Document, read


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Delivery(_Model):
    """What arrives at one time from one service; `collector.testing` says what items hold."""

    at: float = Field(default=0, ge=0, description="seconds from the start of the case")
    service: str | dict[str, str] = Field(
        default="", description="service.name, or name, namespace and environment"
    )
    resource: dict[str, Any] = Field(default={}, description="further resource attributes")
    scope: str = Field(default="", description="name of the scope")
    scope_attributes: dict[str, Any] = Field(default={}, description="attributes of the scope")
    repeat: int = Field(default=1, ge=1, le=100_000, description="copies, numbered by {i}")
    spans: tuple[dict[str, Any], ...] = Field(default=(), description="spans")
    logs: tuple[dict[str, Any], ...] = Field(default=(), description="log records")
    metrics: tuple[dict[str, Any], ...] = Field(default=(), description="metrics")


class Expected(_Model):
    """A violation that a case expects; what is left out is not compared."""

    policy: str = Field(default="", description="id of the policy")
    kind: str = Field(default="", description="name of the kind")
    severity: SeverityName | None = Field(default=None, description="info, warning or critical")
    signal: Signal | None = Field(default=None, description="traces, logs or metrics")
    service: str = Field(default="", description="name of the service")
    subject: str = Field(default="", description="subject of the violation")
    basis: Basis | None = Field(default=None, description="observed or inferred")
    count: int | None = Field(default=None, description="how often, all told")


class Case(_Model):
    """One case of a NAME.test.yaml."""

    name: str = Field(min_length=1, description="what the case promises")
    telemetry: tuple[Delivery, ...] = Field(description="deliveries in order of arrival")
    until: float | None = Field(default=None, description="seconds to which time goes on")
    enable: tuple[str, ...] = Field(
        default=(), description="ids of policies that are off by default and on in this case"
    )
    expect: tuple[Expected, ...] = Field(description="every violation; empty for clean telemetry")


def cases(path: Path) -> list[Case]:
    """Cases of a file.

    Args:
        path: of a NAME.test.yaml.

    Raises:
        ProblemsError: with everything that is wrong in it.
    """
    document = read(path)
    if not isinstance(document.value, list) or not document.value:
        raise ProblemsError([Problem(str(path), message="holds no list of cases")])
    found: dict[str, Case] = {}
    problems: list[Problem] = []
    for i, raw in enumerate(document.value):
        case, faults = validate(Case, raw)
        if case is not None and case.name in found:
            faults = [Fault(("name",), f"the name `{case.name}` stands twice")]
        problems += [_problem(document, i, fault) for fault in faults]
        if case is not None:
            found[case.name] = case
    if problems:
        raise ProblemsError(problems)
    return list(found.values())


def _problem(document: Document, index: int, fault: Fault) -> Problem:
    return document.problem(
        (index, *fault.where),
        fault.message,
        allowed=fault.allowed,
        found=fault.found,
        at_key=fault.at_key,
    )


def run(loaded: Loaded, case: Case) -> list[str]:
    """Differences between what a case expects and what a pack finds, in words.

    Args:
        loaded: the pack; its policies are made anew, so that cases do not see each other.
        case: what to send and to expect.
    """
    expected: list[Mapping[str, Any]] = [
        one.model_dump(mode="json", exclude_unset=True) for one in case.expect
    ]
    telemetry = [one.model_dump(exclude_unset=True) for one in case.telemetry]
    absent = set(case.enable).difference(one.terms.id for one in loaded.disabled)
    if absent:
        return [f"no policy that is off by default is named {', '.join(sorted(absent))}"]
    try:
        found = testing.run(
            loaded.fresh(case.enable),
            [_listed(one) for one in telemetry],
            case.until,
            own=loaded.detectors,
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return [f"the telemetry cannot be sent: {type(error).__name__}: {error}"]
    return testing.compare(found, expected)


def _listed(delivery: dict[str, Any]) -> dict[str, Any]:
    """A delivery in which lists are lists, as YAML gives them."""
    return {key: list(item) if isinstance(item, tuple) else item for key, item in delivery.items()}
