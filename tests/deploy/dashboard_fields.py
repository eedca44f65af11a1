"""What a panel shows and how, as JSON Schemas; the parts of `dashboard_panels`.

They are narrower than what Grafana takes: every field is named, so that a misspelt one, which
Grafana would drop without a word, is found.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

#: Units of Grafana that are in use; Grafana shows any other text as it is.
UNITS = ["short", "locale", "percentunit", "s", "bytes", "cps", "cpm", "reqps"]
COLOURS = ["green", "orange", "red", "dark-red", "blue", "purple"]

TEXT: Schema = {"type": "string", "minLength": 1}
ANY_TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
PROMETHEUS: Schema = {"const": {"type": "prometheus", "uid": "${datasource}"}}
GRAFANA: Schema = {"const": {"type": "grafana", "uid": "-- Grafana --"}}
DASHBOARD_URL = r"^/d/telemetry-auditor-[a-z-]+"


def closed(required: Schema, optional: Schema | None = None) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def many(items: Schema, least: int = 0) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items, "minItems": least}


def one_of(*values: Any) -> Schema:
    """One of these values."""
    return {"enum": list(values)}


THRESHOLDS = closed(
    {
        "mode": {"const": "absolute"},
        "steps": many(
            closed({"color": one_of(*COLOURS), "value": {"type": ["number", "null"]}}), 1
        ),
    }
)
LINK = closed(
    {"title": TEXT, "url": {"type": "string", "pattern": DASHBOARD_URL}, "targetBlank": FLAG}
)
MAPPING = closed(
    {
        "type": {"const": "value"},
        "options": {
            "type": "object",
            "additionalProperties": closed(
                {"text": TEXT, "color": one_of(*COLOURS), "index": COUNT}
            ),
        },
    }
)
COLOR = closed(
    {"mode": one_of("thresholds", "palette-classic", "fixed")}, {"fixedColor": one_of(*COLOURS)}
)
CELL = closed({"type": one_of("auto", "color-text", "gauge")})
LINE_STYLE = closed({"fill": {"const": "dash"}, "dash": many(COUNT, 2)})

#: What an override may change, by the path of the property.
PROPERTIES: Schema = {
    "color": COLOR,
    "custom.cellOptions": CELL,
    "custom.fillOpacity": COUNT,
    "custom.lineStyle": LINE_STYLE,
    "custom.width": COUNT,
    "decimals": COUNT,
    "links": many(LINK, 1),
    "mappings": many(MAPPING, 1),
    "max": NUMBER,
    "min": NUMBER,
    "thresholds": THRESHOLDS,
    "unit": one_of(*UNITS),
}
OVERRIDE = closed(
    {
        "matcher": closed({"id": {"const": "byName"}, "options": TEXT}),
        "properties": many(
            {
                "oneOf": [
                    closed({"id": {"const": name}, "value": value})
                    for name, value in PROPERTIES.items()
                ]
            },
            1,
        ),
    }
)

TABLE_FIELD = closed({"align": TEXT, "cellOptions": CELL, "filterable": FLAG})
SERIES_FIELD = closed(
    {
        "drawStyle": one_of("line", "bars"),
        "fillOpacity": COUNT,
        "lineWidth": COUNT,
        "lineInterpolation": {"const": "linear"},
        "showPoints": one_of("never", "auto"),
        "pointSize": COUNT,
        "spanNulls": FLAG,
        "axisPlacement": {"const": "auto"},
        "stacking": closed({"group": TEXT, "mode": one_of("normal", "none")}),
        "scaleDistribution": closed({"type": one_of("linear", "log")}, {"log": one_of(2, 10)}),
        "thresholdsStyle": closed({"mode": one_of("off", "dashed")}),
    }
)
