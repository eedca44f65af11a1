"""What auditors take of the machines that they run on, and where they met a bound."""

from __future__ import annotations

from generator.panels import series
from generator.parts import ALARM, WARN, Panel, Query, Steps
from generator.queries import POD, grown, pick, rate, target
from generator.tables import Column, table
from generator.trust import KEPT

BY = "cluster, namespace, pod, instance"
LEGEND = "{{pod}} {{instance}}"
FULL: Steps = (("green", None), ("orange", 0.7), ("red", 0.9))


def _top(expression: str) -> Query:
    return Query(f"topk(10, {expression})", LEGEND)


def _process(metric: str) -> str:
    return target(metric, POD)


def _own(metric: str) -> str:
    return pick(metric, POD)


def policies() -> Panel:
    """Policies: their cost, and whether they worked."""
    known = f"0 * sum by (policy) ({_own('policy_errors_total')})"
    seconds = f"sum by (policy) (rate({_own('policy_seconds_total')}[$__range]))"
    items = f"sum(rate({_own('items_inspected_total')}[$__range]))"
    exempted = f"sum by (policy) {grown(_own('exempted_total'))}"
    counted = {"decimals": 0, "width": 130}
    return table(
        "Policies",
        "What each policy costs and whether it worked, the most expensive first. Time for each "
        "item is over all items, those that the policy does not look at included. Overflow is a "
        "bound of the policy's own: raise the option of that name.",
        (
            Column("policy", "Policy"),
            Column("Value #A", "CPU", unit="percentunit", decimals=3),
            Column("Value #B", "Time for each item", unit="s"),
            Column("Value #C", "Violations", **counted),
            Column("Value #D", "Exempted", **counted),
            Column("Value #E", "Errors", cell="color-text", steps=ALARM, **counted),
            Column("Value #F", "Overflow", cell="color-text", steps=WARN, **counted),
        ),
        Query(seconds),
        Query(f"{seconds} / on () group_left () ({items} > 0)"),
        Query(f"sum by (policy) {grown(_own('violations_total'))}"),
        Query(f"{exempted} or {known}"),
        Query(f"sum by (policy) {grown(_own('policy_errors_total'))}"),
        Query(f"sum by (policy) {grown(_own('policy_overflow_total'))}"),
        worst=("Errors", "CPU"),
    )


def bounds() -> Panel:
    """Bounds: how often each was met."""
    return table(
        "Bounds met",
        "How often something was not looked at for want of room in the range, by bound. Those "
        "above zero make counts too low: raise the bound in the configuration, or find the sender "
        "that invents names.",
        (
            Column("bound", "Bound"),
            Column("Value", "Times", decimals=0, width=130, cell="color-text", steps=WARN),
        ),
        Query(f"sum by (bound) {grown(_own('bound_met_total'))}"),
        worst=("Times",),
    )


def processes() -> tuple[tuple[Panel, ...], tuple[Panel, ...]]:
    """Two rows: what is used, and how near the limits are."""
    policy_time = f"sum by (policy) ({rate(_own('policy_seconds_total'))})"
    descriptors = f"{_process('process_open_fds')} / {_process('process_max_fds')}"
    restarts = f"changes({_process('process_start_time_seconds')}[$__rate_interval])"
    used = (
        series(
            "CPU cores",
            "Cores used by the ten busiest auditors. One core inspects some hundred thousand spans "
            "a second; a pod at its limit refuses requests as overloaded.",
            _top(f"sum by ({BY}) ({rate(_process('process_cpu_seconds_total'))})"),
        ),
        series(
            "Resident memory",
            "Memory of the ten largest auditors. It grows with open spans and with what policies "
            "remember, up to their bounds; growth without end is a mistake: report it.",
            _top(f"max by ({BY}) ({_process('process_resident_memory_bytes')})"),
            unit="bytes",
        ),
        series(
            "Cores in policies",
            "Cores spent in each policy, from a sample of batches. One that stands out looks at "
            "more than it needs: narrow its selector.",
            Query(policy_time, "{{policy}}"),
            stacked=True,
        ),
    )
    near = (
        series(
            "Open spans",
            "Spans that wait for their trace, in the ten auditors with the most. At "
            "`traces.max_spans` whole traces are sampled out.",
            _top(f"max by ({BY}) ({_own('open_spans')})"),
        ),
        series(
            "Traces kept",
            "Share of traces that are kept, in the ten auditors with the least. Below 100 % ratios "
            "still hold, and single violations are missed.",
            Query(f"bottomk(10, min by ({BY}) ({_own('trace_share')}))", LEGEND),
            unit="percentunit",
            steps=KEPT,
            most=1,
        ),
        series(
            "File descriptors",
            "Open descriptors of those allowed, in the ten auditors with the highest share. Close "
            "to the limit new connections fail: find the sender that opens one a request.",
            _top(f"max by ({BY}) ({descriptors})"),
            unit="percentunit",
            steps=FULL,
            limits=True,
        ),
        series(
            "Restarts",
            "Restarts within a pod. Several in a row are a crash or a kill for memory: the "
            "previous container's log and the pod's last state tell which.",
            _top(f"max by ({BY}) ({restarts})"),
            bars=True,
        ),
    )
    return used, near
