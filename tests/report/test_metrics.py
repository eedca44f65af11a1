"""The metrics: bounded labels, counters from zero, and formats that Prometheus reads."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from collector import telemetry
from collector.report.prometheus import exposition
from collector.report.store import Bounded, Family, MetricStore
from collector.violation import Basis, Service, Severity, Signal, Violation

TRACE = "0123456789abcdef0123456789abcdef"


def violation(service="shop", count=1, trace_id=""):
    return Violation(
        policy="p", kind="k", severity=Severity.WARNING, signal=Signal.LOGS,
        service=Service(service), subject="s", basis=Basis.OBSERVED, summary="", remedy="",
        count=count, trace_id=trace_id,
    )  # fmt: skip


def samples(text, parse=plain):
    return [sample for family in parse(text) for sample in family.samples]


def page(store, accept=""):
    body, content_type = exposition(store.families)(accept)
    return body.decode(), content_type


def counted(store):
    text, _ = page(store)
    found = [one for one in samples(text) if one.name == "telemetry_auditor_violations_total"]
    return {one.labels["service_name"]: one.value for one in found}


def test_services_beyond_the_bound_become_other_and_are_counted():
    store = MetricStore((), max_services=2)

    store.violations([violation(name, 2) for name in ("a", "b", "c", "d", "a")], 0)

    assert counted(store) == {"a": 4, "b": 2, telemetry.OTHER: 4}
    bounds = [one for one in samples(page(store)[0]) if one.name.endswith("bound_met_total")]
    assert [one.value for one in bounds] == [2]


def test_a_known_value_is_shown_even_when_the_bound_is_met():
    bounded = Bounded(1)

    assert [bounded("a"), bounded("b"), bounded("a")] == ["a", telemetry.OTHER, "a"]


def test_openmetrics_carries_the_trace_of_the_last_violation():
    store = MetricStore(())
    store.violations([violation(trace_id=TRACE), violation()], 5)

    text, content_type = page(store, "application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    (sample,) = [one for one in samples(text, openmetrics) if one.name.endswith("violations_total")]
    assert sample.exemplar.labels == {"trace_id": TRACE}
    assert sample.value == 2


@pytest.mark.parametrize("value", ['quote"d', "back\\slash", "new\nline", "ünïcode", ""])
def test_any_service_name_is_escaped_and_read_back(value):
    store = MetricStore(())
    store.violations([violation(value)], 0)

    assert counted(store) == {value: 1}


def test_what_is_asked_joins_what_is_counted():
    store = MetricStore(())
    store.ask(lambda: [Family(telemetry.BOUNDS, {("x",): 3})])
    store.ask(lambda: [Family(telemetry.BUILD, {("1", "3.11", "d"): 1})])

    text, _ = page(store)

    assert 'telemetry_auditor_bound_met_total{bound="x"} 3.0' in text
    assert 'telemetry_auditor_bound_met_total{bound="service_names"} 0.0' in text
    assert 'telemetry_auditor_build_info{decoder="d",python="3.11",version="1"} 1.0' in text


def test_names_follow_openmetrics():
    for metric in telemetry.METRICS:
        assert metric.shown.startswith("telemetry_auditor_")
        assert not metric.name.endswith(("_total", "_info"))
        assert metric.help.endswith(".")
    assert len({metric.name for metric in telemetry.METRICS}) == len(telemetry.METRICS)
