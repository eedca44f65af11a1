"""OTLP over gRPC: raw bytes in, so that a bad message gets the answer that OTLP asks for.

The methods are registered as stream-unary, which is the same on the wire as unary: the
handler is entered before the body has arrived, so that admission comes first and a message
that gRPC refuses for its size is still counted. Messages are inflated here, a few at a time: gRPC
would inflate those of all calls at once, whatever that takes of memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from collector.accept.addresses import clear, open_to, unix_path
from collector.accept.admission import Admission
from collector.accept.deadlines import Deadlines
from collector.accept.grpcbounds import DEFAULT_BOUNDS, GrpcBounds
from collector.accept.guard import OPEN, Guard
from collector.accept.hints import NO_HINTS, Hints
from collector.accept.relay import grpc_reply
from collector.accept.reply import PROTOBUF, GrpcReply, grpc_refusal, warned
from collector.decode.compression import CompressionError, TooLargeError, inflate
from collector.decode.messages import SERVICES, DecodeError, Encoding
from collector.forward.forwarder import Forwarder
from collector.forward.parcel import Outcome, Parcel
from collector.ledger import Ledger, Refusal, Transport
from collector.violation import Service, Signal

_LOG = logging.getLogger("telemetry_auditor")

_METHODS = {f"/{service}/Export": signal for signal, service in SERVICES.items()}

#: Handlers that wait for a body occupy a thread each; health checks need some beside them.
_SPARE_THREADS = 8

#: Messages that are inflated at once; what each grows to is counted when it is known.
_INFLATING = 2

#: How a compressed message begins, for gRPC tells its coding to nobody; no protobuf begins as gzip.
_SURE = "gzip"
_GZIP = b"\x1f\x8b"
_ZLIB_METHOD, _ZLIB_CHECK = 0x78, 31

Inspect = Callable[[Signal, bytes, Encoding], int]


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Routes the three Export methods."""

    def __init__(
        self, run: Callable[[Signal, Iterator[bytes], grpc.ServicerContext], bytes]
    ) -> None:
        self._handlers = {
            method: grpc.stream_unary_rpc_method_handler(self._bind(run, signal))
            for method, signal in _METHODS.items()
        }

    @staticmethod
    def _bind(
        run: Callable[[Signal, Iterator[bytes], grpc.ServicerContext], bytes], signal: Signal
    ) -> Callable[[Iterator[bytes], grpc.ServicerContext], bytes]:
        return lambda messages, context: run(signal, messages, context)

    def service(self, details: grpc.HandlerCallDetails) -> Any:  # noqa: ANN401 (grpc has no types)
        """The handler of a method; None is UNIMPLEMENTED."""
        return self._handlers.get(details.method)


class GrpcListener:
    """Takes OTLP over gRPC and answers what `inspect` made of it.

    Args:
        address: HOST:PORT, where port 0 takes a free one, or unix:PATH.
        inspect: runs in a worker thread.
        ledger: counts every call.
        admission: decides before the body is read.
        guard: so does this, before anything else.
        max_bytes: largest message, before and after decompression; 64 MiB is what the OTLP
            specification recommends.
        body_timeout_seconds: for a message to arrive once its call has begun.
        threads: calls that are served at once, most of them waiting for their message.
        bounds: of connections.
        forwarder: sends requests on; None answers them here.
        hints: added to the answers of requests of which everything was taken.
        socket_mode: of the file at PATH, in octal digits.
    """

    def __init__(
        self,
        address: str,
        inspect: Inspect,
        ledger: Ledger,
        admission: Admission,
        *,
        guard: Guard = OPEN,
        max_bytes: int = 64 * 1024 * 1024,
        body_timeout_seconds: float = 10.0,
        threads: int = 64,
        bounds: GrpcBounds = DEFAULT_BOUNDS,
        forwarder: Forwarder | None = None,
        hints: Hints = NO_HINTS,
        socket_mode: str = "0660",
    ) -> None:
        self._address = address
        self._forwarder = forwarder
        self._hints = hints
        self._max_bytes = max_bytes
        self._inflating = BoundedSemaphore(_INFLATING)
        self._socket_mode = socket_mode
        self._inspect = inspect
        self._ledger = ledger
        self._admission = admission
        self._guard = guard
        self._deadlines = Deadlines(body_timeout_seconds, lambda: admission.short_of_memory)
        self._health = health.HealthServicer()
        self._pool = ThreadPoolExecutor(threads + _SPARE_THREADS, thread_name_prefix="grpc")
        self._server = grpc.server(
            self._pool,
            handlers=(_Handler(self._export),),
            options=(
                ("grpc.max_receive_message_length", max_bytes),
                ("grpc.per_message_decompression", 0),
                ("grpc.so_reuseport", 0),
                *bounds.options(),
            ),
        )
        add_HealthServicer_to_server(self._health, self._server)

    def start(self) -> str:
        """Listen.

        Returns:
            The address that was bound.

        Raises:
            OSError: if the address cannot be bound.
        """
        path = unix_path(self._address)
        try:
            if path is not None:
                clear(path)
            port = self._bind()
        except (RuntimeError, OSError):
            port = 0
        if port == 0:
            self._pool.shutdown()
            raise OSError(
                f"cannot listen for OTLP/gRPC on {self._address}: is it in use? "
                "grpc.address names another"
            )
        self._deadlines.start()
        self._server.start()
        for service in ("", *SERVICES.values()):
            self._health.set(service, HealthCheckResponse.SERVING)
        if path is not None:
            open_to(path, self._socket_mode)
            return self._address
        return f"{self._address.rpartition(':')[0]}:{port}"

    def stop(self, grace_seconds: float = 10.0) -> None:
        """Take no new calls, and let those in flight end.

        Args:
            grace_seconds: after which they are cut off.
        """
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_seconds).wait()
        self._pool.shutdown()  # a call that gRPC ended may not be in the ledger yet
        self._deadlines.stop()

    def _bind(self) -> int:
        credentials = self._guard.grpc_credentials()
        if credentials is None:
            return int(self._server.add_insecure_port(self._address))
        return int(self._server.add_secure_port(self._address, credentials))

    def _export(
        self, signal: Signal, messages: Iterator[bytes], context: grpc.ServicerContext
    ) -> bytes:
        self._ledger.received(signal, Transport.GRPC)
        if not self._guard.admit(_authorization(context)):
            return self._refuse(signal, context, Refusal.UNAUTHENTICATED)
        refusal = self._admission.enter()
        if refusal is not None:
            return self._refuse(signal, context, refusal)
        taken = [0]
        try:
            message = self._message(messages, context)
            if not isinstance(message, Refusal):
                message = self._plain(message, taken)
            if isinstance(message, Refusal):
                return self._refuse(signal, context, message)
            return self._answer(signal, message, context)
        finally:
            self._admission.leave(taken[0])

    def _plain(self, message: bytes, taken: list[int]) -> bytes | Refusal:
        """A message as it was before its sender compressed it, accounted for."""
        if not self._admission.grow(len(message), taken):
            return Refusal.OVERLOADED
        coding = _coding(message)
        if not coding:
            return message
        with self._inflating:
            try:
                plain = inflate(message, coding, self._max_bytes)
            except TooLargeError:
                return Refusal.TOO_LARGE
            except CompressionError:
                return Refusal.UNDECODABLE if coding == _SURE else message
            grown = self._admission.grow(max(0, len(plain) - len(message)), taken)
        return plain if grown else Refusal.OVERLOADED

    def _message(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes | Refusal:
        """The one message of a call, or why there is none."""
        self._deadlines.begin(context)
        message: bytes | None = None
        ended: Refusal | None = None
        failed = False
        try:
            message = next(messages, None)
        except Exception:  # noqa: BLE001 (grpc raises a bare RpcError that says nothing)
            failed = True
        finally:
            ended = self._deadlines.end(context)
        if ended is not None:
            return ended
        if failed or message is None:
            return Refusal.INCOMPLETE
        return message

    def _answer(self, signal: Signal, message: bytes, context: grpc.ServicerContext) -> bytes:
        if self._forwarder is not None and self._forwarder.wants(signal):
            return self._send_on(self._forwarder, signal, message, context)
        try:
            items = self._inspect(signal, message, Encoding.PROTOBUF)
        except DecodeError as error:
            return self._refuse(signal, context, Refusal.UNDECODABLE, str(error))
        except Exception as error:  # noqa: BLE001 (the client must hear of it, without its text)
            _LOG.error("a request failed with %s", type(error).__name__)
            return self._refuse(signal, context, Refusal.INTERNAL)
        self._ledger.inspected(signal, Transport.GRPC, items)
        return self._accept(signal, self._hints.senders(signal, message, Encoding.PROTOBUF))

    def _accept(self, signal: Signal, senders: Sequence[Service]) -> bytes:
        hint = self._hints.take(senders) if senders else ""
        return bytes(warned(signal, hint).SerializeToString()) if hint else b""

    def _send_on(
        self, forwarder: Forwarder, signal: Signal, message: bytes, context: grpc.ServicerContext
    ) -> bytes:
        """Inspect while the next hop answers; what cannot be decoded goes on as it came."""
        headers = dict(context.invocation_metadata())
        left = context.time_remaining()
        parcel = Parcel(signal, message, PROTOBUF, "", lambda: message, headers, left)
        sent = forwarder.send(parcel)
        senders: Sequence[Service] = ()
        try:
            items = self._inspect(signal, message, Encoding.PROTOBUF)
            senders = self._hints.senders(signal, message, Encoding.PROTOBUF)
            self._ledger.inspected(signal, Transport.GRPC, items)
        except Exception as error:  # noqa: BLE001 (an auditor never costs its user telemetry)
            self._ledger.uninspected(signal, Transport.GRPC)
            if not isinstance(error, DecodeError):
                _LOG.error("a request was sent on, though it failed with %s", type(error).__name__)
        answer = sent.result()
        if answer.outcome is Outcome.ACCEPTED:
            return self._accept(signal, senders) or answer.response
        if answer.accepted:
            return answer.response
        _end(context, grpc_reply(answer))
        return b""

    def _refuse(
        self, signal: Signal, context: grpc.ServicerContext, reason: Refusal, detail: str = ""
    ) -> bytes:
        self._ledger.refused(signal, Transport.GRPC, reason)
        _end(context, grpc_refusal(reason, self._admission.retry_after_seconds, detail))
        return b""


def _end(context: grpc.ServicerContext, reply: GrpcReply) -> None:
    """Say how a call that was refused ends."""
    if context.is_active():
        context.set_trailing_metadata(reply.trailers)
        context.set_code(reply.code)
        context.set_details(reply.text)


def _coding(message: bytes) -> str:
    """The coding of a message; empty when it is not compressed."""
    if message.startswith(_GZIP):
        return _SURE
    head = message[:2]
    zlib = head[:1] == bytes([_ZLIB_METHOD]) and int.from_bytes(head) % _ZLIB_CHECK == 0
    return "deflate" if zlib and len(head) > 1 else ""


def _authorization(context: grpc.ServicerContext) -> str:
    for key, value in context.invocation_metadata():
        if key == "authorization":
            return str(value)
    return ""
