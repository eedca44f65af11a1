"""Ways in which requests come, and how each reads its answer in the same words."""

import gzip
from dataclasses import dataclass, field

import grpc
from conformance.rows import Target
from conformance.samples import JSON, PROTOBUF, RESPONSES, as_json, as_protobuf
from forward.hops import DETAILS, RETRY
from google.protobuf.json_format import Parse
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

WAYS = ("grpc", "protobuf", "json", "gzip")


@dataclass
class Told:
    """What a sender was told."""

    accepted: bool = False
    message: object = None
    code: object = None
    status: Status | None = None
    retries: tuple[float | None, ...] = ()
    headers: dict = field(default_factory=dict)
    body: bytes = b""


def body_of(way, signal):
    return as_json(signal) if way == "json" else as_protobuf(signal)


def send(auditor, way, signal, body=None, seconds=15.0, **headers):
    """Send a request in a way, and read the answer."""
    body = body_of(way, signal) if body is None else body
    target = Target(auditor.http, auditor.grpc)
    if way == "grpc":
        return _call(target, signal, body, seconds)
    if way == "gzip":
        body, headers = gzip.compress(body), headers | {"Content_Encoding": "gzip"}
    kind = JSON if way == "json" else PROTOBUF
    return read(signal, target.post(signal, body, kind, **headers))


def _call(target, signal, body, seconds):
    try:
        answer = target.call(signal, body, seconds=seconds)
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata() or ())
        status = Status.FromString(trailers.get(DETAILS, b""))
        status.message = status.message or error.details()
        info = _delay(RetryInfo.FromString(trailers[RETRY])) if RETRY in trailers else None
        return Told(code=error.code(), status=status, retries=(delay_of(status), info))
    return Told(accepted=True, message=RESPONSES[signal].FromString(answer), body=answer)


def read(signal, answer):
    """What an HTTP answer says."""
    as_json = answer.headers["content-type"].startswith(JSON)

    def parsed(kind):
        return Parse(answer.body, kind()) if as_json else kind.FromString(answer.body)

    whole = {"code": answer.status, "headers": answer.headers, "body": answer.body}
    if answer.status == 200:
        return Told(accepted=True, message=parsed(RESPONSES[signal]), **whole)
    status = parsed(Status)
    after = answer.headers.get("retry-after")
    return Told(status=status, retries=(delay_of(status), after and float(after)), **whole)


def delay_of(status):
    for one in status.details:
        info = RetryInfo()
        if one.Unpack(info):
            return _delay(info)
    return None


def _delay(info):
    return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
