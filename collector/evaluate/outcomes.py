"""How a span ended, as far as it says so: answered, timed out, cancelled, failed."""

from __future__ import annotations

from collector import classify, outcomes, semconv
from collector.views import Span

#: Longer spans tell of a clock, not of work, in nanoseconds.
CLOCK_FAULT = 86_400 * 1_000_000_000

_ERROR = 2
_SERVER_ERRORS = range(500, 600)
_CANCELLED_STATUS = 499  # nginx: the client closed the request
_GRPC_FAULTS = {"2": "UNKNOWN", "13": "INTERNAL", "UNKNOWN": "UNKNOWN", "INTERNAL": "INTERNAL"}
_GRPC_GOOD = frozenset({"OK", "0"})


def _status(span: Span) -> int:
    return semconv.integer(span.attributes, "http.response.status_code") or 0


def timeout(span: Span) -> str:
    """What says that a span ended because its time was up; empty when nothing does."""
    return outcomes.timeout(span.attributes)


def cancellation(span: Span) -> str:
    """What says that a span ended because nobody waited for it any more; empty likewise."""
    return outcomes.cancellation(span.attributes)


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
