"""Metric labels that take too many values."""

from __future__ import annotations

from typing import Any

from generator import frame, queries
from generator.frame import band
from generator.panels import note, section, series, stat
from generator.parts import ALARM, WARN, Panel, Query, Steps
from generator.queries import CARDINALITY_KINDS, POLICY, of_service, open_count, or_zero, pick
from generator.tables import Column, new_findings, only, table, worst_findings

QUESTION = "Which metric labels multiply time series, and how far are they from the limit?"

START = (
    f"**{QUESTION}** Drop the worst label with an SDK view, or record a class in its place "
    "(`http.route` for a path, `user.type` for an id). Each auditor shows the 20 labels with the "
    "most values; the counts are estimates within its sliding window, one hour unless configured."
)

#: Default of the option `growth_values`: new values of a label in five minutes.
GROWTH = 100
GROWING: Steps = (("green", None), ("orange", GROWTH))
LABEL = "service_name, metric, label"
LEGEND = "{{service_name}} {{metric}} {{label}}"
SHOWN = 100

_LABEL_VALUES = of_service("metric_label_values", 'metric=~"$metric"')
VALUES = f"max by ({LABEL}) ({_LABEL_VALUES})"
GROWN = f"clamp_min(max by ({LABEL}) (delta({_LABEL_VALUES}[5m])), 0)"
POLICIES = 'policy=~"metric-label-cardinality|forbidden-metric-label"'


def _limit(severity: str) -> str:
    return pick("metric_label_values_limit", queries.severity(severity))


def _share(values: str, severity: str) -> str:
    return f"{values} / on () group_left () max({_limit(severity)})"


def _over(severity: str) -> str:
    above = f"count({VALUES} > on () group_left () max({_limit(severity)}))"
    return or_zero(above, _limit(severity))


def _answer() -> tuple[Panel, ...]:
    return (
        stat(
            "Labels over the critical limit",
            "Labels with more values than the backend can bear for long. Stop the label today: "
            "each value is at least one time series.",
            Query(_over("critical")),
            steps=ALARM,
            none="no limit known",
        ),
        stat(
            "Labels over the warning limit",
            "Labels with more values than a dashboard can show. Replace the value by a class "
            "before it reaches the critical limit.",
            Query(_over("warning")),
            steps=WARN,
            none="no limit known",
        ),
        stat(
            "Most values of a label",
            "The highest share of the critical limit that any label has reached.",
            Query(f"max({_share(VALUES, 'critical')})"),
            unit="percentunit",
            steps=(("green", None), ("orange", 0.5), ("red", 1)),
            none="no metrics seen",
        ),
        stat(
            "Fastest growth",
            "New values of one label in five minutes. A label that keeps taking new values holds "
            f"an id; the policy warns above {GROWTH} unless configured.",
            Query(f"max({GROWN})"),
            steps=GROWING,
            decimals=0,
            none="no metrics seen",
        ),
        stat(
            "Forbidden labels",
            "Open findings of labels that hold ids, personal data, bodies or raw URLs. Names give "
            "them away before the values do: remove them before they grow.",
            Query(open_count('kind="label_forbidden"', POLICY)),
            steps=ALARM,
        ),
        stat(
            "New in this range",
            "Pairs of service and policy with a finding in the range and none during the day "
            "before it. Look for the release that added the label.",
            Query(queries.new_count(CARDINALITY_KINDS, POLICY)),
            steps=WARN,
        ),
    )


def _labels() -> Panel:
    top = f"topk({SHOWN}, {VALUES})"
    share = {"unit": "percentunit", "decimals": 0, "width": 190}
    return table(
        "Worst labels",
        "Labels by their number of distinct values, against both limits. Growth is the new values "
        "of the last five minutes: mend first what is high and still grows.",
        (
            Column("service_name", "Service", link=only(frame.CARDINALITY, "service", "metric")),
            Column("metric", "Metric", link=only(frame.CARDINALITY, "metric", "service")),
            Column("label", "Label"),
            Column("Value #A", "Values", decimals=0, width=120),
            Column("Value #D", "Growth", decimals=0, width=120, cell="color-text", steps=GROWING),
            Column("Value #B", "Of warning limit", cell="color-text", steps=WARN, **share),
            Column("Value #C", "Of critical limit", cell="gauge", steps=ALARM, most=1, **share),
        ),
        Query(top),
        Query(_share(top, "warning")),
        Query(_share(top, "critical")),
        Query(f"{GROWN} and on ({LABEL}) {top}"),
        worst=("Values", "Growth"),
        none="No labels of metrics are seen",
    )


def _trends() -> tuple[Panel, ...]:
    limits = [Query(f"max({_limit(name)})", f"{name} limit") for name in ("critical", "warning")]
    return (
        series(
            "Values against the limits",
            "The ten labels with the most values, and both limits. A line that climbs steadily is "
            "an id, one that levels off below the limit is a large but bounded set.",
            *limits,
            Query(f"topk(10, {VALUES})", LEGEND),
            colours={"critical limit": "red", "warning limit": "orange"},
            dashed=("critical limit", "warning limit"),
            log=True,
        ),
        series(
            "Growth in five minutes",
            "New values of a label in five minutes, for the ten that grow fastest. The dashed line "
            f"is the policy's default of {GROWTH}. Growth that starts with a release names it.",
            Query(f"topk(10, {GROWN})", LEGEND),
            steps=GROWING,
            limits=True,
        ),
    )


def _violations() -> tuple[Panel, ...]:
    matchers = (CARDINALITY_KINDS, POLICY)
    return (
        series(
            "Violations by policy",
            "Violations a minute. Cardinality is judged once a step, five minutes unless "
            "configured, and counts 1 for each step in which it holds.",
            Query(queries.per_minute("policy", *matchers), "{{policy}}", exemplar=True),
            unit="cpm",
            none="No violations in this range",
        ),
        series(
            "Labels that were not tracked",
            "How often a policy had no room for a further label or metric, a minute. Above zero "
            "the numbers of this page are too low: raise `max_tracked` of the policy.",
            Query(
                f"{queries.PER_MINUTE} * sum by (policy) "
                f"({queries.rate(pick('policy_overflow_total', POLICIES))})",
                "{{policy}}",
            ),
            unit="cpm",
            steps=WARN,
        ),
    )


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    matchers = (CARDINALITY_KINDS, POLICY)
    seen = of_service("metric_label_values")
    return frame.dashboard(
        frame.CARDINALITY,
        QUESTION,
        band(3, note(START)),
        band(4, *_answer()),
        band(10, _labels()),
        band(9, *_trends()),
        band(frame.ROW_HEIGHT, section("Findings")),
        band(
            8,
            worst_findings(
                frame.CARDINALITY,
                "Worst findings",
                "Open findings about labels by service and policy. The findings file names metric "
                "and label of each.",
                *matchers,
            ),
            new_findings(
                frame.CARDINALITY,
                "What is new",
                "Findings of the range that the day before it did not have. Look for the release "
                "that added the label.",
                *matchers,
            ),
        ),
        band(8, *_violations()),
        variables=(
            frame.service(),
            frame.label("metric", "Metric", "Metrics that services send.", seen),
            frame.policy(CARDINALITY_KINDS),
        ),
    )
