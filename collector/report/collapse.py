"""Violations folded into findings, which open, escalate and close.

Not safe for threads; its caller holds a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from collector.violation import Basis, Evidence, Service, Severity, Signal, Violation


class State(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    ESCALATED = "escalated"
    CLOSED = "closed"


class Key(NamedTuple):
    """What is folded together."""

    policy: str
    service: Service
    subject: str


@dataclass(slots=True)
class Finding:
    """All violations of one policy by one service about one subject.

    Attributes:
        severity: the highest so far.
        count: violating items so far.
        first_seen: seconds since 1970.
        last_seen: seconds since 1970.
        trace_id: of a violation that named one.
        summary: of the violation with the highest severity.
        evidence: likewise.
    """

    policy: str
    kind: str
    severity: Severity
    signal: Signal
    service: Service
    subject: str
    basis: Basis
    count: int
    first_seen: float
    last_seen: float
    trace_id: str
    summary: str
    evidence: Evidence
    remedy: str
    state: State = State.OPEN

    @classmethod
    def of(cls, violation: Violation, now: float) -> Finding:
        """A new finding."""
        return cls(
            policy=violation.policy,
            kind=violation.kind,
            severity=violation.severity,
            signal=violation.signal,
            service=violation.service,
            subject=violation.subject,
            basis=violation.basis,
            count=violation.count,
            first_seen=now,
            last_seen=now,
            trace_id=violation.trace_id,
            summary=violation.summary,
            evidence=violation.evidence,
            remedy=violation.remedy,
        )

    def fold(self, violation: Violation, now: float) -> bool:
        """Add a violation; True when the severity rose."""
        self.count += violation.count
        self.last_seen = now
        self.trace_id = self.trace_id or violation.trace_id
        if violation.severity < self.severity:
            return False
        self.summary, self.evidence = violation.summary, violation.evidence
        if violation.severity == self.severity:
            return False
        self.severity = violation.severity
        self.state = State.ESCALATED
        return True


class _Saved(msgspec.Struct):
    """A finding as another process saved it."""

    policy: str
    kind: str
    severity: Severity
    signal: Signal
    service: Service
    subject: str
    basis: Basis
    count: int
    first_seen: float
    last_seen: float
    trace_id: str
    summary: str
    evidence: dict[str, str | int | float | list[str | int | float]]
    remedy: str
    state: State


def finding_of(saved: object) -> Finding:
    """A finding from values of MessagePack.

    Args:
        saved: what `msgspec.to_builtins` makes of a `Finding`.

    Raises:
        ValueError: if it is anything else.
    """
    fields = msgspec.structs.asdict(msgspec.convert(saved, _Saved))
    evidence = fields["evidence"].items()
    fields["evidence"] = {k: tuple(v) if isinstance(v, list) else v for k, v in evidence}
    return Finding(**fields)


class Findings:
    """The bounded table of findings.

    Args:
        fold_seconds: a finding closes so long after its last violation.
        max_open: findings open at most; violations that would open more are counted in
            `refused`, and in the metrics like all others.
    """

    def __init__(self, fold_seconds: float = 600.0, max_open: int = 10_000) -> None:
        self._fold = fold_seconds
        self._max_open = max_open
        self._open: dict[Key, Finding] = {}
        self.refused = 0

    def add(self, violation: Violation, now: float) -> Finding | None:
        """Fold a violation in; the finding when it is new or has escalated."""
        key = Key(violation.policy, violation.service, violation.subject)
        finding = self._open.get(key)
        if finding is not None:
            return finding if finding.fold(violation, now) else None
        if len(self._open) >= self._max_open:
            self.refused += violation.count
            return None
        finding = self._open[key] = Finding.of(violation, now)
        return finding

    def close(self, now: float) -> Iterator[Finding]:
        """Take out the findings whose time has passed; all of them at the end of time."""
        due = [key for key, one in self._open.items() if one.last_seen + self._fold <= now]
        for key in due:
            finding = self._open.pop(key)
            finding.state = State.CLOSED
            yield finding

    def reopen(self, findings: Iterable[Finding]) -> None:
        """Go on with findings that were open in another process."""
        for one in findings:
            if len(self._open) < self._max_open:
                self._open.setdefault(Key(one.policy, one.service, one.subject), one)

    def open(self) -> list[Finding]:
        """The findings that are open."""
        return list(self._open.values())

    def counts(self) -> Counter[tuple[str, str, str, str]]:
        """Open findings by (policy, kind, severity, service name)."""
        return Counter(
            (one.policy, one.kind, one.severity.label, one.service.name)
            for one in self._open.values()
        )
