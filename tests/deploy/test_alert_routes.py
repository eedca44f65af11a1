"""The example for Alertmanager: who is told, and what keeps quiet because of something else."""

import alert_manager
import pytest
import yaml
from alert_files import ALERT_RULES, ALERTMANAGER, CASES, matchers, matches

EXAMPLE = yaml.safe_load(ALERTMANAGER.read_text())

#: labels of an alert: receivers
ROUTES = {
    "alertname=TelemetryAuditorSecretInBaggage severity=critical": "security,pager",
    "alertname=TelemetryAuditorSecretInTelemetry severity=critical": "security,pager",
    "alertname=TelemetryAuditorSecretInBaggage severity=warning": "tickets",
    "alertname=TelemetryAuditorRetryStorm severity=critical": "pager",
    "alertname=TelemetryAuditorAllDown severity=critical": "pager",
    "alertname=TelemetryAuditorOrphanSpans severity=warning": "tickets",
    "alertname=TelemetryAuditorSlowDecoder severity=info": "notes",
    "alertname=SomebodyElses severity=critical": "default",
    "alertname=NotTelemetryAuditorDown severity=critical": "default",
}
SERVICE = {"namespace": "n", "service_name": "shop", "policy": "p"}
OTHER = SERVICE | {"service_name": "cart"}
POD = {"namespace": "n", "pod": "a", "instance": "a:9464"}
OTHER_POD = POD | {"pod": "b", "instance": "b:9464"}

#: (alert, severity, labels) of a source and of a target, and which of them keeps quiet
INHIBITIONS = {
    "critical inhibits warning": (
        ("RetryStorm", "critical", SERVICE), ("RetryStorm", "warning", SERVICE), "target"),
    "not of another service": (
        ("RetryStorm", "critical", SERVICE), ("RetryStorm", "warning", OTHER), ""),
    "nor of another policy": (
        ("RetryStorm", "critical", SERVICE),
        ("OrphanSpans", "warning", SERVICE | {"policy": "q"}), ""),
    "a forecast gives way to what has come": (
        ("MetricCardinalityHigh", "critical", SERVICE),
        ("MetricCardinalityGrowing", "warning", SERVICE), "target"),
    "a forecast adds to a warning": (
        ("MetricCardinalityHigh", "warning", SERVICE),
        ("MetricCardinalityGrowing", "warning", SERVICE), ""),
    "the ratio gives way to the storm": (
        ("RetryStorm", "warning", SERVICE), ("RetryRatioHigh", "warning", SERVICE), "target"),
    "a burn gives way to what is wrong": (
        ("SecretInTelemetry", "critical", SERVICE),
        ("ViolationBudgetBurn", "critical", SERVICE), "target"),
    "also of a policy without its own alert": (
        ("PolicyViolated", "warning", SERVICE),
        ("ViolationBudgetBurn", "warning", SERVICE), "target"),
    "a critical burn does not give way to a warning, it is the other way round": (
        ("PolicyViolated", "warning", SERVICE),
        ("ViolationBudgetBurn", "critical", SERVICE), "source"),
    "refusing much says more than refusing": (
        ("Refusing", "critical", POD), ("Refusing", "warning", POD), "target"),
    "a next hop that takes little says more than one that takes not all": (
        ("ForwardFailing", "critical", POD), ("ForwardFailing", "warning", POD), "target"),
    "not for another auditor": (
        ("Refusing", "critical", POD), ("Refusing", "warning", OTHER_POD), ""),
    "a critical alert on one auditor leaves other alerts on auditors alone": (
        ("Refusing", "critical", POD), ("BoundMet", "warning", POD), ""),
    "all down says more than one down": (
        ("AllDown", "critical", {}), ("Down", "warning", POD), "target"),
    "all down explains silence": (
        ("AllDown", "critical", {}), ("SignalSilent", "warning", {"namespace": "n"}), "target"),
    "one down explains silence in its namespace": (
        ("Down", "warning", POD), ("SignalSilent", "warning", {"namespace": "n"}), "target"),
    "and nowhere else": (
        ("Down", "warning", POD), ("SignalSilent", "warning", {"namespace": "m"}), ""),
    "down leaves findings alone": (
        ("Down", "warning", POD), ("OrphanSpans", "warning", SERVICE), ""),
    "refusing much explains that none was seen": (
        ("Refusing", "critical", POD), ("NoTelemetry", "warning", POD), "target"),
}  # fmt: skip


def fired():
    """The labels of every alert that a promtool test expects."""
    for file in CASES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for one in test.get("alert_rule_test", ()):
                for alert in one["exp_alerts"]:
                    yield alert["exp_labels"] | {"alertname": one["alertname"]}


def test_amtool_takes_the_example(tool, run):
    run(tool("amtool"), "check-config", ALERTMANAGER)


@pytest.mark.parametrize(("labels", "receivers"), ROUTES.items(), ids=ROUTES)
def test_an_alert_reaches_who_must_act(labels, receivers, tool, run):
    route = (tool("amtool"), "config", "routes", "test", f"--config.file={ALERTMANAGER}")
    run(*route, f"--verify.receivers={receivers}", *labels.split())


def test_every_alert_is_routed_by_its_severity():
    nested = EXAMPLE["route"]["routes"][0]["routes"]
    texts = [text for route in nested for text in route["matchers"] if "severity" in text]
    routed = {value for text in texts for _, _, value in matchers(text)}
    assert routed == {rule["labels"]["severity"] for rule in ALERT_RULES}


@pytest.mark.parametrize("rule", EXAMPLE["inhibit_rules"], ids=str)
def test_an_inhibition_names_alerts_severities_and_labels_that_there_are(rule):
    alerts = list(fired())
    for side in ("source_matchers", "target_matchers"):
        wanted = [one for text in rule[side] for one in matchers(text)]
        assert len(wanted) == len(rule[side])
        found = [labels for labels in alerts if matches(wanted, labels)]
        assert found
        assert {label for label, _, _ in wanted} <= set().union(*found)
    assert set(rule["equal"]) <= set().union(*alerts)


def test_alerts_keep_quiet_because_of_those_that_say_more(tool, tmp_path):
    alerts, expected = [], set()
    for name, (source, target, quiet) in INHIBITIONS.items():
        for side, (alert, severity, labels) in (("source", source), ("target", target)):
            whole = {"alertname": f"TelemetryAuditor{alert}", "severity": severity, "cluster": name}
            alerts.append(whole | labels)
            if side == quiet:
                expected.add((name, whole["alertname"], severity))
    with alert_manager.running(tool("alertmanager"), ALERTMANAGER, tmp_path) as api:
        found = alert_manager.inhibited(api, alerts, len(expected))
    assert {(one["cluster"], one["alertname"], one["severity"]) for one in found} == expected
