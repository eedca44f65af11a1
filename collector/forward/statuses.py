"""Statuses of HTTP and of gRPC, each in the words of the other.

Sources: the OTLP specification 1.11, "Failures" (which codes a client tries again), and
googleapis' ``google/rpc/code.proto`` (which HTTP status a code stands for).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

#: After these an OTLP client may try again.
RETRYABLE_HTTP = frozenset({429, 502, 503, 504})
_RETRYABLE_CODES = frozenset(
    {
        code_pb2.CANCELLED,
        code_pb2.DEADLINE_EXCEEDED,
        code_pb2.ABORTED,
        code_pb2.OUT_OF_RANGE,
        code_pb2.UNAVAILABLE,
        code_pb2.DATA_LOSS,
    }
)
_CODES = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    404: code_pb2.UNIMPLEMENTED,
    405: code_pb2.UNIMPLEMENTED,
    413: code_pb2.RESOURCE_EXHAUSTED,
    415: code_pb2.INVALID_ARGUMENT,
}
_HTTP = {
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.UNAUTHENTICATED: 401,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.NOT_FOUND: 404,
    code_pb2.UNIMPLEMENTED: 404,
    code_pb2.ALREADY_EXISTS: 409,
}
_TOO_LARGE = 413
_THROTTLED = 429
_UNAVAILABLE = 503
_BROKEN = 500
#: Nobody is asked to wait longer, whatever the next hop says.
_LONGEST_DELAY = 86_400.0


def code_of(http: int) -> int:
    """The gRPC code that says to an OTLP client what an HTTP status says."""
    if http in RETRYABLE_HTTP:
        return int(code_pb2.UNAVAILABLE)
    return int(_CODES.get(http, code_pb2.INTERNAL))


def http_of(status: Status) -> int:
    """The HTTP status that says to an OTLP client what a gRPC status says."""
    if status.code == code_pb2.RESOURCE_EXHAUSTED:
        return _THROTTLED if retry_delay(status) is not None else _TOO_LARGE
    if status.code in _RETRYABLE_CODES:
        return _UNAVAILABLE
    return _HTTP.get(status.code, _BROKEN)


def is_retryable(status: Status) -> bool:
    """Whether an OTLP client tries again after a gRPC status."""
    if status.code == code_pb2.RESOURCE_EXHAUSTED:
        return retry_delay(status) is not None
    return status.code in _RETRYABLE_CODES


def retry_info(status: Status) -> RetryInfo | None:
    """What a status says of trying again; None when it does not, or not legibly."""
    for detail in status.details:
        info = RetryInfo()
        try:
            if detail.Is(RetryInfo.DESCRIPTOR) and detail.Unpack(info):
                return info
        except DecodeError:
            continue
    return None


def retry_delay(status: Status) -> float | None:
    """The seconds that a status asks to wait; None when it does not say."""
    info = retry_info(status)
    if info is None:
        return None
    seconds = float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return min(max(0.0, seconds), _LONGEST_DELAY)


def retry_after(text: str, now: float) -> float | None:
    """The seconds that a Retry-After header asks to wait; None where it is none.

    Args:
        text: seconds, or a date of HTTP.
        now: seconds since 1970.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_DELAY)
    try:
        when = parsedate_to_datetime(text)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        seconds = when - datetime.fromtimestamp(now, UTC)
    except (ValueError, OverflowError, LookupError, TypeError):  # email raises any of them
        return None
    return min(max(0.0, seconds.total_seconds()), _LONGEST_DELAY)


def with_delay(status: Status, seconds: float) -> Status:
    """The same status, asking to wait, where it does not ask already."""
    if retry_info(status) is None:
        whole = int(seconds)
        delay = Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))
        packed = Any()
        packed.Pack(RetryInfo(retry_delay=delay))
        status.details.append(packed)
    return status
