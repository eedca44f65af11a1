"""A next hop that speaks OTLP over gRPC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.decode.messages import RESPONSES, SERVICES
from collector.forward.parcel import Answer, Outcome, Parcel, success
from collector.forward.statuses import is_retryable, with_delay
from collector.violation import Signal

M = TypeVar("M", bound=Message)

_DETAILS = "grpc-status-details-bin"
_RETRY = "google.rpc.retryinfo-bin"
#: How gRPC itself begins or ends what it says, where no server said anything.
_OWN = re.compile(
    r"^(failed to connect|errors resolving |DNS |Socket closed|Stream removed|Connection |recvmsg"
    r"|sendmsg|Broken pipe|Transport closed|Channel |GOAWAY|keepalive|ping |Endpoint "
    r"|Received RST_STREAM|Received http2|Invalid metadata|RST_STREAM|Stream cancelled)|\(CLIENT:"
)
_CLOSED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.enable_retries", 0),  # the sender tries again, and it alone
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 60_000),
)


class GrpcHop:
    """Sends requests on over gRPC.

    Args:
        target: HOST:PORT or unix:PATH.
        credentials: of TLS; None is plain text.
        headers: added to each call.
        compress: whether messages are sent as gzip.
    """

    def __init__(
        self,
        target: str,
        *,
        credentials: grpc.ChannelCredentials | None,
        headers: Mapping[str, str],
        compress: bool,
    ) -> None:
        self._target = target
        self._credentials = credentials
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._compression = grpc.Compression.Gzip if compress else grpc.Compression.NoCompression
        self._channel: grpc.Channel | None = None
        self._calls: dict[Signal, grpc.UnaryUnaryMultiCallable] = {}

    def start(self) -> None:
        """Be ready to send; nothing is connected yet."""
        if self._credentials is None:
            self._channel = grpc.insecure_channel(self._target, options=_OPTIONS)
        else:
            self._channel = grpc.secure_channel(self._target, self._credentials, options=_OPTIONS)
        self._calls = {
            signal: self._channel.unary_unary(f"/{service}/Export")
            for signal, service in SERVICES.items()
        }

    def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            self._channel.close()

    def send(self, parcel: Parcel, timeout: float) -> Future[Answer]:
        """Send a request.

        Args:
            parcel: the request.
            timeout: seconds until an answer must be here.

        Raises:
            Untranslatable: if it cannot be written as protobuf.
        """
        answered: Future[Answer] = Future()
        answered.set_running_or_notify_cancel()
        metadata = tuple((self._headers | dict(parcel.headers)).items())
        call = self._calls[parcel.signal].future(
            parcel.protobuf(), timeout=timeout, metadata=metadata, compression=self._compression
        )

        def done(ended: Any) -> None:  # noqa: ANN401 (grpc has no types)
            try:
                answer = _read(parcel.signal, ended)
            except Exception:  # noqa: BLE001 (the sender waits, and must hear of it)
                answer = Answer(Outcome.GARBAGE)
            answered.set_result(answer)

        call.add_done_callback(done)
        return answered


def _read(signal: Signal, call: Any) -> Answer:  # noqa: ANN401 (grpc has no types)
    """What the end of a call says."""
    code = call.code()
    if code is grpc.StatusCode.OK:
        return _accepted(signal, call.result())
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Answer(Outcome.TIMEOUT)
    text = call.details() or ""
    if _OWN.search(text):
        return Answer(Outcome.UNREACHABLE if code in _CLOSED else Outcome.GARBAGE)
    trailers = dict(call.trailing_metadata() or ())
    status = _parsed(Status, trailers.get(_DETAILS, b""))
    status.code = code.value[0]
    status.message = status.message or text or "the next hop refused it"
    if _RETRY in trailers:
        delay = _parsed(RetryInfo, trailers[_RETRY]).retry_delay
        with_delay(status, max(0.0, delay.seconds + delay.nanos / 1e9))
    return Answer(Outcome.RETRY if is_retryable(status) else Outcome.REFUSED, status=status)


def _parsed(kind: type[M], data: bytes) -> M:
    """A message of what a hop sent beside its answer; an empty one of what is illegible."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return kind()


def _accepted(signal: Signal, response: bytes) -> Answer:
    try:
        message = RESPONSES[signal].FromString(response)
    except DecodeError:
        return Answer(Outcome.GARBAGE)
    return Answer(success(signal, message), response=response)
