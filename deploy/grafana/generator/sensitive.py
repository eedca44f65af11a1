"""Secrets and personal data in telemetry."""

from __future__ import annotations

from typing import Any

from generator import frame, queries
from generator.frame import band
from generator.panels import note, section, series, stat
from generator.parts import ALARM, WARN, Panel, Query
from generator.queries import (
    POLICY,
    SENSITIVE_KINDS,
    findings,
    open_count,
    or_zero,
    per_minute,
    pick,
    violations,
)
from generator.tables import Column, new_findings, only, table, worst_findings

QUESTION = "Where do secrets and personal data leak into telemetry, and does it get better?"

START = (
    f"**{QUESTION}** A secret that was seen has leaked: rotate it first, then stop it at its "
    "source. Baggage is worst, because it travels to every service that is called, others' "
    "included. The auditor never shows a value; its findings hold a masked preview and the place."
)

BAGGAGE = 'policy="secret-in-baggage"'
TELEMETRY = 'policy="secret-in-telemetry"'
PERSONAL = 'policy="personal-data-in-telemetry"'
OTHERS = 'policy!~"secret-in-baggage|secret-in-telemetry|personal-data-in-telemetry"'
SHIPPED = 'policy=~"secret-in-baggage|secret-in-telemetry|personal-data-in-telemetry"'
FAMILIES = (
    ("Secrets in baggage", BAGGAGE, "red"),
    ("Secrets in telemetry", TELEMETRY, "dark-red"),
    ("Personal data", PERSONAL, "orange"),
    ("Other policies", OTHERS, "purple"),
)


def _answer() -> tuple[Panel, ...]:
    services = findings(SENSITIVE_KINDS, POLICY)
    exempted = pick("exempted_total", SHIPPED)
    return (
        stat(
            "Secrets in baggage",
            "Open findings of secrets or personal data in baggage. Rotate the secret, and remove "
            "the member where it is set: every service that is called has seen it.",
            Query(open_count(SENSITIVE_KINDS, BAGGAGE)),
            steps=ALARM,
        ),
        stat(
            "Secrets in telemetry",
            "Open findings of secrets in spans, logs, metrics or resources. Rotate the secret, "
            "stop it at its source, and delete it from the backend.",
            Query(open_count(SENSITIVE_KINDS, TELEMETRY)),
            steps=ALARM,
        ),
        stat(
            "Personal data",
            "Open findings of e-mail addresses, card or account numbers. Record an id or a class "
            "in their place, and tell whoever answers for data protection.",
            Query(open_count(SENSITIVE_KINDS, PERSONAL)),
            steps=WARN,
        ),
        stat(
            "Services that leak",
            "Services with at least one open finding of sensitive data. Many at once point to a "
            "shared library or an instrumentation that records headers.",
            Query(or_zero(f"count(count by (service_name) ({services} > 0))")),
            steps=WARN,
        ),
        stat(
            "New in this range",
            "Pairs of service and policy with a finding in the range and none during the day "
            "before it. Each is a leak that just began.",
            Query(queries.new_count(SENSITIVE_KINDS, POLICY)),
            steps=ALARM,
        ),
        stat(
            "Excused by exemptions",
            "Violations of the range that an exemption excused, of all services. The risk is "
            "accepted until the exemption ends; check that its owner still agrees.",
            Query(or_zero(f"sum({queries.grown(exempted)})")),
            decimals=0,
        ),
    )


def _services() -> Panel:
    key = "cluster, namespace, kind, policy, severity, service_name"

    leaks = violations(SENSITIVE_KINDS, POLICY, 'service_name!=""')

    def is_open(policy: str) -> str:
        found = f"max by ({key}) ({findings(SENSITIVE_KINDS, policy, POLICY)})"
        return f"sum by (service_name) ({found}) or 0 * sum by (service_name) ({leaks})"

    letters = "ABCD"
    shown = tuple(
        Column(f"Value #{letter}", title, decimals=0, cell="color-text", steps=ALARM)
        for letter, (title, _, _) in zip(letters, FAMILIES, strict=True)
    )
    return table(
        "Services",
        "What each service leaks: open findings by policy, and violations of the range. Zeros "
        "alone are a leak that was mended. Click a service to see only it.",
        (
            Column("service_name", "Service", link=only(frame.SENSITIVE, "service", "policy")),
            *shown,
            Column("Value #E", "Violations in range", decimals=0),
        ),
        *(Query(is_open(policy)) for _, policy, _ in FAMILIES),
        Query(f"sum by (service_name) {queries.grown(leaks)}"),
        worst=("Secrets in baggage", "Secrets in telemetry", "Violations in range"),
        none="No leak is reported in this time range",
    )


def _trend() -> tuple[Panel, ...]:
    hourly = f"sum by (policy) (increase({violations(SENSITIVE_KINDS, POLICY)}[1h]))"
    return (
        series(
            "Violations by the hour",
            "Violating items of each hour. The trend that must fall: choose a week to see whether "
            "repairs last.",
            Query(hourly, "{{policy}}", interval="1h"),
            bars=True,
            stacked=True,
            none="No violations in this range",
        ),
        series(
            "Open findings",
            "Open findings by policy; one that several auditors report counts once. A plateau is a "
            "leak that nobody has mended.",
            *(Query(open_count(SENSITIVE_KINDS, policy), title) for title, policy, _ in FAMILIES),
            colours={title: colour for title, _, colour in FAMILIES},
            stacked=True,
        ),
    )


def _rate(by: str, title: str, text: str, *matchers: str) -> Panel:
    rate = per_minute(by, SENSITIVE_KINDS, POLICY, *matchers)
    return series(
        title,
        text,
        Query(rate, f"{{{{{by}}}}}", exemplar=True),
        unit="cpm",
        none="No violations in this range",
    )


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    matchers = (SENSITIVE_KINDS, POLICY)
    return frame.dashboard(
        frame.SENSITIVE,
        QUESTION,
        band(3, note(START)),
        band(4, *_answer()),
        band(
            8,
            _services(),
            new_findings(
                frame.SENSITIVE,
                "What is new",
                "Findings of the range that the day before it did not have. Stop these first: less "
                "of the secret has spread.",
                *matchers,
            ),
        ),
        band(
            8,
            worst_findings(
                frame.SENSITIVE,
                "Worst findings",
                "Open findings by service and policy. The findings file names the place, the "
                "detector and a fingerprint by which equal secrets are known.",
                *matchers,
            ),
        ),
        band(frame.ROW_HEIGHT, section("Trend")),
        band(9, *_trend()),
        band(frame.ROW_HEIGHT, section("Violations")),
        band(
            9,
            _rate(
                "policy",
                "Violations by policy",
                "Violating items a minute, repeats included. A dot is a trace: click it to see the "
                "span that carried the value.",
            ),
            _rate(
                "service_name",
                "Violations by service",
                "Violating items a minute by the service that sent them. With baggage, look for "
                "the service furthest up the call.",
                'service_name!=""',
            ),
            _rate(
                "signal",
                "Violations by signal",
                "Violating items a minute by signal. Logs point to the logger, traces to headers "
                "and baggage, metrics to labels.",
            ),
        ),
        variables=(frame.service(), frame.policy(SENSITIVE_KINDS)),
        since="now-24h",
    )
