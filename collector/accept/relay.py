"""The answer of the next hop, as the sender reads it."""

from __future__ import annotations

import math

import grpc
from google.protobuf.json_format import MessageToJson

from collector.accept.reply import RETRY_TRAILER, GrpcReply, HttpReply, retry_info
from collector.decode.messages import RESPONSES
from collector.forward.parcel import JSON, PROTOBUF, Answer
from collector.forward.statuses import http_of, is_retryable, retry_delay
from collector.violation import Signal

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def http_reply(signal: Signal, answer: Answer, content_type: str) -> HttpReply:
    """The answer to a sender over HTTP: that of an HTTP hop as it is, any other in its words.

    Args:
        signal: of the request.
        answer: of the next hop.
        content_type: of the request.
    """
    if answer.http is not None:
        return HttpReply(answer.http.status, answer.http.headers, answer.http.body)
    as_json = content_type == JSON
    if answer.accepted:
        body = answer.response
        if as_json:
            message = RESPONSES[signal].FromString(body)
            body = MessageToJson(message, indent=None).encode()
        return HttpReply(200, {"Content-Type": JSON if as_json else PROTOBUF}, body)
    status = answer.status
    text = MessageToJson(status, indent=None).encode() if as_json else status.SerializeToString()
    headers = {"Content-Type": JSON if as_json else PROTOBUF}
    delay = retry_delay(status)
    if delay is not None and is_retryable(status):
        headers["Retry-After"] = str(max(1, math.ceil(delay)))
    return HttpReply(http_of(status), headers, text)


def grpc_reply(answer: Answer) -> GrpcReply:
    """The end of a call whose request the next hop did not take."""
    status = answer.status
    trailers = dict(answer.trailers)
    trailers.setdefault("grpc-status-details-bin", status.SerializeToString())
    delay = retry_delay(status)
    if delay is not None and is_retryable(status):
        trailers.setdefault(RETRY_TRAILER, retry_info(delay).SerializeToString())
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return GrpcReply(code, status.message, tuple(trailers.items()))
