"""Tables, and those of findings, which several dashboards have."""

from __future__ import annotations

from typing import NamedTuple

from generator import queries
from generator.parts import (
    CALM,
    SEVERITY_COLOURS,
    Panel,
    Query,
    Steps,
    link,
    override,
    panel,
    targets,
    thresholds,
)

#: A value, the text that is shown in its place, and its colour.
Text = tuple[str, str, str]


class Column(NamedTuple):
    """One column of a table.

    Attributes:
        field: the label, or ``Value #A`` for the first query.
        title: what the heading says.
        unit: of Grafana.
        decimals: digits behind the point.
        width: in pixels; 0 lets Grafana choose.
        cell: how a value is drawn.
        steps: colours of values.
        most: where a gauge is full.
        link: where a click on a value leads.
        texts: what is shown instead of values.
    """

    field: str
    title: str
    unit: str = ""
    decimals: int | None = None
    width: int = 0
    cell: str = ""
    steps: Steps = ()
    most: float = 0
    link: str = ""
    texts: tuple[Text, ...] = ()


def _mappings(texts: tuple[Text, ...]) -> list[Panel]:
    shown = {
        value: {"color": colour, "index": index, "text": text}
        for index, (value, text, colour) in enumerate(texts)
    }
    return [{"type": "value", "options": shown}]


def _column(column: Column) -> Panel:
    properties: Panel = {}
    if column.unit:
        properties["unit"] = column.unit
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.width:
        properties["custom_width"] = column.width
    if column.cell:
        properties["custom_cellOptions"] = {"type": column.cell}
    if column.steps:
        properties["thresholds"] = thresholds(column.steps)
    if column.most:
        properties["min"] = 0
        properties["max"] = column.most
    if column.link:
        properties["links"] = link("Show only this", column.link)
    if column.texts:
        properties["mappings"] = _mappings(column.texts)
    return override(column.title, **properties)


def table(
    title: str,
    text: str,
    columns: tuple[Column, ...],
    *queries: Query,
    worst: tuple[str, ...],
    ascending: tuple[str, ...] = (),
    hidden: tuple[str, ...] = (),
    none: str = "None reported in this time range",
) -> Panel:
    """Rows of this moment, the worst first.

    Args:
        title: what a row is.
        text: what it means and what to do.
        columns: in their order; other fields are hidden.
        queries: joined by the labels that they share.
        worst: titles of columns by which rows are sorted, the highest first.
        ascending: titles by which they are sorted before, the lowest first.
        hidden: fields that are not shown, besides the time.
        none: shown where there is no row.
    """
    defaults: Panel = {
        "unit": "locale",
        "noValue": none,
        "color": {"mode": "thresholds"},
        "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
        "thresholds": thresholds(CALM),
        "mappings": [],
    }
    # A table of one query calls its value "Value", one of several "Value #A", "Value #B" ...
    fields = [column.field for column in columns]
    order = [(name, False) for name in ascending] + [(name, True) for name in worst]
    overrides = [one for one in map(_column, columns) if one["properties"]]
    return panel("table", title, text, defaults, overrides) | {
        "options": {
            "cellHeight": "sm",
            "footer": {"countRows": False, "fields": "", "reducer": ["sum"], "show": False},
            "showHeader": True,
            "sortBy": [{"displayName": name, "desc": desc} for name, desc in order],
        },
        "targets": targets(queries, "instant", "table"),
        "transformations": [
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": dict.fromkeys(("Time", *hidden), True),
                    "indexByName": {name: index for index, name in enumerate(fields)},
                    "renameByName": {column.field: column.title for column in columns},
                },
            },
        ],
    }


_SEVERITIES = tuple((str(rank), name, SEVERITY_COLOURS[name]) for name, rank in queries.RANKS)


def only(board: str, variable: str, *kept: str) -> str:
    """A link to a dashboard with one variable set to the value that was clicked."""
    same = "".join(f"&${{{name}:queryparam}}" for name in ("cluster", "namespace", *kept))
    chosen = f"var-{variable}=${{__value.raw:percentencode}}"
    return f"/d/{board}?${{datasource:queryparam}}{same}&{chosen}&${{__url_time_range}}"


def _about(board: str, *more: Column) -> tuple[Column, ...]:
    return (
        Column("Value #A", "Severity", width=110, cell="color-text", texts=_SEVERITIES),
        Column("service_name", "Service", link=only(board, "service", "policy")),
        Column("policy", "Policy", link=only(board, "policy", "service")),
        *more,
        Column("namespace", "Namespace"),
        Column("cluster", "Cluster"),
    )


def worst_findings(board: str, title: str, text: str, *matchers: str) -> Panel:
    """Findings that are open, the gravest first."""
    severity, how_many, counted = queries.worst(*matchers)
    columns = _about(
        board,
        Column("Value #B", "Open findings", decimals=0, width=140),
        Column("Value #C", "Violations in range", decimals=0, width=170),
    )
    return table(
        title,
        text,
        columns,
        *(Query(severity), Query(how_many), Query(counted)),
        worst=("Severity", "Violations in range"),
        hidden=("severity",),
        none="No open finding is reported",
    )


def new_findings(board: str, title: str, text: str, *matchers: str) -> Panel:
    """Findings that the day before the time range did not have."""
    severity, how_many = queries.new(*matchers)
    columns = _about(board, Column("Value #B", "Findings", decimals=0, width=110))
    return table(
        title,
        text,
        columns,
        *(Query(severity), Query(how_many)),
        worst=("Severity", "Findings"),
        hidden=("severity",),
        none="Nothing new is reported in this time range",
    )
