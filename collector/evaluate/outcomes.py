"""How a span ended, as far as it says so: answered, timed out, cancelled, failed."""

from __future__ import annotations

import re

from collector import classify, semconv
from collector.views import Span

#: Longer spans tell of a clock, not of work, in nanoseconds.
CLOCK_FAULT = 86_400 * 1_000_000_000

_ERROR = 2
_SERVER_ERRORS = range(500, 600)
_TIMEOUT_STATUS = 504
_CANCELLED_STATUS = 499  # nginx: the client closed the request
_LONGEST = 256  # characters of an error type that are looked at

_TIMEOUTS = re.compile(r"time[d_]?.?out|timeout|deadline.?exceeded", re.IGNORECASE)
_CANCELLATIONS = re.compile(
    r"cancell?ed|cancell?ation|client.?(?:abort|closed|disconnect)|request.?abort|AbortError",
    re.IGNORECASE,
)
_GRPC_TIMEOUTS = frozenset({"DEADLINE_EXCEEDED"})
_GRPC_CANCELLATIONS = frozenset({"CANCELLED", "CANCELED", "1"})
_GRPC_FAULTS = {"2": "UNKNOWN", "13": "INTERNAL", "UNKNOWN": "UNKNOWN", "INTERNAL": "INTERNAL"}
_GRPC_GOOD = frozenset({"OK", "0"})


def _status(span: Span) -> int:
    return semconv.integer(span.attributes, "http.response.status_code") or 0


def _error(span: Span) -> str:
    return semconv.text(span.attributes, "error.type")[:_LONGEST]


def timeout(span: Span) -> str:
    """What says that a span ended because its time was up; empty when nothing does."""
    grpc = classify.grpc_status(span.attributes)
    if _status(span) == _TIMEOUT_STATUS:
        return f"HTTP {_TIMEOUT_STATUS}"
    if grpc in _GRPC_TIMEOUTS:
        return grpc
    return _error(span) if _TIMEOUTS.search(_error(span)) else ""


def cancellation(span: Span) -> str:
    """What says that a span ended because nobody waited for it any more; empty likewise."""
    grpc = classify.grpc_status(span.attributes)
    if _status(span) == _CANCELLED_STATUS:
        return f"HTTP {_CANCELLED_STATUS}"
    if grpc in _GRPC_CANCELLATIONS:
        return "CANCELLED"
    return _error(span) if _CANCELLATIONS.search(_error(span)) else ""


def server_fault(span: Span) -> str:
    """What says that a server answered that the fault is its own; empty when nothing does."""
    status = _status(span)
    if status in _SERVER_ERRORS:
        return f"HTTP {status}"
    return _GRPC_FAULTS.get(classify.grpc_status(span.attributes), "")


def answered(span: Span) -> bool:
    """Whether a server says that it gave an answer and no fault of its own."""
    status = _status(span)
    if status:
        return status not in _SERVER_ERRORS and status != _CANCELLED_STATUS
    return classify.grpc_status(span.attributes) in _GRPC_GOOD


def erred(span: Span) -> bool:
    """Whether a call failed or its status is an error."""
    return span.failed or span.status == _ERROR
