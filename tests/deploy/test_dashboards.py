"""The dashboards: what Grafana would drop, what Prometheus would refuse, what nobody shows."""

import copy
import itertools
import json
import re
import sys

import jsonschema
import manifests
import panels
import pytest
import tools
import yaml
from dashboard_cases import CASES, END
from dashboard_schema import DASHBOARD
from panels import as_written, data_panels, expressions, urls
from promql import known_metrics, unknown

GRAFANA = tools.ROOT / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
DASHBOARDS = {file.stem: json.loads(file.read_text()) for file in FILES}
VARIABLES = {
    "telemetry-auditor-overview": {"service", "policy"},
    "telemetry-auditor-cardinality": {"service", "policy", "metric"},
    "telemetry-auditor-reliability": {"service", "policy", "peer"},
    "telemetry-auditor-sensitive-data": {"service", "policy"},
    "telemetry-auditor-auditors": {"pod"},
}
QUESTION_HEIGHT = 3
#: The most that a ConfigMap may hold, and room for what else is in it.
CONFIG_MAP_BYTES = 1_000_000
#: Metrics that every exporter shows: they are told from those of others by the job alone.
SHARED = ("up", "process_")


@pytest.fixture(params=DASHBOARDS.values(), ids=DASHBOARDS)
def dashboard(request):
    return request.param


def test_there_are_the_dashboards_that_the_variables_are_listed_for():
    assert DASHBOARDS.keys() == VARIABLES.keys()


def test_a_dashboard_satisfies_the_schema(dashboard):
    errors = jsonschema.Draft202012Validator(DASHBOARD).iter_errors(dashboard)
    assert [f"{error.json_path}: {error.message[:300]}" for error in errors] == []


def _without(path):
    def change(dashboard):
        *parents, last = path
        node = dashboard
        for key in parents:
            node = node[key]
        del node[last]

    return change


def _with(path, value):
    def change(dashboard):
        *parents, last = path
        node = dashboard
        for key in parents:
            node = node[key]
        node[last] = value

    return change


STAT = ("panels", 1)
BROKEN = {
    "a panel without a description": _without((*STAT, "description")),
    "a panel without a title": _with((*STAT, "title"), ""),
    "a panel without a query": _with((*STAT, "targets"), []),
    "a panel without a unit": _without((*STAT, "fieldConfig", "defaults", "unit")),
    "a unit that Grafana does not know": _with((*STAT, "fieldConfig", "defaults", "unit"), "cores"),
    "a misspelt field": _with((*STAT, "legendformat"), ""),
    "a fixed data source": _with((*STAT, "datasource"), {"type": "prometheus", "uid": "a"}),
    "a query's fixed data source": _with((*STAT, "targets", 0, "datasource"), {"uid": "a"}),
    "a variable's fixed data source": _with(("templating", "list", 1, "datasource"), {"uid": "a"}),
    "a variable that hides series without the label": _without(
        ("templating", "list", 1, "allValue")
    ),
    "a panel wider than the grid": _with((*STAT, "gridPos", "w"), 25),
    "a link out of the dashboards": _with(("links", 0, "url"), "/d/other"),
    "a type of panel that is not described": _with((*STAT, "type"), "graph"),
    "a number of its own": _with(("id",), 7),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_the_schema_refuses(change):
    broken = copy.deepcopy(DASHBOARDS["telemetry-auditor-overview"])
    change(broken)
    assert not jsonschema.Draft202012Validator(DASHBOARD).is_valid(broken)


def test_the_file_is_named_after_the_uid():
    assert [file.stem for file in FILES] == [one["uid"] for one in DASHBOARDS.values()]


def test_titles_are_unique():
    titles = [one["title"] for one in DASHBOARDS.values()]
    assert len(set(titles)) == len(titles)


def test_panel_ids_are_unique_in_a_dashboard(dashboard):
    ids = [panel["id"] for panel in panels.all_panels(dashboard)]
    assert len(set(ids)) == len(ids)


def test_letters_of_queries_are_unique_in_a_panel(dashboard):
    for panel in data_panels(dashboard):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters), panel["title"]


def test_panels_of_one_section_have_titles_of_their_own(dashboard):
    section, seen = "", set()
    for panel in panels.all_panels(dashboard):
        if panel["type"] == "row":
            section = panel["title"]
        assert (section, panel["title"]) not in seen
        seen.add((section, panel["title"]))


def overlaps(first, second):
    return all(
        first[at] < second[at] + second[size] and second[at] < first[at] + first[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


def test_panels_stay_in_the_grid_and_do_not_overlap(dashboard):
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [pair for pair in itertools.combinations(places, 2) if overlaps(*pair)]


def test_the_width_of_the_grid_is_used(dashboard):
    by_top = itertools.groupby(
        sorted(dashboard["panels"], key=lambda one: one["gridPos"]["y"]),
        key=lambda one: one["gridPos"]["y"],
    )
    widths = {top: sum(one["gridPos"]["w"] for one in row) for top, row in by_top}
    assert widths == dict.fromkeys(widths, 24)


def test_the_question_stands_on_top_and_numbers_below_it(dashboard):
    first, second, *_ = dashboard["panels"]
    assert first["type"] == "text"
    assert first["gridPos"] == {"x": 0, "y": 0, "w": 24, "h": QUESTION_HEIGHT}
    assert dashboard["description"] in first["options"]["content"]
    assert second["type"] == "stat"


def test_a_dashboard_has_its_variables(dashboard):
    names = [one["name"] for one in panels.variables(dashboard)]
    assert names[:3] == ["datasource", "cluster", "namespace"]
    assert set(names[3:]) == VARIABLES[dashboard["uid"]]


def test_every_query_is_narrowed_by_cluster_and_namespace(dashboard):
    for place, expression in as_written(dashboard):
        braces = re.findall(r"\{([^}]*)\}", expression)
        assert braces, place
        for matchers in braces:
            assert 'cluster=~"$cluster", namespace=~"$namespace"' in matchers, place


def test_every_variable_narrows_something(dashboard):
    text = json.dumps([panel["targets"] for panel in data_panels(dashboard)])
    for one in panels.variables(dashboard)[1:]:
        assert f"${one['name']}" in text, one["name"]


def test_rates_follow_the_scrape_interval(dashboard):
    for place, expression in as_written(dashboard):
        windows = re.findall(r"\b(?:rate|irate|changes)\([^[]*\[([^]]+)\]", expression)
        offsets = re.findall(r"offset (\S+?)\b", expression.replace("$", "D"))
        assert set(windows) <= {"$__rate_interval", "$__range"}, place
        assert set(offsets) <= {"D__rate_interval", "D__range"}, place


def test_metrics_that_others_show_too_are_selected_by_job(dashboard):
    for place, expression in expressions(dashboard):
        for metric, matchers in re.findall(r"(\w+)\{([^}]*)\}", expression):
            if metric.startswith(SHARED) or metric.endswith("build_info"):
                assert 'job="telemetry-auditor"' in matchers, place


def test_links_lead_to_dashboards_that_there_are(dashboard):
    found = {re.match(r"/d/([^?]+)", url)[1] for url in urls(dashboard)}
    assert found <= DASHBOARDS.keys()


def test_each_dashboard_links_to_all_others(dashboard):
    linked = {link["url"].removeprefix("/d/") for link in dashboard["links"]}
    assert linked == DASHBOARDS.keys() - {dashboard["uid"]}


def test_links_set_variables_that_the_dashboard_has(dashboard):
    for url in urls(dashboard):
        target, _, query = url.partition("?")
        known = {one["name"] for one in panels.variables(DASHBOARDS[target.removeprefix("/d/")])}
        named = re.findall(r"\$\{(\w+):queryparam\}|var-(\w+)=", query)
        assert {first or second for first, second in named} <= known, url


def test_several_series_have_a_legend(dashboard):
    for panel in data_panels(dashboard):
        if panel["type"] != "table" and len(panel["targets"]) > 1:
            assert all(target.get("legendFormat") for target in panel["targets"]), panel["title"]
        if panel["type"] == "timeseries":
            assert all(target.get("legendFormat") for target in panel["targets"]), panel["title"]


def test_legends_name_labels_that_the_query_keeps(dashboard):
    for panel in data_panels(dashboard):
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"]))))
            assert shown <= kept, panel["title"]


def test_columns_of_a_table_come_from_its_queries(dashboard):
    for panel in data_panels(dashboard):
        if panel["type"] != "table":
            continue
        fields = set(panel["transformations"][1]["options"]["renameByName"])
        letters = {target["refId"] for target in panel["targets"]}
        values = {f"Value #{letter}" for letter in letters} if len(letters) > 1 else {"Value"}
        kept = re.findall(r"by \(([^)]*)\)", " ".join(one["expr"] for one in panel["targets"]))
        labels = set(re.findall(r"\w+", " ".join(kept)))
        assert fields <= values | labels, panel["title"]
        hidden = set(panel["transformations"][1]["options"]["excludeByName"])
        assert values <= fields | hidden, panel["title"]


def test_a_table_is_sorted_by_columns_that_it_has_and_overrides_them(dashboard):
    for panel in data_panels(dashboard):
        if panel["type"] == "table":
            titles = set(panel["transformations"][1]["options"]["renameByName"].values())
            assert {one["displayName"] for one in panel["options"]["sortBy"]} <= titles
            changed = {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]}
            assert changed <= titles


def test_colours_and_limits_of_series_name_series_that_there_are(dashboard):
    for panel in data_panels(dashboard):
        if panel["type"] == "table":
            continue
        legends = {target.get("legendFormat", "") for target in panel["targets"]}
        severities = {"critical", "warning", "info"} if "{{severity}}" in legends else set()
        named = {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]}
        assert named <= legends | severities, panel["title"]


def test_thresholds_rise_from_a_base(dashboard):
    for panel in data_panels(dashboard):
        base, *steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        values = [step["value"] for step in steps]
        assert base["value"] is None, panel["title"]
        assert values == sorted(set(values)), panel["title"]


def test_rates_of_violations_show_traces(dashboard):
    for panel in data_panels(dashboard):
        for target in panel["targets"]:
            rated = re.search(r"[^_]rate\(telemetry_auditor_violations_total", target["expr"])
            assert target["exemplar"] == (bool(rated) and target["range"]), panel["title"]


def test_each_dashboard_marks_restarts_and_critical_findings(dashboard):
    texts = " ".join(query.expr for query in panels.annotations(dashboard))
    assert "changes(process_start_time_seconds{" in texts
    assert 'severity="critical"' in texts


def test_every_expression_is_promql(dashboard, tool, run, tmp_path):
    rules = [
        {"record": f"expression:{index}", "expr": expression}
        for index, (_, expression) in enumerate(expressions(dashboard))
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run(tool("promtool"), "check", "rules", file)


def test_an_expression_that_is_no_promql_is_found(tool, run, tmp_path):
    file = tmp_path / "rules.yaml"
    rule = {"record": "a", "expr": "sum by (service_name) (up"}
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": [rule]}]}))
    run(tool("promtool"), "check", "rules", file, code=1)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_numbers_say(case, tool, run, tmp_path):
    found = panels.queries(DASHBOARDS[case.uid])
    (expr,) = [one.expr for one in found if (one.title, one.ref) == (case.title, case.ref)]
    # The sum alone tells a zero from nothing; labels of the samples are others' tests.
    samples = [{"labels": "{}", "value": value} for value in case.shown]
    asked = {"expr": f"sum({expr})", "eval_time": f"{END}m", "exp_samples": samples}
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    run(tool("promtool"), "test", "rules", file)


def test_every_metric_and_label_is_one_that_is_shown(dashboard):
    found = {place: unknown(expression) for place, expression in expressions(dashboard)}
    assert {place: problems for place, problems in found.items() if problems} == {}


def test_the_auditors_metrics_are_all_on_some_dashboard():
    texts = " ".join(
        text for dashboard in DASHBOARDS.values() for _, text in expressions(dashboard)
    )
    own = {name for name in known_metrics() if name.startswith("telemetry_auditor_")}
    assert {name for name in own if name not in texts} == set()


def test_the_committed_dashboards_are_what_the_generator_writes(run, tmp_path):
    run(sys.executable, "-B", GRAFANA / "build.py", tmp_path)
    written = {file.name: file.read_text() for file in tmp_path.glob("*.json")}
    assert written == {file.name: file.read_text() for file in FILES}, "run deploy/grafana/build.py"


@pytest.fixture(scope="module")
def config_maps(kustomize):
    return manifests.documents(kustomize(GRAFANA))


def test_config_maps_are_ones_that_a_cluster_takes(config_maps, tool, tmp_path):
    # What a dashboard holds is of no concern to Kubernetes, and slow to write twice.
    short = [one | {"data": dict.fromkeys(one["data"], "{}")} for one in config_maps]
    text = yaml.safe_dump_all(short)
    assert manifests.problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []
    assert all(sum(map(len, one["data"].values())) < CONFIG_MAP_BYTES for one in config_maps)


def test_config_maps_hold_all_dashboards_for_the_sidecar(config_maps):
    held = {}
    for one in config_maps:
        assert one["kind"] == "ConfigMap"
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert one["metadata"]["annotations"]["grafana_folder"] == "Telemetry auditor"
        held |= one["data"]
    assert held == {file.name: file.read_text() for file in FILES}


def test_names_of_config_maps_stay_the_same(config_maps):
    names = {one["metadata"]["name"] for one in config_maps}
    rest = {uid.removeprefix("telemetry-auditor-") for uid in DASHBOARDS}
    assert names == {f"telemetry-auditor-dashboard-{one}" for one in rest}


def provisioned(name):
    return yaml.safe_load((GRAFANA / "provisioning" / name).read_text())


def test_exemplars_lead_from_the_auditors_label_to_a_data_source():
    (source,) = provisioned("datasources/prometheus.yaml")["datasources"]
    assert source["type"] == "prometheus"
    (destination,) = source["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["name"] == "trace_id"
    assert f"uid: {destination['datasourceUid']}" in (GRAFANA / "README.md").read_text()


def test_provisioning_reads_the_folder_that_is_mounted():
    (provider,) = provisioned("dashboards/telemetry-auditor.yaml")["providers"]
    assert provider["type"] == "file"
    assert (
        f"deploy/grafana/dashboards:{provider['options']['path']}:ro"
        in (GRAFANA / "README.md").read_text()
    )


def test_the_readme_lists_each_dashboard_with_its_question():
    text = (GRAFANA / "README.md").read_text()
    for uid, dashboard in DASHBOARDS.items():
        assert f"(dashboards/{uid}.json) | {dashboard['description']} |" in text
