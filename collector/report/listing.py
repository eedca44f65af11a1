"""Open findings as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from collector.report.collapse import Finding
from collector.report.jsonlog import as_object
from collector.report.printable import as_json

DEFAULT = 100
MOST = 1_000


def limit_of(text: str | None) -> int:
    """How many findings a query asks for.

    Args:
        text: of the parameter; None where there is none.

    Raises:
        ValueError: if it is no number from 1 to `MOST`.
    """
    if text is None:
        return DEFAULT
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise ValueError(f"limit must be a number from 1 to {MOST}")
    return int(text[:9])


def listing(findings: Iterable[Finding], limit: int) -> bytes:
    """The worst findings, and among equals the latest.

    Args:
        findings: those that are open; their texts are scrubbed.
        limit: findings shown at most.
    """
    found = list(findings)
    worst = nsmallest(limit, found, key=_rank)
    shown = {"open": len(found), "findings": [as_object(one) for one in worst]}
    return as_json(shown).encode() + b"\n"


def _rank(finding: Finding) -> tuple[int, float, str, str]:
    return (-finding.severity, -finding.last_seen, finding.policy, finding.subject)
