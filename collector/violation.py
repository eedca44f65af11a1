"""What a policy says when telemetry breaks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Signal(StrEnum):
    """The three signals of OTLP, named as its HTTP paths name them."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


class Severity(IntEnum):
    """How much a violation matters; comparable, so that the worst of two is their maximum."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @classmethod
    def parse(cls, text: str) -> Severity:
        """Read ``info``, ``warning`` or ``critical``.

        Raises:
            KeyError: if the text is none of them.
        """
        return cls[text.upper()]

    @property
    def label(self) -> str:
        """The severity as metrics, findings and policy files spell it."""
        return self.name.lower()


class Basis(StrEnum):
    """Whether telemetry states the fault, or its structure leads us to conclude it."""

    OBSERVED = "observed"
    INFERRED = "inferred"


class Service(NamedTuple):
    """Who sends telemetry: ``service.name`` with its namespace and deployment environment."""

    name: str
    namespace: str = ""
    environment: str = ""


UNKNOWN_SERVICE = "unknown"

Evidence = Mapping[str, str | int | float | bool | tuple[str, ...] | tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach of one policy, ready to be folded into a finding and counted.

    Attributes:
        policy: id of the policy.
        kind: name of the policy's kind.
        severity: after the policy's own bound was applied.
        signal: the signal in which it was seen.
        service: who sent the telemetry.
        subject: what a person would go and change: a metric and label, a route, a peer.
        basis: observed in telemetry or inferred from its structure.
        count: violating items that this stands for; 1 for a state that holds in a window.
        trace_id: a trace to look at, as 32 hex digits, or empty.
        summary: one sentence with the numbers behind the judgement.
        evidence: those numbers and names, by name. Never a secret.
        remedy: what to do, in the words of the policy.
    """

    policy: str
    kind: str
    severity: Severity
    signal: Signal
    service: Service
    subject: str
    basis: Basis
    summary: str
    remedy: str
    count: int = 1
    trace_id: str = ""
    evidence: Evidence = field(default_factory=dict)
