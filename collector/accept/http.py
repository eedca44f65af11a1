"""OTLP over HTTP: bodies are read within bounds, and never inspected on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from collector.accept.addresses import listen
from collector.accept.admission import Admission
from collector.accept.guard import OPEN, Guard
from collector.accept.hints import NO_HINTS, Hints
from collector.accept.httpwork import Headers, HttpWork, Inspect, RefusedError, parcel_of
from collector.accept.relay import http_reply
from collector.accept.reply import JSON, PROTOBUF, HttpReply, accepted, http_refusal
from collector.connections import DEFAULT_BOUNDS, ConnectionBounds, Events, Runner
from collector.decode.compression import CODINGS
from collector.decode.messages import Encoding
from collector.forward.forwarder import Forwarder
from collector.forward.parcel import Outcome, Parcel
from collector.ledger import Ledger, Refusal, Transport
from collector.violation import Signal

_LOG = logging.getLogger("telemetry_auditor")

T = TypeVar("T")

_ENCODINGS = {PROTOBUF: Encoding.PROTOBUF, JSON: Encoding.JSON}
_BAD_REQUEST = 400
_PATHS = {f"/v1/{signal}": signal for signal in Signal}

#: Two threads inspect: one decodes while the other has the interpreter, a third only waits.
_INSPECTING_THREADS = 2


#: A client that is refused while it still sends may read its answer for so long.
_LINGERING_SECONDS = 2.0

#: What is still open after the grace is cut off within this time; aiohttp takes 0 for ever.
_CUT_OFF_SECONDS = 0.1


class HttpListener:
    """Takes OTLP over HTTP, on an event loop and a thread of its own.

    Args:
        address: HOST:PORT, where port 0 takes a free one, or unix:PATH.
        inspect: runs in a worker thread.
        ledger: counts every request.
        admission: decides before the body is read.
        guard: so does this, before anything else.
        max_bytes: largest body, before and after decompression; 64 MiB is what the OTLP
            specification recommends.
        body_timeout_seconds: for a whole body to arrive.
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
        bounds: ConnectionBounds = DEFAULT_BOUNDS,
        forwarder: Forwarder | None = None,
        hints: Hints = NO_HINTS,
        socket_mode: str = "0660",
    ) -> None:
        self._address = address
        self._forwarder = forwarder
        self._hints = hints
        self._socket_mode = socket_mode
        self._work = HttpWork(inspect, ledger, admission, hints, max_bytes)
        self._ledger = ledger
        self._admission = admission
        self._guard = guard
        self._max_bytes = max_bytes
        self._body_timeout = body_timeout_seconds
        self._workers = ThreadPoolExecutor(_INSPECTING_THREADS, thread_name_prefix="http")
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="http", daemon=True)
        self._bounds = bounds
        self._runner: Runner | None = None
        self._active: set[asyncio.Task[Any]] = set()

    def start(self) -> str:
        """Listen.

        Returns:
            The address that was bound.

        Raises:
            OSError: if the address cannot be bound.
        """
        self._thread.start()
        try:
            return self._run(self._open())
        except OSError as error:
            self.stop(0)
            raise OSError(
                f"cannot listen for OTLP/HTTP on {self._address}: is it in use? "
                "http.address names another"
            ) from error

    def stop(self, grace_seconds: float = 10.0) -> None:
        """Take no new connections, and let requests in flight end.

        Args:
            grace_seconds: after which they are cut off.
        """
        if not self._thread.is_alive():
            return
        if self._runner is not None:
            self._run(self._close(self._runner, grace_seconds), grace_seconds + 5)
        self._workers.shutdown()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    async def _open(self) -> str:
        self._runner = Runner(
            self._handle,
            self._bounds,
            Events(self._failed, self._admission.crowded, self._admission.slow_headers),
            access_log=None,
            auto_decompress=False,
            handler_cancellation=False,
            shutdown_timeout=_CUT_OFF_SECONDS,
            lingering_time=_LINGERING_SECONDS,
        )
        await self._runner.setup()
        context = self._guard.http_context()
        return await listen(self._runner, self._address, self._socket_mode, context)

    def _failed(self, status: int) -> web.Response:
        """Answer what never became a request, or failed beyond all expectation."""
        reason = Refusal.MALFORMED if status == _BAD_REQUEST else Refusal.INTERNAL
        if reason is Refusal.MALFORMED:  # any other is in the ledger as received
            self._ledger.received(None, Transport.HTTP)
            self._ledger.refused(None, Transport.HTTP, reason)
        return _response(http_refusal(reason, JSON, self._admission.retry_after_seconds))

    async def _close(self, runner: Runner, grace_seconds: float) -> None:
        for site in list(runner.sites):
            await site.stop()
        if self._active:
            await asyncio.wait(self._active, timeout=grace_seconds)
        await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is not None:
            self._active.add(task)
            task.add_done_callback(self._active.discard)
        signal = _PATHS.get(request.path)
        self._ledger.received(signal, Transport.HTTP)
        return await self._answer(signal, request)

    async def _answer(self, signal: Signal | None, request: web.BaseRequest) -> web.StreamResponse:
        content_type = request.content_type.lower()
        try:
            if not self._guard.admit(request.headers.get("Authorization", "")):
                raise RefusedError(Refusal.UNAUTHENTICATED)  # noqa: TRY301 (refusals end here)
            return _response(await self._take(_checked(signal, request), request, content_type))
        except RefusedError as refused:
            self._ledger.refused(signal, Transport.HTTP, refused.reason)
            retry = self._admission.retry_after_seconds
            reply = http_refusal(refused.reason, content_type, retry, refused.detail)
            return _response(reply, close=not request.content.at_eof())

    def _headers(self, request: web.BaseRequest, content_type: str) -> Headers:
        """Judge by the headers, before anything is read."""
        encoding = _ENCODINGS.get(content_type)
        if encoding is None or "Content-Type" not in request.headers:
            raise RefusedError(Refusal.UNSUPPORTED_MEDIA_TYPE)
        coding = request.headers.get("Content-Encoding", "").strip().lower()
        if coding not in CODINGS and self._forwarder is None:
            raise RefusedError(Refusal.UNSUPPORTED_ENCODING)
        if (request.content_length or 0) > self._max_bytes:
            raise RefusedError(Refusal.TOO_LARGE, self._work.limit_text)
        return Headers(encoding, coding)

    async def _take(self, signal: Signal, request: web.BaseRequest, content_type: str) -> HttpReply:
        headers = self._headers(request, content_type)
        refusal = self._admission.enter()
        if refusal is not None:
            raise RefusedError(refusal)
        taken = [0]
        try:
            body = await self._body(request, taken)
            if self._forwarder is not None and self._forwarder.wants(signal):
                parcel = parcel_of(signal, body, headers, request.headers, self._max_bytes)
                return await self._relay(self._forwarder, parcel, headers, taken)
            work = partial(self._work.inspected, signal, body, headers)
            seen = await self._loop.run_in_executor(self._workers, work)
            self._ledger.inspected(signal, Transport.HTTP, seen.items)
            return accepted(signal, content_type, self._hints.take(seen.senders))
        finally:
            self._admission.leave(taken[0])

    async def _relay(
        self, forwarder: Forwarder, parcel: Parcel, headers: Headers, taken: list[int]
    ) -> HttpReply:
        """Let the next hop answer."""
        work = partial(self._work.sent_on, forwarder, parcel, headers, taken)
        sent, senders = await self._loop.run_in_executor(self._workers, work)
        answer = await asyncio.wrap_future(sent)
        if answer.outcome is Outcome.ACCEPTED and (hint := self._hints.take(senders)):
            return accepted(parcel.signal, parcel.content_type, hint)
        return http_reply(parcel.signal, answer, parcel.content_type)

    async def _body(self, request: web.BaseRequest, taken: list[int]) -> bytes:
        """The body as sent, accounted for piece by piece."""
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(self._body_timeout):
                if request.headers.get("Expect", "").lower() == "100-continue":
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                async for piece in request.content.iter_any():
                    if taken[0] + len(piece) > self._max_bytes:
                        raise RefusedError(Refusal.TOO_LARGE, self._work.limit_text)
                    if not self._admission.grow(len(piece), taken):
                        raise RefusedError(Refusal.OVERLOADED)
                    pieces.append(piece)
        except TimeoutError:
            raise RefusedError(Refusal.BODY_TIMEOUT) from None
        except (ConnectionError, ClientError, HttpProcessingError, web.RequestPayloadError):
            raise RefusedError(Refusal.INCOMPLETE) from None
        return b"".join(pieces)


def _checked(signal: Signal | None, request: web.BaseRequest) -> Signal:
    """The signal of a request that is one to an OTLP path."""
    if signal is None:
        raise RefusedError(Refusal.NOT_FOUND)
    if request.method != "POST":
        raise RefusedError(Refusal.METHOD_NOT_ALLOWED)
    return signal


def _response(reply: HttpReply, *, close: bool = False) -> web.Response:
    response = web.Response(status=reply.status, headers=reply.headers, body=reply.body)
    if close:
        response.force_close()
    return response
