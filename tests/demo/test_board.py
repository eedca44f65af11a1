import json
from typing import Any

import pytest
from board import FAMILIES, Finding, Row, clean_verdict, findings, rows, table, verdict, violations
from rich.console import Console

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


def each_family() -> list[Finding]:
    return [
        finding(
            kind=min(family.kinds),
            policy=family.title,
            service=family.service,
            subject=f"http.request.header.{family.mentions}",
        )
        for family in FAMILIES
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


def test_the_verdict_passes_when_every_family_is_found_and_cart_is_clean() -> None:
    seen = verdict({}, each_family())
    assert seen.passed
    assert seen.lines[0] == "cardinality: found in checkout"
    assert seen.lines[-1] == "cart, which behaves well: no finding"
    assert len(seen.lines) == len(FAMILIES) + 1


@pytest.mark.parametrize("missing", range(len(FAMILIES)), ids=[each.title for each in FAMILIES])
def test_the_verdict_fails_and_names_the_family_that_is_missing(missing: int) -> None:
    found = each_family()
    del found[missing]
    seen = verdict({}, found)
    assert not seen.passed
    assert [line for line in seen.lines if "NOT FOUND" in line] == [
        f"{FAMILIES[missing].title}: NOT FOUND in {FAMILIES[missing].service}"
    ]


def test_a_family_found_in_another_service_only_does_not_count() -> None:
    found = [each | {"service": "payments"} for each in each_family()]
    seen = verdict({}, found)
    assert not seen.passed
    assert seen.lines[3] == "retry storm: NOT FOUND in orders (also payments)"


@pytest.mark.parametrize("kind", ["metric_cardinality", "label_forbidden"])
def test_either_kind_about_labels_is_cardinality(kind: str) -> None:
    assert FAMILIES[0].holds(finding(kind=kind))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"subject": "Baggage, captured header"}, True),
        ({"evidence": {"place": ["http.request.header.baggage"]}}, True),
        ({"evidence": "http.request.header.authorization"}, False),
    ],
)
def test_a_secret_is_of_its_family_only_where_it_lies_in_baggage(
    changes: dict[str, Any], expected: bool
) -> None:
    secret = finding(kind="sensitive_value", subject="header", evidence={}) | changes
    assert FAMILIES[1].holds(secret) is expected


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
    seen = verdict(counts, [*each_family(), *extra])
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
