"""The auditors themselves: up, complete, and what they cost."""

from __future__ import annotations

from typing import Any

from generator import frame, queries
from generator.costs import bounds, policies, processes
from generator.frame import band
from generator.panels import note, section, series, stat
from generator.parts import ALARM, WARN, Panel, Query, Steps
from generator.queries import JOB, POD, grown, or_none, or_zero, pick, rate, target
from generator.tables import Column, table
from generator.trust import KEPT, REFUSED, SILENCE, share_refused

QUESTION = "Are the auditors up, do they see everything, and what do they cost?"

START = (
    f"**{QUESTION}** Every request that begins is inspected or refused with a reason; the ledger "
    "must come out even. What an auditor leaves out for want of room is counted as a bound that "
    "was met. Only when this page is green can the others be trusted."
)

#: A request that is being inspected is in no column of the ledger yet.
LEDGER: Steps = (("red", None), ("green", 0), ("orange", 100))


def _own(metric: str, *matchers: str) -> str:
    return pick(metric, POD, *matchers)


def _process(metric: str) -> str:
    return target(metric, POD)


def _health() -> tuple[Panel, ...]:
    up = _process("up")
    restarts = f"sum(changes({_process('process_start_time_seconds')}[$__range]))"
    return (
        stat(
            "Up",
            "Auditors that Prometheus scrapes. Compare with the number of pods that should have "
            "one.",
            Query(f"sum({up})"),
            steps=(("red", None), ("green", 1)),
        ),
        stat(
            "Down",
            "Auditors that Prometheus knows and cannot scrape. Look at the pod's events and log; "
            "a mistake in the configuration ends the program with a sentence that names it.",
            Query(f"sum(1 - {up})"),
            steps=ALARM,
        ),
        stat(
            "Restarts",
            "Restarts of the range within the same pod. Each loses the open traces and counts that "
            "were not scraped: look for a kill for memory first.",
            Query(restarts),
            steps=WARN,
            decimals=0,
        ),
        stat(
            "Requests not inspected",
            "Share of the range's requests that were refused or broken. See which reason below.",
            Query(share_refused(POD)),
            unit="percentunit",
            steps=REFUSED,
            none="no requests",
        ),
        stat(
            "Traces kept",
            "The least share of traces that any auditor keeps. Below 100 % the table of open spans "
            "is full: raise `traces.max_spans`, or spread the load.",
            Query(f"min({_own('trace_share')})"),
            unit="percentunit",
            steps=KEPT,
        ),
        stat(
            "Policy errors",
            "Failures inside a policy, a detector or the decoder in the range. The data was "
            "accepted and not judged: report it with the log.",
            Query(f"sum({grown(_own('policy_errors_total'))})"),
            steps=ALARM,
            decimals=0,
        ),
    )


def _instances() -> Panel:
    by = "cluster, namespace, pod, instance"
    build = f"max by ({by}, version, decoder, python) ({_own('build_info', JOB)})"
    started = f"time() - max by ({by}) ({_process('process_start_time_seconds')})"
    silent = f"time() - max by ({by}) ({_own('last_received_timestamp_seconds')})"
    states = (("0", "down", "red"), ("1", "up", "green"))
    decoders = (("native", "native", "green"), ("reference", "reference", "orange"))
    return table(
        "Auditors",
        "Each auditor, those that are down or silent first. The reference decoder finds the same "
        "and is some twenty times slower. Several versions at once are a roll-out that stopped.",
        (
            Column("Value #A", "State", width=90, cell="color-text", texts=states),
            Column("pod", "Pod"),
            Column("instance", "Instance"),
            Column("version", "Version", width=90),
            Column("decoder", "Decoder", width=110, cell="color-text", texts=decoders),
            Column("python", "Python", width=90),
            Column("Value #C", "Since start", unit="s", decimals=0),
            Column(
                "Value #D",
                "Since last item",
                unit="s",
                cell="color-text",
                steps=SILENCE,
                decimals=0,
            ),
            Column("Value #E", "Items a second", unit="cps", decimals=1),
            Column("namespace", "Namespace"),
            Column("cluster", "Cluster"),
        ),
        Query(f"max by ({by}) ({_process('up')})"),
        Query(build),
        Query(started),
        Query(silent),
        Query(f"sum by ({by}) (rate({_own('items_inspected_total')}[$__range]))"),
        hidden=("Value #B",),
        worst=("Since last item",),
        ascending=("State",),
        none="No auditor is scraped",
    )


def _requests() -> tuple[Panel, ...]:
    received = _own("requests_received_total")
    inspected = _own("requests_inspected_total")
    refused = _own("requests_refused_total")
    onward = _own("requests_uninspected_total")
    difference = f"sum({received}) - sum({inspected}) - sum({refused}) - sum({onward})"
    return (
        series(
            "Requests",
            "Requests a second: received, inspected and refused. The first two lie on each other "
            "while all is well.",
            *(
                Query(f"sum({rate(counter)})", name)
                for name, counter in (
                    ("received", received),
                    ("inspected", inspected),
                    ("refused", refused),
                )
            ),
            unit="reqps",
            colours={"received": "blue", "inspected": "green", "refused": "red"},
        ),
        series(
            "Requests refused, by reason",
            "Requests a second that were not inspected. overloaded wants more CPU or more "
            "auditors, unauthenticated a token, too_large smaller batches, undecodable a mended "
            "sender.",
            Query(f"sum by (reason) ({rate(refused)})", "{{reason}}"),
            unit="reqps",
            stacked=True,
        ),
        series(
            "Ledger",
            "Received less inspected less refused: requests in flight, a few at most. A value that "
            "stays high is an auditor that hangs, a negative one a mistake in it: report it.",
            Query(difference, "in flight"),
            steps=LEDGER,
            least=None,
        ),
    )


def _items() -> tuple[Panel, ...]:
    age = f"time() - {_own('last_received_timestamp_seconds')}"
    own = or_zero(f"sum({rate(_own('own_items_total'))})")
    return (
        series(
            "Items inspected, by signal",
            "Spans, log records and data points a second. A signal that falls to zero lost its "
            "sender. The auditor's own telemetry is left out, or it would audit itself.",
            Query(f"sum by (signal) ({rate(_own('items_inspected_total'))})", "{{signal}}"),
            Query(own, "own, left out"),
            unit="cps",
            stacked=True,
        ),
        series(
            "Since the last item",
            "The ten longest silences by signal and pod. Minutes without traces in one pod mean "
            "that its services do not export; in all pods, that a Collector stopped.",
            Query(
                f"topk(10, max by (signal, pod, instance) ({age}))",
                "{{signal}} {{pod}} {{instance}}",
            ),
            unit="s",
            steps=SILENCE,
            limits=True,
            none="Nothing has been received",
        ),
        series(
            "Oddities received",
            "Peculiarities of what was received, a minute, such as spans that end before they "
            "start. Find the sender before you trust its other data.",
            Query(
                or_none(
                    f"{queries.PER_MINUTE} * sum by (oddity) ({rate(_own('oddities_total'))})",
                    "oddity",
                    _own("oddities_total"),
                ),
                "{{oddity}}",
            ),
            unit="cpm",
        ),
    )


def _onward() -> tuple[Panel, ...]:
    sent = f"sum by (outcome) ({rate(_own('forward_requests_total'))})"
    spent = f"sum by (signal) ({rate(_own('forward_seconds_total'))})"
    asked = f"sum by (signal) ({rate(_own('forward_requests_total'))})"
    onward = _own("forward_requests_total")
    return (
        series(
            "Sent on, by outcome",
            "Requests that went to the next hop, a minute, by what became of them, and those that "
            "could not be decoded and went on as they came.",
            Query(or_none(f"{queries.PER_MINUTE} * {sent}", "outcome", onward), "{{outcome}}"),
            Query(
                f"{queries.PER_MINUTE} * sum({rate(_own('requests_uninspected_total'))})",
                "not inspected",
            ),
            unit="cpm",
        ),
        series(
            "Answers of the next hop",
            "Mean time until the next hop answers, and requests that wait for it.",
            Query(or_none(f"{spent} / {asked}", "signal", onward), "{{signal}}"),
            Query(or_none(f"sum by (pod) ({_own('forward_in_flight')})", "pod", onward), "{{pod}}"),
            unit="s",
        ),
        series(
            "Policies in force",
            "Age of the policies in force, and attempts to load them, or certificates, anew; after "
            "a failed one the last good ones stay, and 0 stands for those that have to wait.",
            Query(
                f"time() - max by (pod) ({_own('policies_loaded_timestamp_seconds')})", "{{pod}}"
            ),
            Query(f"sum by (outcome) ({_own('policy_reloads_total')})", "{{outcome}}"),
            Query(
                f"sum by (outcome) ({_own('certificate_reloads_total')})",
                "certificates {{outcome}}",
            ),
            Query(f"min by (what) ({_own('last_reload_successful')})", "{{what}} in force"),
            unit="s",
        ),
    )


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    costs, limits = processes()
    return frame.dashboard(
        frame.AUDITORS,
        QUESTION,
        band(3, note(START)),
        band(4, *_health()),
        band(8, _instances()),
        band(frame.ROW_HEIGHT, section("Does it see everything?")),
        band(9, *_requests()),
        band(9, *_items()),
        band(10, policies(), bounds()),
        band(9, *_onward()),
        band(frame.ROW_HEIGHT, section("What does it cost?")),
        band(8, *costs),
        band(8, *limits),
        variables=(frame.label("pod", "Pod", "Pods of auditors.", pick("build_info", JOB)),),
    )
