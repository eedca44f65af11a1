"""What the demo shows: the auditor's counters joined with its findings, and a verdict."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table
from rich.text import Text

VIOLATIONS = "telemetry_auditor_violations_total"
SEVERITIES = ("info", "warning", "critical")
STYLES = {"info": "cyan", "warning": "yellow", "critical": "bold red"}
WELL_BEHAVED = "cart"

Key = tuple[str, str]  # service, policy
Finding = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """One kind of misbehaviour that the demo must bring to light.

    Attributes:
        title: What a person calls it.
        kinds: Kinds of policy that report it.
        service: The service that does it.
        mentions: A word that its subject or evidence must hold.
    """

    title: str
    kinds: frozenset[str]
    service: str
    mentions: str = ""

    def holds(self, finding: Finding) -> bool:
        """Whether a finding is of this family, whichever service it concerns."""
        text = json.dumps([finding.get("subject"), finding.get("evidence")]).lower()
        return finding["kind"] in self.kinds and self.mentions in text


FAMILIES = (
    Family("cardinality", frozenset({"metric_cardinality", "label_forbidden"}), "checkout"),
    Family("baggage secret", frozenset({"sensitive_value"}), "frontend", "baggage"),
    Family("missing correlation", frozenset({"log_correlation"}), "inventory"),
    Family("retry storm", frozenset({"retry_storm"}), "orders"),
    Family("liveness dependency", frozenset({"liveness_dependency"}), "catalog"),
)


@dataclass(frozen=True)
class Row:
    """One line of the table: what one policy says of one service."""

    service: str
    policy: str
    severity: str
    count: int
    what: str
    remedy: str


@dataclass(frozen=True)
class Verdict:
    """How a run ended.

    Attributes:
        lines: One for each family, one for the well-behaved service.
        passed: Every family was found where it is, and the well-behaved service is clean.
    """

    lines: tuple[str, ...]
    passed: bool


def violations(metrics: str) -> dict[Key, dict[str, int]]:
    """Violations by severity for each service and policy that has any.

    Args:
        metrics: The auditor's /metrics, in the Prometheus text format.

    Raises:
        ValueError: The text is in another format.
    """
    counts: dict[Key, dict[str, int]] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            # A policy's series is born at 0 with no service, so that its first increase shows.
            if sample.name != VIOLATIONS or not sample.value:
                continue
            key = sample.labels["service_name"], sample.labels["policy"]
            severity = sample.labels["severity"]
            tally = counts.setdefault(key, {})
            tally[severity] = tally.get(severity, 0) + int(sample.value)
    return counts


def findings(text: str) -> list[Finding]:
    """The newest record of each finding.

    Args:
        text: The auditor's findings, one JSON object a line; a last line without its end is
            still being written and is left for later.

    Raises:
        json.JSONDecodeError: A whole line is no JSON.
    """
    newest: dict[tuple[str, ...], Finding] = {}
    for line in text.splitlines(keepends=True):
        if line.endswith("\n") and line.strip():
            record: Finding = json.loads(line)
            identity = tuple(str(record[key]) for key in ("policy", "service", "subject"))
            newest[identity] = record
    return list(newest.values())


def _rank(finding: Finding) -> tuple[int, int]:
    return SEVERITIES.index(finding["severity"]), finding["count"]


def rows(counts: Mapping[Key, Mapping[str, int]], found: Iterable[Finding]) -> list[Row]:
    """One row for each service and policy, the gravest first.

    Args:
        counts: From `violations`.
        found: From `findings`.
    """
    grouped: dict[Key, list[Finding]] = {key: [] for key in counts}
    for finding in found:
        grouped.setdefault((finding["service"], finding["policy"]), []).append(finding)
    made = [_row(key, counts.get(key, {}), each) for key, each in grouped.items()]
    return sorted(
        made,
        key=lambda row: (-SEVERITIES.index(row.severity), row.service, -row.count, row.policy),
    )


def _row(key: Key, counts: Mapping[str, int], found: Sequence[Finding]) -> Row:
    top = max(found, key=_rank, default=None)
    severities = [*counts, *(finding["severity"] for finding in found)]
    return Row(
        service=key[0],
        policy=key[1],
        severity=max(severities, key=SEVERITIES.index),
        # What was judged only while the auditor ended is in the findings alone.
        count=sum(counts.values()) or sum(finding["count"] for finding in found),
        what=str(top["summary"] or top["subject"]) if top else "",
        remedy=str(top["remedy"]) if top else "",
    )


def table(lines: Sequence[Row], title: str) -> Table:
    """The rows as a table for the terminal.

    Args:
        lines: From `rows`.
        title: Its heading.
    """
    made = Table(title=title, title_justify="left", expand=True)
    for column in ("service", "policy", "severity"):
        made.add_column(column, no_wrap=True)
    made.add_column("count", justify="right", no_wrap=True)
    made.add_column("what", ratio=1)
    made.add_column("what to do", ratio=1)
    for row in lines:
        # Text, because brackets in a summary are no markup.
        made.add_row(
            Text(row.service),
            Text(row.policy),
            Text(row.severity, STYLES[row.severity]),
            str(row.count),
            Text(row.what),
            Text(row.remedy),
        )
    return made


def verdict(counts: Mapping[Key, Mapping[str, int]], found: Sequence[Finding]) -> Verdict:
    """Whether the demo showed what it is for.

    Args:
        counts: From `violations`.
        found: From `findings`.
    """
    lines: list[str] = []
    passed = True
    for family in FAMILIES:
        services = {finding["service"] for finding in found if family.holds(finding)}
        named = family.service in services
        passed = passed and named
        others = sorted(services - {family.service})
        state = f"found in {family.service}" if named else f"NOT FOUND in {family.service}"
        lines.append(f"{family.title}: {state}" + (f" (also {', '.join(others)})" * bool(others)))
    policies = {policy for service, policy in counts if service == WELL_BEHAVED}
    policies |= {finding["policy"] for finding in found if finding["service"] == WELL_BEHAVED}
    if policies:
        lines.append(
            f"{WELL_BEHAVED}, which behaves well: FINDING of {', '.join(sorted(policies))}"
        )
    else:
        lines.append(f"{WELL_BEHAVED}, which behaves well: no finding")
    return Verdict(tuple(lines), passed and not policies)


def clean_verdict(counts: Mapping[Key, Mapping[str, int]], found: Sequence[Finding]) -> Verdict:
    """Whether the shop's twin, which does everything right, is left alone.

    Args:
        counts: From `violations`.
        found: From `findings`.
    """
    named = {*counts, *((finding["service"], finding["policy"]) for finding in found)}
    lines = [f"{service}, which behaves well: FINDING of {policy}" for service, policy in named]
    return Verdict(tuple(sorted(lines)) or ("no finding in any service",), not named)
