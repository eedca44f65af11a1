"""What a dashboard looks like, as a JSON Schema; its panels stand in `dashboard_panels`."""

from __future__ import annotations

from dashboard_fields import (
    COLOURS,
    COUNT,
    DASHBOARD_URL,
    FLAG,
    GRAFANA,
    PROMETHEUS,
    TEXT,
    Schema,
    closed,
    many,
    one_of,
)
from dashboard_panels import PANEL

ALL: Schema = {"const": {"selected": True, "text": ["All"], "value": ["$__all"]}}
COMMON: Schema = {
    "name": {"type": "string", "pattern": "^[a-z]+$"},
    "label": TEXT,
    "description": TEXT,
    "options": {"const": []},
    "regex": {"const": ""},
    "hide": {"const": 0},
    "skipUrlSync": {"const": False},
}
DATA_SOURCE = closed(
    COMMON
    | {
        "type": {"const": "datasource"},
        "name": {"const": "datasource"},
        "query": {"const": "prometheus"},
        "current": {"const": {}},
        "includeAll": {"const": False},
        "multi": {"const": False},
        "refresh": {"const": 1},
    }
)
QUERY_VARIABLE = closed(
    COMMON
    | {
        "type": {"const": "query"},
        "datasource": PROMETHEUS,
        "definition": TEXT,
        "query": closed(
            {
                "qryType": {"const": 1},
                "query": {"type": "string", "pattern": r"^label_values\(.+, \w+\)$"},
                "refId": TEXT,
            }
        ),
        "current": ALL,
        "includeAll": {"const": True},
        # A series that lacks the label, such as cluster, must match too.
        "allValue": {"const": ".*"},
        "multi": {"const": True},
        "refresh": one_of(1, 2),
        "sort": {"const": 1},
    }
)
BUILT_IN = closed(
    {
        "builtIn": {"const": 1},
        "datasource": GRAFANA,
        "enable": {"const": True},
        "hide": {"const": True},
        "iconColor": TEXT,
        "name": TEXT,
        "type": {"const": "dashboard"},
    }
)
ANNOTATION = closed(
    {
        "name": TEXT,
        "datasource": PROMETHEUS,
        "enable": {"const": True},
        "hide": {"const": False},
        "iconColor": one_of(*COLOURS),
        "expr": TEXT,
        "step": TEXT,
        "titleFormat": TEXT,
        "textFormat": TEXT,
        "tagKeys": TEXT,
        "useValueForTime": {"const": False},
    }
)
DASHBOARD_LINK = closed(
    {
        "type": {"const": "link"},
        "title": TEXT,
        "tooltip": TEXT,
        "url": {"type": "string", "pattern": f"{DASHBOARD_URL}$"},
        "icon": {"const": "dashboard"},
        "tags": {"const": []},
        "asDropdown": {"const": False},
        "targetBlank": {"const": False},
        "includeVars": {"const": True},
        "keepTime": {"const": True},
    }
)
DASHBOARD = closed(
    {
        # Grafana gives the number; a dashboard that brings one overwrites another.
        "id": {"const": None},
        "uid": {"type": "string", "pattern": "^telemetry-auditor-[a-z-]+$", "maxLength": 40},
        "title": {"type": "string", "pattern": "^Telemetry auditor / "},
        "description": {"type": "string", "pattern": r"\?$"},
        "tags": {"type": "array", "items": TEXT, "contains": {"const": "telemetry-auditor"}},
        "editable": FLAG,
        "graphTooltip": one_of(0, 1, 2),
        "fiscalYearStartMonth": {"const": 0},
        "liveNow": FLAG,
        "schemaVersion": {"const": 39},
        "version": COUNT,
        "weekStart": {"const": ""},
        "timezone": {"const": "browser"},
        "refresh": one_of("30s", "1m", "5m"),
        "time": closed({"from": one_of("now-6h", "now-24h"), "to": {"const": "now"}}),
        "timepicker": closed({"refresh_intervals": many(TEXT, 1)}),
        "templating": closed(
            {
                "list": {
                    "type": "array",
                    "prefixItems": [DATA_SOURCE],
                    "items": QUERY_VARIABLE,
                    "minItems": 3,
                }
            }
        ),
        "annotations": closed(
            {
                "list": {
                    "type": "array",
                    "prefixItems": [BUILT_IN],
                    "items": ANNOTATION,
                    "minItems": 3,
                }
            }
        ),
        "links": many(DASHBOARD_LINK, 1),
        "panels": many(PANEL, 1),
    }
)
