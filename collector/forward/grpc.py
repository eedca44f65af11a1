"""A next hop that speaks OTLP over gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.decode.messages import RESPONSES, SERVICES
from collector.forward.parcel import Answer, Outcome, Parcel, Untranslatable
from collector.forward.statuses import is_retryable, with_delay
from collector.violation import Signal

_DETAILS = "grpc-status-details-bin"
_RETRY = "google.rpc.retryinfo-bin"
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
        metadata = tuple((self._headers | dict(parcel.headers)).items())
        call = self._calls[parcel.signal].future(
            parcel.protobuf(), timeout=timeout, metadata=metadata, compression=self._compression
        )

        def done(ended: Any) -> None:  # noqa: ANN401 (grpc has no types)
            if not answered.cancelled():
                answered.set_result(_read(parcel.signal, ended))

        call.add_done_callback(done)
        return answered


def _read(signal: Signal, call: Any) -> Answer:  # noqa: ANN401 (grpc has no types)
    """What the end of a call says."""
    code = call.code()
    if code is grpc.StatusCode.OK:
        return _accepted(signal, call.result())
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Answer(Outcome.TIMEOUT)
    trailers = {
        key: value for key, value in call.trailing_metadata() or () if key in (_DETAILS, _RETRY)
    }
    status = Status()
    try:
        status.ParseFromString(trailers.get(_DETAILS, b""))
    except DecodeError:
        status = Status()
    status.code = code.value[0]
    status.message = status.message or call.details() or "the next hop refused it"
    if not trailers and code is grpc.StatusCode.UNAVAILABLE:
        return Answer(Outcome.UNREACHABLE)
    if _RETRY in trailers:
        info = RetryInfo()
        info.ParseFromString(trailers[_RETRY])
        with_delay(status, info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    retry = is_retryable(status)
    return Answer(
        Outcome.RETRY if retry else Outcome.REFUSED,
        status=status,
        trailers=tuple(trailers.items()),
    )


def _accepted(signal: Signal, response: bytes) -> Answer:
    message = RESPONSES[signal]()
    try:
        message.ParseFromString(response)
    except DecodeError:
        return Answer(Outcome.GARBAGE)
    told = message.HasField("partial_success")
    return Answer(Outcome.PARTIAL if told else Outcome.ACCEPTED, response=response)


__all__ = ["GrpcHop", "Untranslatable"]
