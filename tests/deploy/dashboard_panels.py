"""What panels of a dashboard look like, as JSON Schemas."""

from __future__ import annotations

from dashboard_fields import (
    ANY_TEXT,
    COLOR,
    COUNT,
    FLAG,
    LINK,
    MAPPING,
    NUMBER,
    OVERRIDE,
    PROMETHEUS,
    SERIES_FIELD,
    TABLE_FIELD,
    TEXT,
    THRESHOLDS,
    UNITS,
    Schema,
    closed,
    many,
    one_of,
)


def _fields(custom: Schema) -> Schema:
    defaults = {
        "unit": one_of(*UNITS),
        "noValue": TEXT,
        "color": COLOR,
        "thresholds": THRESHOLDS,
        "mappings": many(MAPPING),
    }
    optional = {"decimals": COUNT, "links": many(LINK, 1), "min": NUMBER, "max": NUMBER} | custom
    return closed({"defaults": closed(defaults, optional), "overrides": many(OVERRIDE)})


def _target(form: str, *, instant: bool) -> Schema:
    required: Schema = {
        "datasource": PROMETHEUS,
        "editorMode": {"const": "code"},
        "exemplar": {"const": False} if instant else FLAG,
        "expr": TEXT,
        "format": {"const": form},
        "instant": {"const": instant},
        "range": {"const": not instant},
        "refId": {"type": "string", "pattern": "^[A-Z]$"},
    }
    return closed(required, {"legendFormat": TEXT, "interval": {"const": "1h"}})


PLACE = closed(
    {
        "h": {"type": "integer", "minimum": 1},
        "w": {"type": "integer", "minimum": 1, "maximum": 24},
        "x": {"type": "integer", "minimum": 0, "maximum": 23},
        "y": COUNT,
    }
)
FRAME: Schema = {"id": {"type": "integer", "minimum": 1}, "gridPos": PLACE, "title": TEXT}


def _panel(kind: str, options: Schema, custom: Schema, target: Schema, more: Schema) -> Schema:
    return closed(
        FRAME
        | {
            "type": {"const": kind},
            "description": {"type": "string", "minLength": 40, "maxLength": 400},
            "datasource": PROMETHEUS,
            "pluginVersion": TEXT,
            "fieldConfig": _fields(custom),
            "options": options,
            "targets": many(target, 1),
        }
        | more
    )


STAT_OPTIONS = closed(
    {
        "colorMode": {"const": "value"},
        "graphMode": {"const": "none"},
        "justifyMode": {"const": "auto"},
        "orientation": one_of("auto", "vertical"),
        "reduceOptions": closed({"calcs": many(TEXT, 1), "fields": ANY_TEXT, "values": FLAG}),
        "textMode": one_of("value", "value_and_name"),
        "wideLayout": FLAG,
    }
)
LEGEND = closed(
    {
        "calcs": many(one_of("lastNotNull", "max"), 1),
        "displayMode": {"const": "table"},
        "placement": {"const": "bottom"},
        "showLegend": {"const": True},
        "sortBy": TEXT,
        "sortDesc": FLAG,
    }
)
SERIES_OPTIONS = closed(
    {"legend": LEGEND, "tooltip": closed({"mode": {"const": "multi"}, "sort": {"const": "desc"}})}
)
FOOTER = closed(
    {"countRows": FLAG, "fields": ANY_TEXT, "reducer": many(TEXT), "show": {"const": False}}
)
TABLE_OPTIONS = closed(
    {
        "cellHeight": {"const": "sm"},
        "footer": FOOTER,
        "showHeader": {"const": True},
        "sortBy": many(closed({"displayName": TEXT, "desc": FLAG}), 1),
    }
)


def _by_name(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


ORGANIZE = closed(
    {
        "excludeByName": _by_name({"const": True}),
        "indexByName": _by_name(COUNT),
        "renameByName": _by_name(TEXT),
    }
)
TRANSFORMATIONS: Schema = {
    "type": "array",
    "prefixItems": [
        closed({"id": {"const": "merge"}, "options": closed({})}),
        closed({"id": {"const": "organize"}, "options": ORGANIZE}),
    ],
    "minItems": 2,
    "maxItems": 2,
}

#: Panels by type.
PANELS: dict[str, Schema] = {
    "stat": _panel("stat", STAT_OPTIONS, {}, _target("time_series", instant=True), {}),
    "timeseries": _panel(
        "timeseries",
        SERIES_OPTIONS,
        {"custom": SERIES_FIELD},
        _target("time_series", instant=False),
        {},
    ),
    "table": _panel(
        "table",
        TABLE_OPTIONS,
        {"custom": TABLE_FIELD},
        _target("table", instant=True),
        {"transformations": TRANSFORMATIONS},
    ),
    "text": closed(
        FRAME
        | {
            "title": {"const": ""},
            "type": {"const": "text"},
            "transparent": {"const": True},
            "pluginVersion": TEXT,
            "options": closed({"mode": {"const": "markdown"}, "content": TEXT}),
        }
    ),
    "row": closed(
        FRAME | {"type": {"const": "row"}, "collapsed": {"const": False}, "panels": {"const": []}}
    ),
}
PANEL: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": one_of(*PANELS)},
    "allOf": [
        {"if": {"properties": {"type": {"const": kind}}}, "then": schema}
        for kind, schema in PANELS.items()
    ],
}
