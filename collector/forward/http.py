"""A next hop that speaks OTLP over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import Future
from io import BytesIO
from threading import Thread
from typing import TypeVar

import aiohttp
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status

from collector.decode.messages import RESPONSES
from collector.forward.parcel import JSON, PROTOBUF, Answer, HttpAnswer, Outcome, Parcel, success
from collector.forward.statuses import RETRYABLE_HTTP, code_of, retry_after, with_delay
from collector.violation import Signal

M = TypeVar("M", bound=Message)

#: OTLP clients read no more of an answer.
_LONGEST_ANSWER = 4 * 1024 * 1024
_LONGEST_TEXT = 200
_CLOSING_SECONDS = 5.0
#: A body from this size on is compressed, and written, beside the event loop.
_LARGE = 512 * 1024
_OK = 200
_REDIRECT = 300
_ERROR = 400
_ILLEGIBLE = (DecodeError, ParseError, UnicodeDecodeError, RecursionError)
_PASSED_ON = ("Content-Type", "Retry-After", "WWW-Authenticate", "Allow")


class HttpHop:
    """Sends requests on over HTTP, from an event loop of its own.

    Args:
        endpoint: http(s)://HOST:PORT, with a path before /v1/... or without.
        tls: context for https.
        headers: added to each request.
        compress: whether bodies that came uncompressed are sent as gzip.
        connections: kept open at most.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        tls: ssl.SSLContext | None,
        headers: Mapping[str, str],
        compress: bool,
        connections: int,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._tls = tls
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._compress = compress
        self._connections = connections
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="forward", daemon=True)
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Be ready to send; nothing is connected yet."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def close(self) -> None:
        """Close all connections; what is in flight is answered as if the hop were gone."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_CLOSING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, parcel: Parcel, timeout: float) -> Future[Answer]:
        """Send a request.

        Args:
            parcel: the request.
            timeout: seconds until an answer must be here.
        """
        return asyncio.run_coroutine_threadsafe(self._send(parcel, timeout), self._loop)

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),  # senders share the connections, and nothing else
            timeout=aiohttp.ClientTimeout(),  # each request brings its own
            trust_env=False,
        )

    async def _end(self) -> None:
        sending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _send(self, parcel: Parcel, timeout: float) -> Answer:  # noqa: ASYNC109 (a field)
        try:
            async with asyncio.timeout(timeout):
                return read_answer(parcel.signal, await self._ask(parcel))
        except TimeoutError:
            return Answer(Outcome.TIMEOUT)
        except (aiohttp.ClientResponseError, _TooLong):
            return Answer(Outcome.GARBAGE)
        except (aiohttp.ClientError, OSError):
            return Answer(Outcome.UNREACHABLE)

    async def _ask(self, parcel: Parcel) -> HttpAnswer:
        assert self._session is not None  # noqa: S101 (start comes first)
        body, coding = parcel.body, parcel.coding
        if self._compress and not coding:
            coding = "gzip"
            if len(body) < _LARGE:
                body = _gzip(body)
            else:
                body = await asyncio.to_thread(_gzip, body)
        headers = self._headers | dict(parcel.headers) | {"Content-Type": parcel.content_type}
        if coding:
            headers["Content-Encoding"] = coding
        async with self._session.post(
            f"{self._endpoint}/v1/{parcel.signal}",
            data=body if len(body) < _LARGE else BytesIO(body),
            headers=headers,
            allow_redirects=False,
        ) as answer:
            read = b""
            async for piece in answer.content.iter_any():
                read += piece
                if len(read) > _LONGEST_ANSWER:
                    raise _TooLong
            kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
            return HttpAnswer(answer.status, kept, read)


class _TooLong(Exception):  # noqa: N818 (an outcome, not an error)
    """An answer is longer than OTLP clients read."""


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)


def read_answer(signal: Signal, answer: HttpAnswer) -> Answer:
    """What an HTTP answer says.

    Args:
        signal: of the request.
        answer: as received.
    """
    kind = answer.kind
    if _OK <= answer.status < _REDIRECT:  # of these OTLP knows 200 only, but they mean the same
        try:
            message = _parsed(RESPONSES[signal], kind, answer.body)
        except _ILLEGIBLE:
            return Answer(Outcome.GARBAGE)
        outcome = success(signal, message)
        return Answer(outcome, response=message.SerializeToString(), http=answer)
    if answer.status < _ERROR:
        return Answer(Outcome.GARBAGE)
    try:
        status = _parsed(Status, kind, answer.body)
    except _ILLEGIBLE:
        plain = kind == "text/plain"
        text = answer.body[:_LONGEST_TEXT].decode("utf-8", "replace") if plain else ""
        status = Status(message=text)
        answer = answer.without_kind()
    status.code = code_of(answer.status)
    status.message = status.message or f"the next hop answered {answer.status}"
    retry = answer.status in RETRYABLE_HTTP
    delay = retry_after(answer.headers.get("Retry-After", ""), time.time())
    if retry and delay is not None:
        with_delay(status, delay)
    return Answer(Outcome.RETRY if retry else Outcome.REFUSED, status=status, http=answer)


def _parsed(of: type[M], kind: str, body: bytes) -> M:
    if kind == JSON:
        return Parse(body.decode() or "{}", of(), ignore_unknown_fields=True)
    if kind == PROTOBUF or not body:
        return of.FromString(body)
    raise DecodeError(kind)
