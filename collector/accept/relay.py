"""The answer of the next hop, as the sender reads it."""

from __future__ import annotations

import math

import grpc
from google.rpc.status_pb2 import Status

from collector.accept.reply import RETRY_TRAILER, GrpcReply, HttpReply, written
from collector.decode.messages import RESPONSES
from collector.forward.parcel import Answer
from collector.forward.statuses import http_of, is_retryable, retry_delay, retry_info
from collector.violation import Signal

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def http_reply(signal: Signal, answer: Answer, content_type: str) -> HttpReply:
    """The answer to a sender over HTTP.

    That of an HTTP hop stays as it is, where it is in the encoding of the request, as OTLP wants.

    Args:
        signal: of the request.
        answer: of the next hop.
        content_type: of the request.
    """
    if answer.http is not None and answer.http.kind == content_type:
        headers = _delayed(answer.http.headers, answer.status)
        return HttpReply(answer.http.status, headers, answer.http.body)
    if answer.accepted:
        message = RESPONSES[signal].FromString(answer.response)
        return HttpReply(200, {"Content-Type": content_type}, written(message, content_type))
    status, headers = answer.status, {"Content-Type": content_type}
    if answer.http is not None:
        headers = answer.http.headers | headers
    code = http_of(status) if answer.http is None else answer.http.status
    return HttpReply(code, _delayed(headers, status), written(status, content_type))


def _delayed(headers: dict[str, str], status: Status) -> dict[str, str]:
    """Headers that ask to wait where a status does."""
    delay = retry_delay(status)
    if delay is None or not is_retryable(status) or "Retry-After" in headers:
        return headers
    return headers | {"Retry-After": str(max(1, math.ceil(delay)))}


def grpc_reply(answer: Answer) -> GrpcReply:
    """The end of a call whose request the next hop did not take."""
    status = answer.status
    trailers = [("grpc-status-details-bin", status.SerializeToString())]
    info = retry_info(status)
    if info is not None and is_retryable(status):
        trailers.append((RETRY_TRAILER, info.SerializeToString()))
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return GrpcReply(code, status.message, tuple(trailers))
