"""What Grafana would ask Prometheus for: the queries of a dashboard, variables filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

#: Grafana's own variables, by what a dashboard of the last hour would put in their place.
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "1h"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_NAMES = re.compile(r"^\{__name__=~\"(\w+)\((\w+(?:\|\w+)*)\)\", ")
_LABEL_VALUES = re.compile(r"^label_values\((.+),\s*(\w+)\)$")

Dashboard = Mapping[str, Any]


class Query(NamedTuple):
    """One query.

    Attributes:
        title: of its panel.
        ref: its letter within the panel.
        expr: PromQL without variables.
        kind: instant or range.
    """

    title: str
    ref: str
    expr: str
    kind: str


def all_panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    """Every panel, those in folded rows included."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def data_panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    """The panels that ask for data."""
    return [panel for panel in all_panels(dashboard) if "targets" in panel]


def as_written(dashboard: Dashboard) -> Iterator[tuple[str, str]]:
    """The expressions of panels and annotations with their variables, and where they stand."""
    for panel in data_panels(dashboard):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for one in dashboard["annotations"]["list"]:
        if "expr" in one:
            yield one["name"], one["expr"]


def variables(dashboard: Dashboard) -> list[dict[str, Any]]:
    """The variables of a dashboard."""
    return dashboard["templating"]["list"]


def filled(expression: str, dashboard: Dashboard) -> str:
    """PromQL with every variable at All.

    Args:
        expression: as the dashboard has it.
        dashboard: knows what All means.

    Raises:
        KeyError: The dashboard does not have that variable.
    """
    chosen = {one["name"]: one["allValue"] for one in variables(dashboard) if "allValue" in one}
    known = BUILT_IN | chosen
    return _VARIABLE.sub(lambda found: known[found[1] or found[2]], expression)


def queries(dashboard: Dashboard) -> list[Query]:
    """What the panels ask for."""
    return [
        Query(
            panel["title"],
            target["refId"],
            filled(target["expr"], dashboard),
            "instant" if target["instant"] else "range",
        )
        for panel in data_panels(dashboard)
        for target in panel["targets"]
    ]


def annotations(dashboard: Dashboard) -> list[Query]:
    """What the annotations ask for."""
    return [
        Query(one["name"], "Anno", filled(one["expr"], dashboard), "range")
        for one in dashboard["annotations"]["list"]
        if "expr" in one
    ]


def label_values(dashboard: Dashboard) -> dict[str, tuple[str, str]]:
    """Variables by name: the selector and the label whose values are offered."""
    found = {}
    for one in variables(dashboard):
        if one["type"] == "query":
            selector, label = _LABEL_VALUES.match(one["query"]["query"]).groups()
            found[one["name"]] = (filled(selector, dashboard), label)
    return found


def _named(selector: str) -> list[str]:
    """A selector of several metrics as one of each."""
    found = _NAMES.match(selector)
    if found is None:
        return [selector]
    rest = selector[found.end() :]
    return [f"{found[1]}{name}{{{rest}" for name in found[2].split("|")]


def expressions(dashboard: Dashboard) -> Iterator[tuple[str, str]]:
    """Every expression, those of variables included, with the place where it stands."""
    for query in (*queries(dashboard), *annotations(dashboard)):
        yield f"{query.title} {query.ref}", query.expr
    for name, (selector, label) in label_values(dashboard).items():
        for one in _named(selector):
            yield f"variable {name}", f"count by ({label}) ({one})"


def urls(node: Any) -> list[str]:
    """The addresses of every link, wherever it stands."""
    if isinstance(node, list):
        return [url for one in node for url in urls(one)]
    if not isinstance(node, dict):
        return []
    own = [node["url"]] if isinstance(node.get("url"), str) else []
    return own + [url for one in node.values() for url in urls(one)]
