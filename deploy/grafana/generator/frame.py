"""What is around the panels of every dashboard: variables, annotations, links, the grid."""

from __future__ import annotations

from typing import Any, NamedTuple

from generator.parts import DATA_SOURCE, Panel
from generator.queries import JOB, findings, pick, target

COLUMNS = 24
ROW_HEIGHT = 1
SCHEMA = 39
TAG = "telemetry-auditor"

OVERVIEW = "telemetry-auditor-overview"
CARDINALITY = "telemetry-auditor-cardinality"
RELIABILITY = "telemetry-auditor-reliability"
SENSITIVE = "telemetry-auditor-sensitive-data"
AUDITORS = "telemetry-auditor-auditors"

TITLES = {
    OVERVIEW: "Overview",
    CARDINALITY: "Cardinality",
    RELIABILITY: "Retries and reliability",
    SENSITIVE: "Sensitive data",
    AUDITORS: "The auditors",
}

#: Metrics that name services, whether or not these have findings.
_SERVICES = '__name__=~"telemetry_auditor_(violations_total|metric_label_values|retry_ratio)"'


class Variable(NamedTuple):
    """A choice at the top of a dashboard, made of a label's values."""

    name: str
    label: str
    text: str
    selector: str
    values: str


def _scope() -> tuple[Variable, ...]:
    build = f"telemetry_auditor_build_info{{{JOB}}}"
    within = f'telemetry_auditor_build_info{{{JOB}, cluster=~"$cluster"}}'
    return (
        Variable(
            "cluster", "Cluster", "All also holds auditors without the label.", build, "cluster"
        ),
        Variable(
            "namespace", "Namespace", "Where the auditor that reports runs.", within, "namespace"
        ),
    )


def service() -> Variable:
    """The services that telemetry names."""
    chosen = f'{{{_SERVICES}, cluster=~"$cluster", namespace=~"$namespace", service_name!=""}}'
    text = "The service.name of the telemetry."
    return Variable("service", "Service", text, chosen, "service_name")


def policy(*kinds: str) -> Variable:
    """The policies in force, of some kinds or of all."""
    chosen = pick("violations_total", *kinds)
    return Variable("policy", "Policy", "Policies that are in force.", chosen, "policy")


def label(name: str, title: str, text: str, selector: str) -> Variable:
    """The values of any label."""
    return Variable(name, title, text, selector, name)


def _query_variable(one: Variable) -> Panel:
    query = f"label_values({one.selector}, {one.values})"
    return {
        "type": "query",
        "name": one.name,
        "label": one.label,
        "description": one.text,
        "datasource": DATA_SOURCE,
        "definition": query,
        "query": {
            "qryType": 1,
            "query": query,
            "refId": "PrometheusVariableQueryEditor-VariableQuery",
        },
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "includeAll": True,
        # A series without the label matches too.
        "allValue": ".*",
        "multi": True,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "hide": 0,
        "skipUrlSync": False,
    }


def _data_source() -> Panel:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "description": "The Prometheus that scrapes the auditors.",
        "query": "prometheus",
        "current": {},
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
    }


def _annotation(name: str, colour: str, expr: str, title: str, tags: str) -> Panel:
    return {
        "name": name,
        "datasource": DATA_SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": name,
        "textFormat": title,
        "tagKeys": tags,
        "useValueForTime": False,
    }


def _annotations(*, by_service: bool) -> list[Panel]:
    critical = 'severity="critical"'
    gauge = findings(critical) if by_service else pick("findings_open", critical)
    by = "sum by (policy, service_name)"
    restarts = target("process_start_time_seconds")
    return [
        {
            "builtIn": 1,
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        },
        _annotation(
            "Critical finding opened",
            "red",
            f"{by} ({gauge} > 0) unless {by} ({gauge} offset $__rate_interval > 0)",
            "{{service_name}} breaks {{policy}}",
            "policy,service_name",
        ),
        _annotation(
            "Auditor restarted",
            "purple",
            f"max by (namespace, pod, instance) (changes({restarts}[$__rate_interval])) > 0",
            "{{namespace}} {{pod}} {{instance}}",
            "namespace,pod",
        ),
    ]


def _links(uid: str) -> list[Panel]:
    return [
        {
            "type": "link",
            "title": title,
            "tooltip": f"Telemetry auditor: {title}",
            "url": f"/d/{other}",
            "icon": "dashboard",
            "tags": [],
            "asDropdown": False,
            "targetBlank": False,
            "includeVars": True,
            "keepTime": True,
        }
        for other, title in TITLES.items()
        if other != uid
    ]


def board_url(uid: str) -> str:
    """The way to another dashboard with the same variables and time range."""
    return f"/d/{uid}?${{__all_variables}}&${{__url_time_range}}"


def band(height: int, *panels: Panel) -> tuple[int, tuple[Panel, ...]]:
    """Panels side by side that share the width."""
    return height, panels


def _placed(bands: tuple[tuple[int, tuple[Panel, ...]], ...]) -> list[Panel]:
    made: list[Panel] = []
    top = 0
    for height, panels in bands:
        width = COLUMNS // len(panels)
        for index, panel in enumerate(panels):
            place = {"h": height, "w": width, "x": index * width, "y": top}
            made.append({"id": len(made) + 1, "gridPos": place, **panel})
        top += height
    return made


def dashboard(
    uid: str,
    question: str,
    *bands: tuple[int, tuple[Panel, ...]],
    variables: tuple[Variable, ...] = (),
    since: str = "now-6h",
) -> dict[str, Any]:
    """One dashboard.

    Args:
        uid: its stable name.
        question: what it answers.
        bands: its panels from top to bottom.
        variables: besides data source, cluster and namespace.
        since: where its time range begins.
    """
    by_service = any(one.name == "service" for one in variables)
    return {
        "id": None,
        "uid": uid,
        "title": f"Telemetry auditor / {TITLES[uid]}",
        "description": question,
        "tags": [TAG, "opentelemetry"],
        "editable": True,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "schemaVersion": SCHEMA,
        "version": 1,
        "weekStart": "",
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": since, "to": "now"},
        "timepicker": {"refresh_intervals": ["10s", "30s", "1m", "5m", "15m", "1h"]},
        "templating": {
            "list": [_data_source(), *map(_query_variable, (*_scope(), *variables))],
        },
        "annotations": {"list": _annotations(by_service=by_service)},
        "links": _links(uid),
        "panels": _placed(bands),
    }
