"""Outcomes as answers: one table for gRPC statuses and HTTP responses.

Sources: the OTLP specification 1.11, "Failures", "Bad Data", "OTLP/gRPC Throttling",
"OTLP/HTTP Throttling" and "All Other Responses".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson, SerializeToJsonError
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from collector.decode.messages import RESPONSES
from collector.ledger import Refusal
from collector.violation import Signal

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


#: Where the Python exporter looks for it.
RETRY_TRAILER = "google.rpc.retryinfo-bin"


class _Answer(NamedTuple):
    """How a refusal is answered; ``retry`` says that the client should try again."""

    grpc: grpc.StatusCode
    http: int
    text: str
    retry: bool = False


_ANSWERS: dict[Refusal, _Answer] = {
    Refusal.UNDECODABLE: _Answer(
        grpc.StatusCode.INVALID_ARGUMENT, 400, "the body is not an OTLP request"
    ),
    Refusal.TOO_LARGE: _Answer(
        grpc.StatusCode.RESOURCE_EXHAUSTED, 413, "the body is larger than the limit"
    ),
    Refusal.UNSUPPORTED_MEDIA_TYPE: _Answer(
        grpc.StatusCode.INVALID_ARGUMENT,
        415,
        f"Content-Type must be {PROTOBUF} or {JSON}",
    ),
    Refusal.UNSUPPORTED_ENCODING: _Answer(
        grpc.StatusCode.UNIMPLEMENTED, 415, "Content-Encoding must be gzip, deflate or absent"
    ),
    Refusal.NOT_FOUND: _Answer(
        grpc.StatusCode.UNIMPLEMENTED,
        404,
        "there is nothing here; OTLP is taken at /v1/traces, /v1/logs and /v1/metrics",
    ),
    Refusal.UNAUTHENTICATED: _Answer(
        grpc.StatusCode.UNAUTHENTICATED, 401, "a bearer token that is known here is needed"
    ),
    Refusal.METHOD_NOT_ALLOWED: _Answer(grpc.StatusCode.UNIMPLEMENTED, 405, "only POST is taken"),
    Refusal.BODY_TIMEOUT: _Answer(
        grpc.StatusCode.DEADLINE_EXCEEDED, 408, "the body did not arrive in time"
    ),
    Refusal.OVERLOADED: _Answer(
        grpc.StatusCode.UNAVAILABLE, 503, "too much is in flight; try again later", retry=True
    ),
    Refusal.MEMORY: _Answer(
        grpc.StatusCode.UNAVAILABLE, 503, "memory is short; try again later", retry=True
    ),
    Refusal.DRAINING: _Answer(
        grpc.StatusCode.UNAVAILABLE, 503, "shutting down; try again later", retry=True
    ),
    Refusal.INCOMPLETE: _Answer(
        grpc.StatusCode.CANCELLED, 400, "the body ended before it was complete"
    ),
    Refusal.MALFORMED: _Answer(grpc.StatusCode.INVALID_ARGUMENT, 400, "this is no HTTP request"),
    Refusal.INTERNAL: _Answer(
        grpc.StatusCode.UNAVAILABLE, 503, "something failed here; try again later", retry=True
    ),
}


_HEADERS: dict[Refusal, dict[str, str]] = {
    Refusal.METHOD_NOT_ALLOWED: {"Allow": "POST"},
    Refusal.UNAUTHENTICATED: {"WWW-Authenticate": "Bearer"},
}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class GrpcReply:
    """The end of a gRPC call that was refused."""

    code: grpc.StatusCode
    text: str
    trailers: tuple[tuple[str, bytes], ...]


def accepted(signal: Signal, content_type: str, hint: str = "") -> HttpReply:
    """The answer to a request of which everything was taken.

    Args:
        signal: of the request.
        content_type: of the request, and so of the answer.
        hint: a warning; without one the response message is empty.
    """
    body = b"{}" if content_type == JSON else b""
    if hint:
        body = written(warned(signal, hint), content_type)
    return HttpReply(200, {"Content-Type": content_type}, body)


def written(message: Message, content_type: str) -> bytes:
    """A message as HTTP carries it, in JSON or in protobuf."""
    if content_type == JSON:
        return _as_json(message).encode()
    return bytes(message.SerializeToString())


def _as_json(message: Message) -> str:
    """A message in JSON, without details of a status that cannot be written there."""
    if isinstance(message, Status):
        details = [one for one in message.details if _is_writable(one)]
        message = Status(code=message.code, message=message.message, details=details)
    return str(MessageToJson(message, indent=None))


def _is_writable(detail: Any) -> bool:
    """Whether a detail is of a known kind, and whole; the next hop may send any."""
    try:
        MessageToJson(detail)
    except (TypeError, ValueError, DecodeError, SerializeToJsonError, RecursionError):
        return False
    return True


def warned(signal: Signal, hint: str) -> Message:
    """A response that rejects nothing and warns."""
    response: Message = RESPONSES[signal]()
    response.partial_success.error_message = hint  # type: ignore[attr-defined]
    return response


def http_refusal(
    reason: Refusal, content_type: str, retry_after_seconds: int = 0, detail: str = ""
) -> HttpReply:
    """The HTTP answer to a request that was refused.

    Args:
        reason: why.
        content_type: of the request; the body is a Status in that encoding, JSON for others.
        retry_after_seconds: sent when the client should try again.
        detail: says more than the reason; must hold nothing of the request.
    """
    answer = _ANSWERS[reason]
    status = _status(answer, detail, retry_after_seconds)
    kind = PROTOBUF if content_type == PROTOBUF else JSON
    body = written(status, kind)
    headers = {"Content-Type": kind}
    if answer.retry:
        headers["Retry-After"] = str(max(1, retry_after_seconds))
    headers |= _HEADERS.get(reason, {})
    return HttpReply(answer.http, headers, body)


def grpc_refusal(reason: Refusal, retry_after_seconds: int = 0, detail: str = "") -> GrpcReply:
    """How a refused gRPC call ends.

    RetryInfo stands in the status details, as the specification asks, and in a trailer of
    its own, where the Python exporter looks for it.

    Args:
        reason: why.
        retry_after_seconds: sent when the client should try again.
        detail: says more than the reason; must hold nothing of the request.
    """
    answer = _ANSWERS[reason]
    status = _status(answer, detail, retry_after_seconds)
    trailers = [("grpc-status-details-bin", status.SerializeToString())]
    if answer.retry:
        trailers.append((RETRY_TRAILER, retry_info(retry_after_seconds).SerializeToString()))
    return GrpcReply(answer.grpc, status.message, tuple(trailers))


def retry_info(seconds: float) -> RetryInfo:
    """Asks a client to wait, for a second at least."""
    return RetryInfo(retry_delay=Duration(seconds=max(1, math.ceil(seconds))))


def _status(answer: _Answer, detail: str, retry_after_seconds: int) -> Status:
    text = detail or answer.text
    status = Status(code=code_pb2.Code.Value(answer.grpc.name), message=text)
    if answer.grpc is grpc.StatusCode.INVALID_ARGUMENT:
        violation = BadRequest.FieldViolation(field="body", description=text)
        status.details.append(_packed(BadRequest(field_violations=[violation])))
    if answer.retry:
        status.details.append(_packed(retry_info(retry_after_seconds)))
    return status


def _packed(message: BadRequest | RetryInfo) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
