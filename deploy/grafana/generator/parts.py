"""What panels of every type are made of."""

from __future__ import annotations

from typing import Any, NamedTuple

Panel = dict[str, Any]
#: A colour, and the value from which on it is shown; the first has none.
Steps = tuple[tuple[str, float | None], ...]

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
VERSION = "10.4.0"

NEUTRAL: Steps = (("blue", None),)
CALM: Steps = (("green", None),)
WARN: Steps = (("green", None), ("orange", 1))
ALARM: Steps = (("green", None), ("red", 1))
SEVERITY_COLOURS = {"critical": "red", "warning": "orange", "info": "blue"}


class Query(NamedTuple):
    """One query of a panel.

    Attributes:
        expr: PromQL.
        legend: of a series; labels stand in double braces.
        exemplar: show traces behind the samples.
        interval: the least step.
    """

    expr: str
    legend: str = ""
    exemplar: bool = False
    interval: str = ""


def thresholds(steps: Steps) -> Panel:
    """Colours by value."""
    return {"mode": "absolute", "steps": [{"color": name, "value": at} for name, at in steps]}


def override(name: str, **properties: object) -> Panel:
    """What differs for one field; underscores in names of properties stand for dots."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": key.replace("_", "."), "value": value} for key, value in properties.items()
        ],
    }


def targets(queries: tuple[Query, ...], kind: str, form: str) -> list[Panel]:
    """Queries of a panel: of an instant or of a range, as time series or as a table."""
    made = []
    for index, query in enumerate(queries):
        one = {
            "datasource": DATA_SOURCE,
            "editorMode": "code",
            "exemplar": query.exemplar,
            "expr": query.expr,
            "format": form,
            "instant": kind == "instant",
            "range": kind == "range",
            "refId": chr(ord("A") + index),
        }
        if query.legend:
            one["legendFormat"] = query.legend
        if query.interval:
            one["interval"] = query.interval
        made.append(one)
    return made


def panel(kind: str, title: str, text: str, defaults: Panel, overrides: list[Panel]) -> Panel:
    """What every panel with data has."""
    return {
        "type": kind,
        "title": title,
        "description": text,
        "datasource": DATA_SOURCE,
        "pluginVersion": VERSION,
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
    }


def link(title: str, url: str) -> list[Panel]:
    """Where a click on a value leads."""
    return [{"title": title, "url": url, "targetBlank": False}]
