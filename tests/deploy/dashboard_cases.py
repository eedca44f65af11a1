"""What numbers on the dashboards say: series of a made-up cluster, and what must be shown."""

from __future__ import annotations

from typing import NamedTuple

OVERVIEW = "telemetry-auditor-overview"
CARDINALITY = "telemetry-auditor-cardinality"
SENSITIVE = "telemetry-auditor-sensitive-data"

HOURS = 60  # samples, one a minute
END = 30 * HOURS


class Case(NamedTuple):
    """One number.

    Attributes:
        uid: of the dashboard.
        title: of the panel.
        series: by name and labels, the samples in promtool's notation.
        shown: values that the panel's first query gives, in ascending order.
        ref: the letter of the query.
    """

    uid: str
    title: str
    series: dict[str, str]
    shown: tuple[float, ...]
    ref: str = "A"


def up(pod: str, samples: str = f"1x{END}") -> dict[str, str]:
    """An auditor."""
    scraped = f'job="telemetry-auditor", namespace="shop", pod="{pod}"'
    return {f"telemetry_auditor_build_info{{{scraped}}}": samples, f"up{{{scraped}}}": samples}


def finding(
    pod: str, samples: str, policy: str = "retry-storm", cluster: str = ""
) -> dict[str, str]:
    """An open finding of the service orders."""
    labels = (
        f'cluster="{cluster}", namespace="shop", pod="{pod}", policy="{policy}", '
        'kind="retry_storm", severity="critical", service_name="orders"'
    )
    return {f"telemetry_auditor_findings_open{{{labels}}}": samples}


def violations(policy: str, samples: str) -> dict[str, str]:
    """A counter of sensitive values of the service orders."""
    labels = (
        f'namespace="shop", policy="{policy}", kind="sensitive_value", severity="critical", '
        'signal="traces", service_name="orders"'
    )
    return {f"telemetry_auditor_violations_total{{{labels}}}": samples}


def values(pod: str, count: int) -> dict[str, str]:
    """A label of a metric, and the limits of the auditor that saw it."""
    labels = f'namespace="shop", pod="{pod}", service_name="orders", metric="a", label="b"'
    limit = f'telemetry_auditor_metric_label_values_limit{{namespace="shop", pod="{pod}"'
    return {
        f"telemetry_auditor_metric_label_values{{{labels}}}": f"{count}x{END}",
        f'{limit}, severity="critical"}}': f"100x{END}",
        f'{limit}, severity="warning"}}': f"10x{END}",
    }


ALWAYS = f"1x{END}"
OPENED_LATE = f"_x{END - 10} 1x10"
CLOSED_EARLY_OPENED_LATE = f"1x60 0x{END - 71} 1x10"
OPEN_TWICE_IN_A_DAY = f"0x{END - 300} 1x30 0x258 1x10"

CASES = {
    "a finding that two auditors report counts once": Case(
        OVERVIEW,
        "Critical findings open",
        up("a") | finding("a", ALWAYS) | finding("b", ALWAYS),
        (1,),
    ),
    "findings of two clusters are two": Case(
        OVERVIEW,
        "Critical findings open",
        finding("a", ALWAYS, cluster="east") | finding("a", ALWAYS, cluster="west"),
        (2,),
    ),
    "no finding is a zero while an auditor is scraped": Case(
        OVERVIEW, "Critical findings open", up("a"), (0,)
    ),
    "no finding is no zero where no auditor is": Case(OVERVIEW, "Critical findings open", {}, ()),
    "a finding that just opened is new": Case(
        OVERVIEW, "New in this range", up("a") | finding("a", OPENED_LATE), (1,)
    ),
    "a finding that was open all day is not new": Case(
        OVERVIEW, "New in this range", up("a") | finding("a", ALWAYS), (0,)
    ),
    "a finding that comes back within the day is not new": Case(
        OVERVIEW, "New in this range", up("a") | finding("a", OPEN_TWICE_IN_A_DAY), (0,)
    ),
    "a finding that comes back after more than a day is new": Case(
        OVERVIEW, "New in this range", up("a") | finding("a", CLOSED_EARLY_OPENED_LATE), (1,)
    ),
    "a new finding of another policy is new": Case(
        OVERVIEW,
        "New in this range",
        up("a") | finding("a", ALWAYS) | finding("a", OPENED_LATE, policy="other"),
        (1,),
    ),
    "an auditor that cannot be scraped is down": Case(
        OVERVIEW, "Auditors down", up("a") | up("b", f"0x{END}"), (1,)
    ),
    "a first and only violation shows": Case(
        SENSITIVE, "Services", violations("secret-in-telemetry", OPENED_LATE), (1,), "E"
    ),
    "violations before the range do not show": Case(
        SENSITIVE, "Services", violations("secret-in-telemetry", f"7x{END}"), (0,), "E"
    ),
    "a label over the limit counts once for all auditors": Case(
        CARDINALITY,
        "Labels over the critical limit",
        up("a") | values("a", 101) | values("b", 150),
        (1,),
    ),
    "a label between the limits is not over the critical one": Case(
        CARDINALITY, "Labels over the critical limit", up("a") | values("a", 50), (0,)
    ),
    "a label between the limits is over the warning one": Case(
        CARDINALITY, "Labels over the warning limit", up("a") | values("a", 50), (1,)
    ),
    "without a known limit nothing is said": Case(
        CARDINALITY, "Labels over the critical limit", up("a"), ()
    ),
}
