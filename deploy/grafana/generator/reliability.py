"""Retries, liveness probes and correlation: what makes an outage worse, or longer."""

from __future__ import annotations

from typing import Any

from generator import frame, queries
from generator.frame import band
from generator.panels import note, section, series, stat
from generator.parts import ALARM, WARN, Panel, Query, Steps
from generator.queries import (
    CORRELATION_KINDS,
    POLICY,
    PROBE_KINDS,
    RELIABILITY_KINDS,
    RETRY_KINDS,
    findings,
    of_service,
    open_count,
    or_zero,
    violations,
)
from generator.tables import Column, only, table, worst_findings

QUESTION = "Will retries, probes or missing trace ids make the next outage worse, or longer?"

START = (
    f"**{QUESTION}** Retries above a tenth of the calls keep a peer from recovering; a liveness "
    "probe that asks a dependency restarts every replica at once; logs without trace id cannot be "
    "found from a trace. Each auditor shows the 20 highest retry ratios of its last window."
)

#: Defaults of the options `warn_ratio` and `critical_ratio` of retry-storm.
RATIO: Steps = (("green", None), ("orange", 0.1), ("red", 0.2))
CALL = "service_name, peer, operation"
RETRY_RATIO = of_service("retry_ratio", 'peer=~"$peer"')
SHOWN = 100


def _answer() -> tuple[Panel, ...]:
    uncorrelated = findings('kind="log_correlation"', POLICY)
    attempts = violations('kind="retry_limit"', POLICY)
    return (
        stat(
            "Highest retry ratio",
            "Retries for each original call, of the worst pair of peer and operation in its last "
            "window. Above 10 % a budget must hold retries back, above 20 % they are the outage.",
            Query(f"max({RETRY_RATIO})"),
            unit="percentunit",
            steps=RATIO,
            none="no calls judged",
        ),
        stat(
            "Retry storms",
            "Peers that are retried too much, for longer than the policy holds. Give the client a "
            "retry budget and back-off with jitter; stop retries on all levels but one.",
            Query(open_count('kind="retry_storm"', POLICY)),
            steps=ALARM,
        ),
        stat(
            "Calls tried too often",
            "Calls of the range that were attempted more often than the policy allows, three times "
            "unless configured. Lower the client's number of attempts.",
            Query(or_zero(f"sum({queries.grown(attempts)})")),
            steps=WARN,
            decimals=0,
        ),
        stat(
            "Liveness probes that call others",
            "Open findings of liveness probes that ask a database or another service. Move that "
            "check to the readiness probe.",
            Query(open_count(PROBE_KINDS, POLICY)),
            steps=ALARM,
        ),
        stat(
            "Services with lone logs",
            "Traced services of which too many log records carry no trace id. Mend the logger's "
            "setup or the thread pool that loses the context.",
            Query(or_zero(f"count(count by (service_name) ({uncorrelated} > 0))")),
            steps=WARN,
        ),
        stat(
            "New in this range",
            "Pairs of service and policy with a finding in the range and none during the day "
            "before it. Compare with releases and with incidents.",
            Query(queries.new_count(RELIABILITY_KINDS, POLICY)),
            steps=WARN,
        ),
    )


def _calls() -> Panel:
    highest = f"max by ({CALL}) (max_over_time({RETRY_RATIO}[$__range]))"
    top = f"topk({SHOWN}, {highest})"
    now = f"max by ({CALL}) ({RETRY_RATIO}) and on ({CALL}) {top}"
    ratio = {"unit": "percentunit", "decimals": 1, "width": 170, "cell": "color-text"}
    return table(
        "Worst peers",
        "Retries for each original call, by who calls whom with what. A high ratio to one peer is "
        "the peer's trouble; to all peers it is the client's configuration.",
        (
            Column("service_name", "Service", link=only(frame.RELIABILITY, "service", "peer")),
            Column("peer", "Peer", link=only(frame.RELIABILITY, "peer", "service")),
            Column("operation", "Operation"),
            Column("Value #A", "Ratio now", steps=RATIO, **ratio),
            Column("Value #B", "Highest in range", steps=RATIO, **ratio),
        ),
        Query(now),
        Query(top),
        worst=("Ratio now", "Highest in range"),
        none="No calls are judged",
    )


def _retries() -> tuple[Panel, ...]:
    return (
        series(
            "Retry ratio",
            "The ten highest ratios of retries to original calls. The dashed lines are the "
            "policy's defaults, 10 % and 20 %. A peak that outlasts its cause is a storm.",
            Query(
                f"topk(10, max by ({CALL}) ({RETRY_RATIO}))",
                "{{service_name}} → {{peer}} {{operation}}",
            ),
            unit="percentunit",
            steps=RATIO,
            limits=True,
            none="No calls are judged",
        ),
        _rate(
            "Violations by service", "windows with a storm and calls over the limit", RETRY_KINDS
        ),
    )


def _rate(title: str, what: str, kinds: str) -> Panel:
    return series(
        title,
        f"Violations a minute: {what}. A dot is a trace: click it to see one violation.",
        Query(
            queries.per_minute("policy, service_name", kinds, POLICY),
            "{{policy}} {{service_name}}",
            exemplar=True,
        ),
        unit="cpm",
        none="No violations in this range",
    )


def _worst(title: str, text: str, kinds: str) -> Panel:
    return worst_findings(frame.RELIABILITY, title, text, kinds, POLICY)


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    seen = of_service("retry_ratio")
    return frame.dashboard(
        frame.RELIABILITY,
        QUESTION,
        band(3, note(START)),
        band(4, *_answer()),
        band(frame.ROW_HEIGHT, section("Retries")),
        band(8, _calls()),
        band(9, *_retries()),
        band(
            7,
            _worst(
                "Retry storms and limits",
                "Open findings about retries. A storm comes first, whatever its number of "
                "violations.",
                RETRY_KINDS,
            ),
        ),
        band(frame.ROW_HEIGHT, section("Liveness probes")),
        band(
            8,
            _worst(
                "Probes that call others",
                "Services whose liveness probe calls another system. When that system is slow, "
                "Kubernetes restarts all their replicas at once.",
                PROBE_KINDS,
            ),
            _rate(
                "Probes that called others", "each probe that called another system", PROBE_KINDS
            ),
        ),
        band(frame.ROW_HEIGHT, section("Correlation")),
        band(
            8,
            _worst(
                "Telemetry that stands alone",
                "Services with logs without trace id, spans without their parent, or items without "
                "an agreed attribute. The policy says which.",
                CORRELATION_KINDS,
            ),
            _rate(
                "Telemetry that stood alone",
                "windows with too many lone logs, orphan spans, items that lack an attribute",
                CORRELATION_KINDS,
            ),
        ),
        variables=(
            frame.service(),
            frame.label("peer", "Peer", "Whom services call.", seen),
            frame.policy(RELIABILITY_KINDS),
        ),
    )
