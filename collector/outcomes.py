"""What tells that a span was cut short: its time was up, or nobody waited for it any more."""

from __future__ import annotations

import re

from collector import classify, semconv, wholes
from collector.semconv import Attributes

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


def timeout(attributes: Attributes) -> str:
    """What says that a span ended because its time was up; empty when nothing does."""
    grpc = classify.grpc_status(attributes)
    if semconv.integer(attributes, "http.response.status_code") == _TIMEOUT_STATUS:
        return f"HTTP {_TIMEOUT_STATUS}"
    if grpc in _GRPC_TIMEOUTS:
        return grpc
    error = wholes.cut(semconv.text(attributes, "error.type"), _LONGEST)
    return error if _TIMEOUTS.search(error) else ""


def cancellation(attributes: Attributes) -> str:
    """What says that a span ended because nobody waited for it any more; empty likewise."""
    grpc = classify.grpc_status(attributes)
    if semconv.integer(attributes, "http.response.status_code") == _CANCELLED_STATUS:
        return f"HTTP {_CANCELLED_STATUS}"
    if grpc in _GRPC_CANCELLATIONS:
        return "CANCELLED"
    error = wholes.cut(semconv.text(attributes, "error.type"), _LONGEST)
    return error if _CANCELLATIONS.search(error) else ""


def gave_up(attributes: Attributes) -> bool:
    """Whether anything says either."""
    return bool(timeout(attributes) or cancellation(attributes))
