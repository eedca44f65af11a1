"""Answers of the next hop, over HTTP and gRPC, and what senders are told of them.

An input is a byte each for the signal, the status and the media type, a line with Retry-After, and
a body; over gRPC the body stands for the status details.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from inputs.target import Target

from collector.accept.relay import grpc_reply, http_reply
from collector.decode.messages import RESPONSES
from collector.forward.forwarder import _TEXTS
from collector.forward.grpc import _read as read_call
from collector.forward.http import read_answer
from collector.forward.parcel import JSON, PROTOBUF, Answer, HttpAnswer, Outcome
from collector.forward.statuses import retry_after
from collector.violation import Signal

HEAD = 3
_SIGNALS = tuple(Signal)
_STATUSES = (200, 202, 301, 400, 401, 404, 413, 429, 500, 502, 503, 504, 599, 700)
_KINDS = (PROTOBUF, JSON, "text/plain", "", "text/html; charset=x", "Application/JSON;")
_CODES = tuple(grpc.StatusCode)
_NOW = 1_800_000_000.0
_DAY = 86_400


class _Call:
    """The end of a call over gRPC."""

    def __init__(self, code: grpc.StatusCode, body: bytes, retry: bytes) -> None:
        self._code = code
        self._body = body
        self._retry = retry

    def code(self) -> grpc.StatusCode:
        return self._code

    def result(self) -> bytes:
        return self._body

    def details(self) -> str:
        return self._retry.decode("utf-8", "replace")

    def trailing_metadata(self) -> Any:
        trailers = {"grpc-status-details-bin": self._body, "google.rpc.retryinfo-bin": self._retry}
        return tuple(trailers.items())


def run(data: bytes) -> None:
    """Whatever a hop answers, a sender hears something that it can read."""
    head, rest = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    signal = _SIGNALS[head[0] % len(_SIGNALS)]
    line, _, body = rest.partition(b"\n")
    told = line.decode("latin-1")
    delay = retry_after(told, _NOW)
    assert delay is None or 0 <= delay <= _DAY, delay
    headers = {"Content-Type": _KINDS[head[2] % len(_KINDS)], "Retry-After": told}
    status = _STATUSES[head[1] % len(_STATUSES)]
    _is_passed_on(signal, read_answer(signal, HttpAnswer(status, headers, body)))
    call = _Call(_CODES[head[1] % len(_CODES)], body, line)
    _is_passed_on(signal, read_call(signal, call))


def _is_passed_on(signal: Signal, answer: Answer) -> None:
    if answer.outcome in _TEXTS:  # the forwarder says what became of it
        answer = answer._replace(status=Status(code=14, message=_TEXTS[answer.outcome]), http=None)
    assert (answer.outcome in (Outcome.ACCEPTED, Outcome.PARTIAL)) == answer.accepted
    for kind in (PROTOBUF, JSON):
        reply = http_reply(signal, answer, kind)
        assert (reply.status < 300) == answer.accepted, reply
        assert kind == _kind_of(reply.headers), reply
        if answer.http is None or reply.body != answer.http.body:
            _is_read(RESPONSES[signal] if answer.accepted else Status, kind, reply.body)
    if not answer.accepted:
        ended = grpc_reply(answer)
        assert ended.code is not grpc.StatusCode.OK
        ended.text.encode()
        Status.FromString(dict(ended.trailers)["grpc-status-details-bin"])


def _kind_of(headers: dict[str, str]) -> str:
    return headers["Content-Type"].partition(";")[0].strip().lower()


def _is_read(message: Any, kind: str, body: bytes) -> None:
    if kind == JSON:
        json.loads(body)
    else:
        message.FromString(body)


def seeds() -> Iterator[bytes]:
    """Answers as hops give them, in each encoding, and with details that nobody knows."""
    packed = Packed()
    packed.Pack(RetryInfo(retry_delay=Duration(seconds=3, nanos=5)))
    other = Packed()
    other.Pack(BadRequest())
    unknown = Packed(type_url="type.googleapis.com/acme.Unknown", value=b"\x08\x01")
    broken = Packed(type_url=packed.type_url, value=b"\xff")
    partial = RESPONSES[Signal.TRACES]()
    partial.partial_success.rejected_spans = 3
    statuses = [
        Status(code=code, message="no", details=details)
        for code in (3, 8, 14)
        for details in ([], [packed], [other, packed], [unknown], [broken])
    ]
    for number in range(len(_STATUSES)):
        for message in (partial, statuses[number % len(statuses)]):
            yield bytes([0, number, 0]) + b"5\n" + message.SerializeToString()
    for number, message in enumerate(statuses):
        yield bytes([1, 3 + number % 8, 0]) + b"\n" + message.SerializeToString()
        if unknown not in message.details and broken not in message.details:
            yield bytes([2, 3 + number % 8, 1]) + b"\n" + MessageToJson(message).encode()
    yield bytes([0, 0, 1]) + b"\n" + MessageToJson(partial).encode()
    for line in (
        b"120", b"Fri, 31 Dec 2027 23:59:59 GMT", b"Fri, 31 Dec 9999 23:59:59 -9999", b"-1", b"1e9",
        b"0001-01-01", b"Mon, 1 Jan 0001 00:00:00 +2359", b"9" * 30,
    ):  # fmt: skip
        yield bytes([0, 10, 2]) + line + b"\nplain \xff text"


WORDS = (
    b"Fri, ", b" Dec ", b"31 Dec 2027 ", b"23:59:59", b" GMT", b" +2359", b" -9999", b"99999999",
    b"\n", b'"@type":', b'"type.googleapis.com/google.rpc.RetryInfo"',
    b'"type.googleapis.com/google.protobuf.Duration"', b'"retryDelay":"3s"', b'"details":[',
    b'"code":', b'"message":', b'{"value":', b"[[[[", b'"1e400s"',
    b"type.googleapis.com/google.rpc.Status", b'"partialSuccess":{', b'"rejectedSpans":', b"NaN",
    b"1" * 40,
)  # fmt: skip

TARGET = Target(run, seeds, WORDS)
