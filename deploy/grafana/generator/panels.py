"""Numbers, curves, texts and headings; the frame gives them their id and place."""

from __future__ import annotations

from generator.parts import (
    CALM,
    NEUTRAL,
    VERSION,
    Panel,
    Query,
    Steps,
    link,
    override,
    panel,
    targets,
    thresholds,
)


def stat(
    title: str,
    text: str,
    *queries: Query,
    unit: str = "short",
    steps: Steps = NEUTRAL,
    steps_of: dict[str, Steps] | None = None,
    opens: str = "",
    none: str = "no auditor",
    decimals: int | None = None,
) -> Panel:
    """One number, or a few with names, of this moment.

    Args:
        title: what is counted.
        text: what it means and what to do.
        queries: a number each.
        unit: of Grafana.
        steps: colours by value.
        steps_of: other colours for single names.
        opens: where a click leads.
        none: shown where there is no value.
        decimals: digits behind the point.
    """
    named = len(queries) > 1 or "{{" in "".join(query.legend for query in queries)
    defaults: Panel = {
        "unit": unit,
        "noValue": none,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds(steps),
        "mappings": [],
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    if opens:
        defaults["links"] = link("Show details", opens)
    overrides = [
        override(name, thresholds=thresholds(own)) for name, own in (steps_of or {}).items()
    ]
    return panel("stat", title, text, defaults, overrides) | {
        "options": {
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "vertical" if named else "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "value_and_name" if named else "value",
            "wideLayout": True,
        },
        "targets": targets(queries, "instant", "time_series"),
    }


def series(
    title: str,
    text: str,
    *queries: Query,
    unit: str = "short",
    steps: Steps = CALM,
    limits: bool = False,
    colours: dict[str, str] | None = None,
    dashed: tuple[str, ...] = (),
    bars: bool = False,
    stacked: bool = False,
    log: bool = False,
    least: float | None = 0,
    most: float | None = None,
    none: str = "No data in this time range",
) -> Panel:
    """Values over time.

    Args:
        title: what is shown.
        text: what it means and what to do.
        queries: with a legend each.
        unit: of Grafana.
        steps: thresholds, drawn as lines where `limits` is set.
        limits: draw the thresholds.
        colours: of series by name.
        dashed: names of series that are limits themselves.
        bars: bars instead of lines.
        stacked: one above the other.
        log: a logarithmic axis.
        least: the axis' lower end.
        most: the axis' upper end.
        none: shown where there is nothing.
    """
    custom: Panel = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 70 if bars else 10,
        "lineWidth": 1,
        "lineInterpolation": "linear",
        "showPoints": "never",
        "pointSize": 5,
        "spanNulls": False,
        "axisPlacement": "auto",
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"},
        "thresholdsStyle": {"mode": "dashed" if limits else "off"},
    }
    defaults: Panel = {
        "unit": unit,
        "noValue": none,
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "thresholds": thresholds(steps),
        "mappings": [],
    }
    if least is not None and not log:
        defaults["min"] = least
    if most is not None:
        defaults["max"] = most
    overrides = [
        override(name, color={"mode": "fixed", "fixedColor": colour})
        for name, colour in (colours or {}).items()
    ]
    dash = {"fill": "dash", "dash": [10, 10]}
    overrides += [override(name, custom_lineStyle=dash, custom_fillOpacity=0) for name in dashed]
    return panel("timeseries", title, text, defaults, overrides) | {
        "options": {
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
                "sortBy": "Max",
                "sortDesc": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": targets(queries, "range", "time_series"),
    }


def note(content: str) -> Panel:
    """A text in Markdown."""
    return {
        "type": "text",
        "title": "",
        "transparent": True,
        "pluginVersion": VERSION,
        "options": {"mode": "markdown", "content": content},
    }


def section(title: str) -> Panel:
    """A heading above the panels that follow."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}
