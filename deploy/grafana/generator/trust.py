"""Whether the auditors can be trusted, as one row."""

from __future__ import annotations

from generator import frame, queries
from generator.frame import board_url
from generator.panels import stat
from generator.parts import ALARM, WARN, Panel, Query, Steps
from generator.queries import pick, target

#: The share of requests above which an auditor does not see enough.
REFUSED: Steps = (("green", None), ("orange", 0.001), ("red", 0.01))

SILENCE: Steps = (("green", None), ("orange", 300), ("red", 900))
KEPT: Steps = (("red", None), ("orange", 0.5), ("green", 1))


def share_refused(*matchers: str) -> str:
    """Requests of the range that were not inspected, of all."""
    refused = f"sum(increase({pick('requests_refused_total', *matchers)}[$__range]))"
    received = f"sum(increase({pick('requests_received_total', *matchers)}[$__range]))"
    return f"{refused} / ({received} > 0)"


def auditors() -> tuple[Panel, ...]:
    """Numbers that lead to the dashboard of the auditors."""
    age = f"time() - max by (signal) ({pick('last_received_timestamp_seconds')})"
    to_auditors = board_url(frame.AUDITORS)
    return (
        stat(
            "Auditors up",
            "Auditors that Prometheus scrapes. Compare with the number of pods that should have "
            "one.",
            Query(f"sum({target('up')})"),
            steps=(("red", None), ("green", 1)),
            opens=to_auditors,
        ),
        stat(
            "Since the last item",
            "How long ago the last item of each signal arrived anywhere. Minutes of silence mean "
            "that a sender, a Collector or the network stopped, and findings will close unmended.",
            Query(age, "{{signal}}"),
            unit="s",
            steps=SILENCE,
            opens=to_auditors,
            none="nothing received",
        ),
        stat(
            "Items inspected",
            "Spans, log records and data points inspected a second. Far below what your services "
            "send means that some of them do not reach an auditor.",
            Query(f"sum by (signal) ({queries.rate(pick('items_inspected_total'))})", "{{signal}}"),
            unit="cps",
            opens=to_auditors,
        ),
        stat(
            "Policy errors",
            "Failures inside a policy in the range. Data was accepted and that policy did not "
            "judge it: report it with the auditor's log.",
            Query(f"sum({queries.grown(pick('policy_errors_total'))})"),
            steps=ALARM,
            decimals=0,
            opens=to_auditors,
        ),
        stat(
            "Traces kept",
            "The least share of traces that any auditor keeps. Below 100 % its table of open spans "
            "is full and it judges a sample: give it more memory or less traffic.",
            Query(f"min({pick('trace_share')})"),
            unit="percentunit",
            steps=KEPT,
            opens=to_auditors,
        ),
        stat(
            "Bounds met",
            "How often an auditor met a bound of its own in the range, and did not look at "
            "something. The dashboard of the auditors names the bound; the configuration sets it.",
            Query(f"sum({queries.grown(pick('bound_met_total'))})"),
            steps=WARN,
            decimals=0,
            opens=to_auditors,
        ),
    )
