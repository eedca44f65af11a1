"""What is read out of PromQL: metrics, the labels that they are matched by, and lists."""

import promql
import pytest

#: expression: (metrics, labels of matchers by metric, labels in lists)
USED = {
    "up": ({"up"}, {}, set()),
    'up{job="a", cluster!="b"}': ({"up"}, {"up": {"job", "cluster"}}, set()),
    "up{}": ({"up"}, {"up": set()}, set()),
    '{__name__="up", job="a"}': ({"up"}, {"up": {"job"}}, set()),
    '{job=~"a|b"}': (set(), {"": {"job"}}, set()),
    "sum by (a, b) (rate(m_total[5m]))": ({"m_total"}, {}, {"a", "b"}),
    "sum(m) by (a)": ({"m"}, {}, {"a"}),
    "sum without(a)(m)": ({"m"}, {}, {"a"}),
    "SUM BY (a) (m)": ({"m"}, {}, {"a"}),
    "topk(3, m)": ({"m"}, {}, set()),
    "a:b:rate5m > bool 0": ({"a:b:rate5m"}, {}, set()),
    "a * on (x) group_left (y) b": ({"a", "b"}, {}, {"x", "y"}),
    "a and on () b": ({"a", "b"}, {}, set()),
    "a * on (x) group_left b": ({"a", "b"}, {}, {"x"}),
    "a / ignoring (z) b unless c or d": ({"a", "b", "c", "d"}, {}, {"z"}),
    "a offset 1h @ 1e3 > -inf": ({"a"}, {}, set()),
    "a{x='1'} - a{y=`2`}": ({"a"}, {"a": {"x", "y"}}, set()),
    'label_replace(a, "dst", "$1", "src", "(.*)")': ({"a"}, {}, set()),
    'a{x="} b{y=\\"1\\"}"}': ({"a"}, {"a": {"x"}}, set()),
    "a # and b\n + c": ({"a", "c"}, {}, set()),
    "rate(a[$__rate_interval]) > $limit": ({"a"}, {}, set()),
    'sum by (${by}) (a{namespace=~"$namespace"}[1h30m:5m])': (
        {"a"},
        {"a": {"namespace"}},
        set(),
    ),
    "time() - a > 0x1F + 1.5e-3 + .5": ({"a"}, {}, set()),
    "predict_linear(a[1h], 3600)": ({"a"}, {}, set()),
}

LEVELS = {
    "cluster_namespace_service_name:telemetry_auditor_items:rate5m": {
        "cluster",
        "namespace",
        "service_name",
    },
    "policy:telemetry_auditor_violations:rate5m": {"policy"},
    "all:telemetry_auditor_objective:ratio": set(),
}

UNKNOWN = {
    'up{job="a"}': [],
    "sum by (policy, cluster) (telemetry_auditor_findings_open)": [],
    "telemetry_auditor_build_info{decoder='native'}": [],
    "telemetry_auditor_violations": ["metric telemetry_auditor_violations"],
    "up{policy='a'}": ["label policy of up"],
    "sum by (policy) (telemetry_auditor_open_spans)": ["label policy"],
    "{colour='red'}": ["label colour of "],
}


@pytest.mark.parametrize(("expression", "expected"), USED.items(), ids=USED)
def test_metrics_labels_and_lists_are_found(expression, expected):
    found = promql.used(expression)
    assert (found.metrics, found.labels, found.grouping) == expected


@pytest.mark.parametrize("expression", ["a ; b", 'a{x="1}', "a & b", "a?"])
def test_what_is_no_promql_is_refused(expression):
    with pytest.raises(ValueError, match="no token"):
        promql.used(expression)


def test_every_metric_is_known_by_the_name_of_its_samples():
    known = promql.known_metrics()
    assert "telemetry_auditor_violations_total" in known
    assert "telemetry_auditor_build_info" in known
    assert known["up"] == promql.SCRAPED
    assert known["telemetry_auditor_findings_open"] >= {"policy", "service_name", "cluster"}


@pytest.mark.parametrize(("name", "expected"), LEVELS.items(), ids=LEVELS)
def test_a_recorded_name_tells_its_labels(name, expected):
    assert promql.level(name) == expected


def test_a_level_of_anything_but_labels_is_refused():
    with pytest.raises(ValueError, match="colour"):
        promql.level("cluster_colour:up:sum")


@pytest.mark.parametrize(("expression", "expected"), UNKNOWN.items(), ids=UNKNOWN)
def test_what_nobody_shows_is_named(expression, expected):
    assert promql.unknown(expression) == expected
