"""The overview: which services break which rules."""

from __future__ import annotations

from typing import Any

from generator import frame, queries
from generator.frame import band, board_url
from generator.panels import note, section, series, stat
from generator.parts import ALARM, SEVERITY_COLOURS, WARN, Panel, Query
from generator.queries import POLICY, findings, open_count, or_zero, per_minute, target
from generator.tables import new_findings, worst_findings
from generator.trust import REFUSED, auditors, share_refused

#: Of series by name; such series are stacked.
Colours = dict[str, str] | None

QUESTION = "Which services break which rules of telemetry, how badly, and what is new?"

START = (
    f"**{QUESTION}** Begin with critical findings, then with what is new. A finding is open until "
    "ten minutes after its last violation. `telemetry-auditor policies explain POLICY` says why a "
    "policy is there and what to do; the auditor's findings file names the subject, the evidence "
    "and the remedy."
)

FAMILIES = (
    ("Cardinality", queries.CARDINALITY_KINDS, frame.CARDINALITY, "labels that multiply series"),
    ("Sensitive data", queries.SENSITIVE_KINDS, frame.SENSITIVE, "secrets and personal data"),
    ("Retries", queries.RETRY_KINDS, frame.RELIABILITY, "retries that make an outage worse"),
    ("Liveness probes", queries.PROBE_KINDS, frame.RELIABILITY, "probes that call other systems"),
    (
        "Correlation",
        queries.CORRELATION_KINDS,
        frame.RELIABILITY,
        "logs and spans that stand alone",
    ),
    ("Other", queries.OTHER_KINDS, "", "kinds of policy that you have added"),
)


def _answer() -> tuple[Panel, ...]:
    services = f"count(count by (service_name) ({findings(POLICY)} > 0))"
    return (
        stat(
            "Critical findings open",
            "Findings that cost an outage, a leak or the backend if they stay. Each needs an owner "
            "today: the table below names service and policy.",
            Query(open_count(queries.severity("critical"), POLICY)),
            steps=ALARM,
        ),
        stat(
            "Warnings open",
            "Findings that are wrong but not yet harmful. Plan their repair, or record an "
            "exemption with an owner and an end.",
            Query(open_count(queries.severity("warning"), POLICY)),
            steps=WARN,
        ),
        stat(
            "Services with findings",
            "Services with at least one open finding. Many at once point to a shared library, "
            "agent or template: mend it there.",
            Query(or_zero(services)),
            steps=WARN,
        ),
        stat(
            "New in this range",
            "Pairs of service and policy with a finding in the time range and none during the day "
            "before it. Compare with what was released in between.",
            Query(queries.new_count(POLICY)),
            steps=WARN,
        ),
        stat(
            "Auditors down",
            "Auditors that Prometheus cannot scrape. What they would see is missing from this "
            "page. See the dashboard of the auditors.",
            Query(f"sum(1 - {target('up')})"),
            steps=ALARM,
            opens=board_url(frame.AUDITORS),
        ),
        stat(
            "Requests not inspected",
            "Share of the range's OTLP requests that were refused or broken, so that their data "
            "was not judged. Above zero, the dashboard of the auditors shows the reason.",
            Query(share_refused()),
            unit="percentunit",
            steps=REFUSED,
            opens=board_url(frame.AUDITORS),
            none="no requests",
        ),
    )


def _families() -> tuple[Panel, ...]:
    return tuple(
        stat(
            title,
            f"Open findings about {what}. "
            + ("Click a number to see which." if uid else "The tables below name them."),
            Query(open_count(queries.severity("critical"), kinds, POLICY), "critical"),
            Query(open_count('severity!="critical"', kinds, POLICY), "other"),
            steps_of={"critical": ALARM, "other": WARN},
            opens=board_url(uid) if uid else "",
        )
        for title, kinds, uid, what in FAMILIES
    )


def _trends() -> tuple[Panel, ...]:
    return (
        new_findings(
            frame.OVERVIEW,
            "What is new",
            "Findings of the time range that the day before it did not have, the gravest first. "
            "Ask what was deployed to the service since.",
            POLICY,
        ),
        series(
            "Open findings",
            "Open findings by severity; one that several auditors report counts once. A step up is "
            "a change in a service, a slow climb is neglect.",
            *(
                Query(open_count(queries.severity(name), POLICY), name)
                for name in ("critical", "warning", "info")
            ),
            colours=SEVERITY_COLOURS,
            stacked=True,
        ),
    )


def _rate(rate: str, title: str, text: str, legend: str, colours: Colours = None) -> Panel:
    query = Query(rate, legend, exemplar=True)
    none = "No violations in this range"
    stacked = colours is not None
    return series(title, text, query, unit="cpm", colours=colours, stacked=stacked, none=none)


def _violations() -> tuple[tuple[Panel, ...], ...]:
    by_service = per_minute("service_name", POLICY, 'service_name!=""')
    return (
        (
            _rate(
                per_minute("policy", POLICY),
                "Violations by policy",
                "Violating items a minute, repeats included. The rate says how much telemetry is "
                "affected, not how grave it is. A dot is a trace: click it to see one violation.",
                "{{policy}}",
            ),
            _rate(
                f"topk(10, {by_service})",
                "Violations by service",
                "The ten services with the most violations a minute. A release that mends one of "
                "them shows here first.",
                "{{service_name}}",
            ),
        ),
        (
            _rate(
                per_minute("severity", POLICY),
                "Violations by severity",
                "Violating items a minute by severity. Critical ones that rise while nothing new "
                "opens mean that a known finding got worse.",
                "{{severity}}",
                SEVERITY_COLOURS,
            ),
            _rate(
                per_minute("cluster, namespace", POLICY),
                "Violations by cluster and namespace",
                "Violating items a minute by where the auditor runs. One namespace alone points to "
                "its team, all at once to the platform.",
                "{{cluster}} {{namespace}}",
            ),
        ),
    )


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    first, second = _violations()
    return frame.dashboard(
        frame.OVERVIEW,
        QUESTION,
        band(3, note(START)),
        band(4, *_answer()),
        band(5, *_families()),
        band(
            9,
            worst_findings(
                frame.OVERVIEW,
                "Worst findings",
                "Open findings by service and policy, the gravest and busiest first. Violations "
                "are those of the time range. Click a service or a policy to see only it.",
                POLICY,
            ),
        ),
        band(9, *_trends()),
        band(frame.ROW_HEIGHT, section("Violations")),
        band(9, *first),
        band(9, *second),
        band(frame.ROW_HEIGHT, section("State of the auditors: can this page be trusted?")),
        band(5, *auditors()),
        variables=(frame.service(), frame.policy()),
    )
