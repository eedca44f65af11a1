import json
from pathlib import Path
from typing import Any

import pytest
from board import Row, clean_verdict, findings, rows, table, verdict, violations
from rich.console import Console
from scenarios import FAMILIES, SCENARIOS, Finding, Scenario, markdown
from shop.launch import SERVICES

from collector.evaluate.registry import known

DEMO = Path(__file__).resolve().parents[2] / "deploy" / "demo"

METRICS = """\
# HELP telemetry_auditor_violations_total Violations of policies.
# TYPE telemetry_auditor_violations_total counter
telemetry_auditor_violations_total{policy="p",kind="",severity="",signal="",service_name=""} 0.0
telemetry_auditor_violations_total{policy="retry-storm",kind="retry_storm",\
severity="warning",signal="traces",service_name="orders"} 2.0
telemetry_auditor_violations_total{policy="retry-storm",kind="retry_storm",\
severity="critical",signal="traces",service_name="orders"} 5.0
telemetry_auditor_violations_total{policy="labels",kind="label_forbidden",\
severity="warning",signal="metrics",service_name="checkout"} 3.0
# TYPE telemetry_auditor_requests_received_total counter
telemetry_auditor_requests_received_total{protocol="grpc"} 40.0
"""


def finding(**changes: Any) -> dict[str, Any]:
    record = {
        "policy": "retry-storm",
        "kind": "retry_storm",
        "severity": "warning",
        "service": "orders",
        "subject": "payments GET /payments/{id}",
        "count": 1,
        "summary": "half of the calls are retries",
        "evidence": {"ratio": 0.9},
        "remedy": "back off",
    }
    return record | changes


def each_scenario() -> list[Finding]:
    return [
        finding(
            kind=scenario.kind,
            policy=scenario.kind,
            service=scenario.service,
            subject=f"http.request.header.{scenario.mentions}",
        )
        for scenario in SCENARIOS
    ]


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_counts_are_kept_by_severity_and_series_without_a_violation_are_left_out() -> None:
    assert violations(METRICS) == {
        ("orders", "retry-storm"): {"warning": 2, "critical": 5},
        ("checkout", "labels"): {"warning": 3},
    }


def test_a_later_record_of_a_finding_replaces_the_earlier_one() -> None:
    text = lines(finding(), finding(subject="other"), finding(count=9, severity="critical"))
    assert [(each["subject"], each["count"]) for each in findings(text)] == [
        ("payments GET /payments/{id}", 9),
        ("other", 1),
    ]


def test_a_line_that_is_still_being_written_is_left_for_later() -> None:
    text = lines(finding(), finding(subject="other"))
    assert len(findings(text[:-1])) == 1
    assert len(findings(text[:-20])) == 1
    assert findings("") == []


def test_a_broken_whole_line_is_not_passed_over() -> None:
    with pytest.raises(json.JSONDecodeError):
        findings('{"policy":\n')


def test_a_row_sums_severities_and_tells_of_its_gravest_finding() -> None:
    found = [
        finding(count=50, summary="mild"),
        finding(count=1, severity="critical", summary="grave", remedy="budget", subject="x"),
    ]
    assert rows(violations(METRICS), found) == [
        Row("orders", "retry-storm", "critical", 7, "grave", "budget"),
        Row("checkout", "labels", "warning", 3, "", ""),
    ]


def test_a_finding_that_is_not_counted_yet_still_has_its_row() -> None:
    assert rows({}, [finding(count=2), finding(count=3, subject="x", summary="")]) == [
        Row("orders", "retry-storm", "warning", 5, "x", "back off")
    ]


def test_the_table_shows_text_in_brackets_as_it_stands() -> None:
    console = Console(width=160)
    with console.capture() as shown:
        console.print(table([Row("a", "p", "info", 3, "[bold] header[0]", "do")], "title"))
    assert "[bold] header[0]" in shown.get()


def test_the_brief_table_has_one_line_for_each_row() -> None:
    console = Console(width=80)
    shown = table([Row("a", "p", "info", 3, "word " * 50, "do")] * 4, "title", brief=True)
    with console.capture() as printed:
        console.print(shown)
    assert printed.get().count("word") >= 4
    assert len(printed.get().splitlines()) == 9  # with the title, the heading and three rules
    assert "do" not in printed.get().split()


def test_the_verdict_passes_when_all_is_found_and_cart_is_clean() -> None:
    seen = verdict({}, each_scenario())
    assert seen.passed
    assert seen.lines[0] == "cardinality: found in checkout (metric_cardinality, label_forbidden)"
    assert seen.lines[-1] == "cart, which behaves well: no finding"
    assert len(seen.lines) == len(FAMILIES) + 1


@pytest.mark.parametrize("missing", SCENARIOS, ids=lambda each: each.kind)
def test_the_verdict_fails_and_names_what_is_missing(missing: Scenario) -> None:
    found = [each for each in each_scenario() if each["kind"] != missing.kind]
    seen = verdict({}, found)
    assert not seen.passed
    assert [line.partition("NOT FOUND in ")[2] for line in seen.lines if "NOT FOUND" in line] == [
        f"{missing.service} ({missing.kind})"
    ]


def test_a_misbehaviour_found_in_another_service_only_does_not_count() -> None:
    found = [
        each | {"service": "payments"} if each["kind"] == "retry_storm" else each
        for each in each_scenario()
    ]
    seen = verdict({}, found)
    assert not seen.passed
    assert any(line.endswith("; NOT FOUND in orders (retry_storm)") for line in seen.lines)
    assert seen.lines[-2] == "beside these: retry_storm in payments"


def test_every_scenario_has_a_kind_of_its_own_and_a_module() -> None:
    assert len({scenario.kind for scenario in SCENARIOS}) == len(SCENARIOS)
    assert {scenario.service for scenario in SCENARIOS} <= set(SERVICES)
    assert "cart" not in {scenario.service for scenario in SCENARIOS}
    assert {scenario.kind for scenario in SCENARIOS} <= set(known())


def test_the_readme_holds_the_table_of_scenarios() -> None:
    assert markdown() in (DEMO / "README.md").read_text()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"subject": "Baggage, captured header"}, True),
        ({"evidence": {"place": ["http.request.header.baggage"]}}, True),
        ({"evidence": "http.request.header.authorization"}, False),
    ],
)
def test_a_secret_counts_only_where_it_lies_in_baggage(
    changes: dict[str, Any], expected: bool
) -> None:
    secret = finding(kind="sensitive_value", subject="header", evidence={}) | changes
    scenario = next(each for each in SCENARIOS if each.kind == "sensitive_value")
    assert scenario.holds(secret) is expected


@pytest.mark.parametrize(
    ("counts", "extra"),
    [
        ({("cart", "labels"): {"info": 1}}, []),
        ({}, [finding(service="cart", policy="labels")]),
    ],
    ids=["counted", "found"],
)
def test_the_verdict_fails_when_anything_concerns_cart(
    counts: dict[tuple[str, str], dict[str, int]], extra: list[Finding]
) -> None:
    seen = verdict(counts, [*each_scenario(), *extra])
    assert not seen.passed
    assert seen.lines[-1] == "cart, which behaves well: FINDING of labels"


def test_the_twin_passes_only_when_nothing_at_all_was_found() -> None:
    assert clean_verdict({}, []).passed
    by_counts = clean_verdict({("cart", "retry-limit"): {"warning": 1}}, [])
    by_findings = clean_verdict({}, [finding(service="orders")])
    assert not by_counts.passed
    assert "cart" in by_counts.lines[0]
    assert not by_findings.passed
    assert "orders" in by_findings.lines[0]
