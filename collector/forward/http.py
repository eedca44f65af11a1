"""A next hop that speaks OTLP over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Mapping
from concurrent.futures import Future
from threading import Thread

import aiohttp
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status

from collector.decode.messages import RESPONSES
from collector.forward.parcel import JSON, PROTOBUF, Answer, HttpAnswer, Outcome, Parcel
from collector.forward.statuses import RETRYABLE_HTTP, code_of, with_delay
from collector.violation import Signal

#: OTLP clients read no more of an answer.
_LONGEST_ANSWER = 4 * 1024 * 1024
_LONGEST_TEXT = 200
_OK = 200
_PASSED_ON = ("Content-Type", "Retry-After", "WWW-Authenticate", "Allow")
_REJECTED = {
    Signal.TRACES: "rejected_spans",
    Signal.LOGS: "rejected_log_records",
    Signal.METRICS: "rejected_data_points",
}


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
        self._headers = dict(headers)
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
        """Close all connections."""
        if self._session is not None:
            asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result(5)
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
        connector = aiohttp.TCPConnector(limit=self._connections, ssl=self._tls or True)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False)

    async def _send(self, parcel: Parcel, timeout: float) -> Answer:  # noqa: ASYNC109 (a field)
        assert self._session is not None  # noqa: S101 (start comes first)
        body, coding = parcel.body, parcel.coding
        if self._compress and not coding:
            body, coding = gzip.compress(body, compresslevel=1), "gzip"
        headers = self._headers | dict(parcel.headers) | {"Content-Type": parcel.content_type}
        if coding:
            headers["Content-Encoding"] = coding
        try:
            async with (
                asyncio.timeout(timeout),
                self._session.post(
                    f"{self._endpoint}/v1/{parcel.signal}",
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                ) as answer,
            ):
                read = await answer.content.read(_LONGEST_ANSWER)
                kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
                return read_answer(parcel.signal, HttpAnswer(answer.status, kept, read))
        except TimeoutError:
            return Answer(Outcome.TIMEOUT)
        except aiohttp.ClientResponseError:
            return Answer(Outcome.GARBAGE)
        except (aiohttp.ClientError, OSError):
            return Answer(Outcome.UNREACHABLE)


def read_answer(signal: Signal, answer: HttpAnswer) -> Answer:
    """What an HTTP answer says.

    Args:
        signal: of the request.
        answer: as received.
    """
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status == _OK:
        message = RESPONSES[signal]()
        try:
            _parse(message, kind, answer.body)
        except (DecodeError, ParseError, UnicodeDecodeError):
            return Answer(Outcome.GARBAGE)
        part = message.partial_success
        told = bool(getattr(part, _REJECTED[signal]) or part.error_message)
        outcome = Outcome.PARTIAL if told else Outcome.ACCEPTED
        return Answer(outcome, response=message.SerializeToString(), http=answer)
    if answer.status < 400:  # noqa: PLR2004 (neither a success of OTLP nor a failure)
        return Answer(Outcome.GARBAGE)
    status = Status()
    try:
        _parse(status, kind, answer.body)
    except (DecodeError, ParseError, UnicodeDecodeError):
        text = (
            answer.body[:_LONGEST_TEXT].decode("utf-8", "replace") if kind == "text/plain" else ""
        )
        status = Status(message=text)
    status.code = code_of(answer.status)
    status.message = status.message or f"the next hop answered {answer.status}"
    retry = answer.status in RETRYABLE_HTTP
    delay = answer.headers.get("Retry-After", "")
    if retry and delay.isdigit():
        with_delay(status, float(delay))
    return Answer(Outcome.RETRY if retry else Outcome.REFUSED, status=status, http=answer)


def _parse(message: Message, kind: str, body: bytes) -> None:
    if kind == JSON:
        Parse(body.decode() or "{}", message, ignore_unknown_fields=True)
    elif kind == PROTOBUF or not body:
        message.ParseFromString(body)
    else:
        raise DecodeError(kind)
