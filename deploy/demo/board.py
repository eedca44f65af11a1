"""What the demo shows: the auditor's counters joined with its findings, and a verdict."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table
from rich.text import Text
from scenarios import FAMILIES, SCENARIOS, Finding, Scenario

VIOLATIONS = "telemetry_auditor_violations_total"
SEVERITIES = ("info", "warning", "critical")
STYLES = {"info": "cyan", "warning": "yellow", "critical": "bold red"}
WELL_BEHAVED = "cart"

Key = tuple[str, str]  # service, policy


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
        lines: One for each family, one for what else was found, one for the well-behaved service.
        passed: Every scenario was found where it is, and the well-behaved service is clean.
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


def table(lines: Sequence[Row], title: str, *, brief: bool = False) -> Table:
    """The rows as a table for the terminal.

    Args:
        lines: From `rows`.
        title: Its heading.
        brief: One line for each row, without what to do.
    """
    made = Table(title=title, title_justify="left", expand=True)
    for column in ("service", "policy", "severity"):
        made.add_column(column, no_wrap=True)
    made.add_column("count", justify="right", no_wrap=True)
    made.add_column("what", ratio=1, no_wrap=brief, overflow="ellipsis" if brief else "fold")
    if not brief:
        made.add_column("what to do", ratio=1)
    for row in lines:
        # Text, because brackets in a summary are no markup.
        cells = [
            Text(row.service),
            Text(row.policy),
            Text(row.severity, STYLES[row.severity]),
            Text(str(row.count)),
            Text(row.what),
            Text(row.remedy),
        ]
        made.add_row(*(cells[:-1] if brief else cells))
    return made


def verdict(counts: Mapping[Key, Mapping[str, int]], found: Sequence[Finding]) -> Verdict:
    """Whether the demo showed what it is for.

    Args:
        counts: From `violations`.
        found: From `findings`.
    """
    seen = {
        scenario: {finding["service"] for finding in found if scenario.holds(finding)}
        for scenario in SCENARIOS
    }
    shown = {scenario for scenario, services in seen.items() if scenario.service in services}
    lines = [_family(family, shown) for family in FAMILIES]
    planned = {(scenario.service, scenario.kind) for scenario in SCENARIOS}
    others = {(each["service"], each["kind"]) for each in found} - planned
    if others := {(service, kind) for service, kind in others if service != WELL_BEHAVED}:
        named = ", ".join(f"{kind} in {service}" for service, kind in sorted(others))
        lines.append(f"beside these: {named}")
    policies = {policy for service, policy in counts if service == WELL_BEHAVED}
    policies |= {finding["policy"] for finding in found if finding["service"] == WELL_BEHAVED}
    if policies:
        lines.append(
            f"{WELL_BEHAVED}, which behaves well: FINDING of {', '.join(sorted(policies))}"
        )
    else:
        lines.append(f"{WELL_BEHAVED}, which behaves well: no finding")
    return Verdict(tuple(lines), len(shown) == len(SCENARIOS) and not policies)


def _family(family: str, shown: Container[Scenario]) -> str:
    """One line about one family of policies."""
    planned = [scenario for scenario in SCENARIOS if scenario.family == family]
    found = [scenario for scenario in planned if scenario in shown]
    missing = [scenario for scenario in planned if scenario not in shown]
    parts = [
        f"{what} {_by_service(scenarios)}"
        for what, scenarios in (("found in", found), ("NOT FOUND in", missing))
        if scenarios
    ]
    return f"{family}: {'; '.join(parts)}"


def _by_service(scenarios: Sequence[Scenario]) -> str:
    kinds: dict[str, list[str]] = {}
    for scenario in scenarios:
        kinds.setdefault(scenario.service, []).append(scenario.kind)
    return ", ".join(f"{service} ({', '.join(names)})" for service, names in kinds.items())


def clean_verdict(counts: Mapping[Key, Mapping[str, int]], found: Sequence[Finding]) -> Verdict:
    """Whether the shop's twin, which does everything right, is left alone.

    Args:
        counts: From `violations`.
        found: From `findings`.
    """
    named = {*counts, *((finding["service"], finding["policy"]) for finding in found)}
    lines = [f"{service}, which behaves well: FINDING of {policy}" for service, policy in named]
    return Verdict(tuple(sorted(lines)) or ("no finding in any service",), not named)
