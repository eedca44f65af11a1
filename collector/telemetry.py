"""The table of the auditor's own metrics; every other list of them is made from it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

PREFIX = "telemetry_auditor_"

#: What a label value beyond its bound reads.
OTHER = "_other"


class Type(StrEnum):
    """Types of metrics, as OpenMetrics names them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    INFO = "info"


class Metric(NamedTuple):
    """One metric.

    Attributes:
        name: without `PREFIX`, and without the suffix that its type adds.
        type: counters are shown with the suffix ``_total``, infos with ``_info``.
        help: one sentence.
        labels: in the order in which values are given.
        unit: of OTLP (UCUM).
    """

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    unit: str = "1"

    @property
    def shown(self) -> str:
        """The name of its samples."""
        suffix = {Type.COUNTER: "_total", Type.INFO: "_info", Type.GAUGE: ""}[self.type]
        return f"{PREFIX}{self.name}{suffix}"


_SIGNAL_AND_PROTOCOL = ("signal", "protocol")

VIOLATIONS = Metric(
    "violations",
    Type.COUNTER,
    "Violating items, repeats included; a policy on a state adds 1 per window in which it holds.",
    ("policy", "kind", "severity", "signal", "service_name"),
)
FINDINGS_OPEN = Metric(
    "findings_open",
    Type.GAUGE,
    "Findings seen within the fold time.",
    ("policy", "kind", "severity", "service_name"),
)
RECEIVED = Metric(
    "requests_received",
    Type.COUNTER,
    "Requests that began; each is inspected, refused or uninspected.",
    _SIGNAL_AND_PROTOCOL,
)
INSPECTED = Metric(
    "requests_inspected", Type.COUNTER, "Requests inspected as a whole.", _SIGNAL_AND_PROTOCOL
)
REFUSED = Metric(
    "requests_refused",
    Type.COUNTER,
    "Requests that were not inspected, by reason.",
    (*_SIGNAL_AND_PROTOCOL, "reason"),
)
UNINSPECTED = Metric(
    "requests_uninspected",
    Type.COUNTER,
    "Requests that could not be decoded and were sent on as they came.",
    _SIGNAL_AND_PROTOCOL,
)
FORWARDED = Metric(
    "forward_requests",
    Type.COUNTER,
    "Requests sent on to the next hop, by what became of them.",
    ("signal", "outcome"),
)
FORWARD_SECONDS = Metric(
    "forward_seconds", Type.COUNTER, "Time in which the next hop answered.", ("signal",), "s"
)
FORWARD_IN_FLIGHT = Metric(
    "forward_in_flight", Type.GAUGE, "Requests that wait for an answer of the next hop."
)
ITEMS = Metric(
    "items_inspected",
    Type.COUNTER,
    "Spans, log records and data points inspected, own telemetry left out.",
    _SIGNAL_AND_PROTOCOL,
)
OWN_ITEMS = Metric(
    "own_items", Type.COUNTER, "Items of the auditor's own telemetry, left out.", ("signal",)
)
LAST_RECEIVED = Metric(
    "last_received_timestamp_seconds",
    Type.GAUGE,
    "When the last item of a signal arrived, in seconds since 1970.",
    ("signal",),
    "s",
)
BUILD = Metric("build", Type.INFO, "What is running.", ("version", "python", "decoder"))
POLICY_ERRORS = Metric(
    "policy_errors",
    Type.COUNTER,
    "Failures inside a policy, or inside detectors, picks of values, scrubber and decoder; "
    "the data was accepted.",
    ("policy",),
)
POLICY_SECONDS = Metric(
    "policy_seconds",
    Type.COUNTER,
    "Time spent in a policy, estimated from a sample of batches.",
    ("policy",),
    "s",
)
POLICY_OVERFLOW = Metric(
    "policy_overflow", Type.COUNTER, "How often a policy met a bound of its own.", ("policy",)
)
EXEMPTED = Metric("exempted", Type.COUNTER, "Violations that an exemption excused.", ("policy",))
RETRY_RATIO = Metric(
    "retry_ratio",
    Type.GAUGE,
    "Retries per original call in the last window.",
    ("service_name", "peer", "operation"),
)
LABEL_VALUES = Metric(
    "metric_label_values",
    Type.GAUGE,
    "Estimated distinct values of a metric's label in the sliding window, the highest only.",
    ("service_name", "metric", "label"),
)
LABEL_LIMIT = Metric(
    "metric_label_values_limit",
    Type.GAUGE,
    "Distinct values of a metric's label above which a finding has this severity.",
    ("severity",),
)
RELOADS = Metric(
    "policy_reloads",
    Type.COUNTER,
    "Times that policies were loaded again; after a failed one the last good ones stay.",
    ("outcome",),
)
CERTIFICATE_RELOADS = Metric(
    "certificate_reloads",
    Type.COUNTER,
    "Times that certificates and tokens were loaded again; after a failed one the last good ones "
    "stay.",
    ("outcome",),
)
LAST_RELOAD = Metric(
    "last_reload_successful",
    Type.GAUGE,
    "0 while files of policies, or of certificates and tokens, are not in force, for something is "
    "wrong with them.",
    ("what",),
)
POLICIES_LOADED = Metric(
    "policies_loaded_timestamp_seconds",
    Type.GAUGE,
    "When the policies in force were loaded, in seconds since 1970.",
    (),
    "s",
)
ODDITIES = Metric("oddities", Type.COUNTER, "Peculiarities of what was received.", ("oddity",))
BOUNDS = Metric("bound_met", Type.COUNTER, "How often a bound was met.", ("bound",))
OPEN_SPANS = Metric("open_spans", Type.GAUGE, "Spans that wait for their trace.")
TRACE_SHARE = Metric(
    "trace_share", Type.GAUGE, "Share of traces that are kept; 1 unless the table is full."
)

METRICS: tuple[Metric, ...] = (
    VIOLATIONS,
    FINDINGS_OPEN,
    RECEIVED,
    INSPECTED,
    REFUSED,
    UNINSPECTED,
    FORWARDED,
    FORWARD_SECONDS,
    FORWARD_IN_FLIGHT,
    ITEMS,
    OWN_ITEMS,
    LAST_RECEIVED,
    BUILD,
    POLICY_ERRORS,
    POLICY_SECONDS,
    POLICY_OVERFLOW,
    EXEMPTED,
    RETRY_RATIO,
    LABEL_VALUES,
    LABEL_LIMIT,
    RELOADS,
    CERTIFICATE_RELOADS,
    LAST_RELOAD,
    POLICIES_LOADED,
    ODDITIES,
    BOUNDS,
    OPEN_SPANS,
    TRACE_SHARE,
)


def markdown() -> str:
    """The table as the documentation shows it."""
    rows = ["| metric | type | what it says |", "|---|---|---|"]
    for metric in METRICS:
        labels = f"{{{','.join(metric.labels)}}}" if metric.labels else ""
        rows.append(f"| `{metric.shown}{labels}` | {metric.type} | {metric.help} |")
    return "\n".join(rows) + "\n"
