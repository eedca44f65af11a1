"""Alerting rules: they say what they should, in time, and their runbooks are right."""

import re

import alert_files as files
import manifests
import promql
import pytest
from alert_files import ALERT_RULES, ALL_RULES, CASES, RECORDING, RULES, matchers, matches, named

from collector.app import Auditor
from collector.config import Config
from collector.evaluate import registry
from collector.ledger import Refusal
from collector.policyfile import load, packs_directory
from collector.telemetry import BOUNDS

SEVERITIES = {"critical", "warning", "info"}
RUNBOOK_URL = "https://runbooks.example.org/telemetry-auditor/"
FINDINGS = "telemetry_auditor_findings_open"
#: Metrics of which the name does not say whose they are.
SHARED = {"up", *promql.PROCESS}

one_alert = pytest.mark.parametrize("rule", ALERT_RULES, ids=map(named, ALERT_RULES))
one_rule = pytest.mark.parametrize("rule", ALL_RULES, ids=map(named, ALL_RULES))


@pytest.fixture(scope="module")
def shipped():
    return load([packs_directory()])


# ------------------------------------------------------------------ the rules by themselves


def test_promtool_finds_nothing_wrong_with_the_rules(tool, run):
    run(tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", RULES, RECORDING)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.name)
def test_alerts_fire_are_quiet_and_resolve_as_their_cases_say(file, tool, run):
    run(tool("promtool"), "test", "rules", file)


@one_rule
def test_rules_use_metrics_and_labels_that_exist(rule):
    assert promql.unknown(rule["expr"]) == []


@one_rule
def test_shared_metrics_are_asked_of_the_auditor_alone(rule):
    labels = promql.used(rule["expr"])
    shared = labels.metrics & SHARED
    assert all("job" in labels.labels[metric] for metric in shared)
    assert rule["expr"].count('job="telemetry-auditor"') >= len(shared)


@pytest.mark.parametrize("rule", files.rules(RECORDING), ids=named)
def test_a_recorded_name_says_which_labels_are_left(rule):
    first = re.search(r"\bby \(([^)]*)\)", rule["expr"])
    left = set(re.findall(r"\w+", first[1])) if first else set()
    assert left == promql.level(rule["record"])


@pytest.mark.parametrize("rule", files.rules(RECORDING), ids=named)
def test_a_recorded_metric_is_used(rule):
    texts = [other["expr"] for other in ALL_RULES if other is not rule]
    texts += [file.read_text() for file in files.ALERTS.parent.glob("grafana/**/*.json")]
    assert any(rule["record"] in text for text in texts)


@one_alert
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_where_to_read_on(rule):
    assert rule["alert"].startswith("TelemetryAuditor")
    assert rule["labels"]["severity"] in SEVERITIES
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == RUNBOOK_URL + rule["alert"]
    assert rule["alert"] in files.RUNBOOKS
    assert "for" in rule


# ------------------------------------------------------------------ their cases


@one_alert
def test_an_alert_has_a_case_that_fires_one_that_resolves_and_one_that_is_quiet(rule):
    key = " ".join(named(rule).split()[1:])
    told = [case.fires for case in files.cases() if case.alert == rule["alert"]]
    fires = [[key in fired for fired in times] for times in told]
    assert any(any(times) for times in fires), "no case in which it fires"
    assert any(True in times and not all(times[times.index(True) :]) for times in fires), (
        "no case in which it fires and resolves"
    )
    assert any(len(times) > 1 and not any(times) for times in told), "no case in which it is quiet"


def test_no_case_is_about_an_alert_that_does_not_exist():
    assert {case.alert for case in files.cases()} == {rule["alert"] for rule in ALERT_RULES}


# ------------------------------------------------------------------ what they cover


def alerts_on(policy, severity):
    """The alerts that an open finding raises."""
    labels = {"policy": policy, "severity": severity}
    of_findings = [rule for rule in ALERT_RULES if FINDINGS in rule["expr"]]
    found = [(rule, re.search(FINDINGS + r"\{(.*)\}", rule["expr"])) for rule in of_findings]
    return [rule for rule, text in found if matches(matchers(text[1]), labels)]


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_every_open_finding_raises_one_alert_of_its_severity(severity, shipped):
    policies = [policy.terms.id for policy in (*shipped.policies, *shipped.disabled)]
    for policy in (*policies, "a-policy-of-their-own"):
        raised = [rule["labels"]["severity"] for rule in alerts_on(policy, severity)]
        assert raised == [severity], policy


def test_every_policy_named_in_a_rule_exists(shipped):
    known = {policy.terms.id for policy in (*shipped.policies, *shipped.disabled)}
    for rule in ALERT_RULES:
        values = [v for label, _, v in matchers(rule["expr"]) if label == "policy"]
        values.append(rule["labels"].get("policy", ""))
        assert {one for value in values for one in value.split("|") if one} <= known


@pytest.mark.parametrize(("label", "known"), [("kind", registry.known()), ("reason", Refusal)])
def test_every_kind_and_reason_named_in_a_rule_exists(label, known):
    texts = [v for rule in ALL_RULES for name, _, v in matchers(rule["expr"]) if name == label]
    assert texts
    assert {one for text in texts for one in text.split("|")} <= {str(one) for one in known}


def test_every_bound_alerts_or_its_runbook_says_why_not():
    families = Auditor(Config(), load([])).inspection.reporter.store.families()
    bounds = {labels[0] for one in families if one.metric == BOUNDS for labels in one.samples}
    texts = [v for rule in ALERT_RULES for name, _, v in matchers(rule["expr"]) if name == "bound"]
    alerting = {one for text in texts for one in text.split("|")}
    left_out = files.RUNBOOKS["TelemetryAuditorBoundMet"].read_text().partition("Left out are")[2]
    assert alerting | set(re.findall(r"`(\w+)`", left_out)) == bounds
    assert sum(len(text.split("|")) for text in texts) == len(alerting)


def test_the_readme_lists_every_alert_with_its_severity_and_time():
    readme = (files.ALERTS / "README.md").read_text()
    rows = set(
        re.findall(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \| (\w+) \|", readme, re.MULTILINE)
    )
    assert rows == {(one["alert"], one["labels"]["severity"], one["for"]) for one in ALERT_RULES}


def test_the_readme_makes_manifests_that_the_operator_takes(tool, run, tmp_path):
    blocks = re.findall(r"```sh\n(.*?)```", (files.ALERTS / "README.md").read_text(), re.DOTALL)
    script = next(one for one in blocks if "PrometheusRule" in one)
    made, _, applied = script.partition("| kubectl apply")
    assert applied.strip() == "--filename -"
    text = run("sh", "-c", made, cwd=files.ALERTS)
    assert manifests.problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []
    groups = [one for made in manifests.documents(text) for one in made["spec"]["groups"]]
    assert [rule for group in groups for rule in group["rules"]] == [
        *files.rules(RECORDING),
        *ALERT_RULES,
    ]


def test_one_command_moves_the_runbooks(run, tmp_path):
    line = next(
        one for one in (files.ALERTS / "README.md").read_text().splitlines() if "sed -i 's#" in one
    )
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "alerts.yaml").write_text(RULES.read_text())
    run("sh", "-c", line, cwd=tmp_path)
    urls = [
        one["annotations"]["runbook_url"] for one in files.rules(tmp_path / "rules/alerts.yaml")
    ]
    assert all(url.startswith("https://wiki.example.com/runbooks/Tele") for url in urls)
