"""Connections of the HTTP listeners: how many, how long silent, and what is no HTTP at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from aiohttp.web_server import Server

_LOG = logging.getLogger("telemetry_auditor")


class ConnectionBounds(NamedTuple):
    """What a client may do before it has sent a request.

    Attributes:
        most: connections at a time; a further one is closed at once, unless there is made room.
        header_seconds: for the headers of a request to arrive.
        idle_seconds: between two requests of a connection.
        makes_room: whether the oldest connection without a request is closed for a further one.
    """

    most: int = 1_000
    header_seconds: float = 30.0
    idle_seconds: float = 120.0
    makes_room: bool = False


Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
DEFAULT_BOUNDS = ConnectionBounds()


class Events(NamedTuple):
    """What is told of connections, on the event loop.

    Attributes:
        failed: what is answered to bytes that are no HTTP (400), and where a handler raised (500).
        crowded: a connection was closed because there are too many.
        slow: a connection was closed because its headers did not arrive in time.
    """

    failed: Callable[[int], web.Response]
    crowded: Callable[[], None]
    slow: Callable[[], None]


class _Connection(RequestHandler):
    """One connection.

    aiohttp logs malformed requests with what they hold, and answers them as text; here neither
    happens.
    """

    def __init__(
        self,
        server: Server,
        bounds: ConnectionBounds,
        events: Events,
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(server, keepalive_timeout=bounds.idle_seconds, **options)
        self._server = server
        self._bounds = bounds
        self._events = events
        self._waiting: asyncio.TimerHandle | None = None
        self.serving = False
        self._unanswered: StreamReader | None = None  # body of the request that came last

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        # One that was sent away is listed until the loop has told it so.
        there = [one for one in self._server.connections if one.transport is not None]
        if len(there) > self._bounds.most:
            self._events.crowded()
            _send_away(self._oldest_silent(there) if self._bounds.makes_room else self)

    def _oldest_silent(self, there: list[RequestHandler]) -> RequestHandler:
        """The oldest connection without a request; where all have one, the oldest."""
        others = [one for one in there if one is not self]
        silent = (one for one in others if isinstance(one, _Connection) and not one.serving)
        return next(silent, next(iter(others), self))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing more will come."""
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Give the headers that begin here their time."""
        if not self.serving and self._waiting is None:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(self._bounds.header_seconds, self._expire)
        super().data_received(data)
        self._end_broken_body()
        if self._messages:
            self._unanswered = self._messages[-1][1]

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio asks for the answer
        """The sender has closed its half; who has sent all of a request still gets its answer."""
        arrived = self._unanswered is not None and self._unanswered.is_eof()
        waits = arrived and not self._encrypted()
        if waits:
            self.close()  # after the answer
        return waits

    def _encrypted(self) -> bool:
        """TLS knows no closing of one half."""
        return self.transport is None or self.transport.get_extra_info("sslcontext") is not None

    def begin(self) -> None:
        """The headers of a request have arrived."""
        self._heard()
        self.serving = True

    def end(self) -> None:
        """A request was answered."""
        self.serving = False
        if not self._messages:
            self._unanswered = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP; nothing of it is logged."""
        del request, exc, message
        self._heard()
        response = self._events.failed(status)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (as in aiohttp)
        """Name what is unexpected; its text may be what was sent, and is never logged."""
        del args
        error = options.get("exc_info")
        if not isinstance(error, web.RequestPayloadError | HttpProcessingError):
            _LOG.error("a connection failed with %s", type(error).__name__)

    def _end_broken_body(self) -> None:
        """Let no request wait for the rest of a body that is no HTTP; aiohttp would."""
        request = self._current_request
        if request is None or request.content.is_eof() or not self._messages:
            return
        if isinstance(self._messages[-1][0], _ErrInfo):
            request.content.set_exception(web.RequestPayloadError("malformed"))

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _expire(self) -> None:
        self._waiting = None
        self._events.slow()
        self.force_close()


def _send_away(connection: RequestHandler) -> None:
    """Close a connection now, whether or not its client reads what is left for it."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.force_close()


class _Server(Server):
    """Makes connections that keep the bounds."""

    def __init__(
        self,
        handler: Handler,
        bounds: ConnectionBounds,
        events: Events,
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(handler, **options)
        self._bounds = bounds
        self._events = events

    def __call__(self) -> RequestHandler:
        return _Connection(self, self._bounds, self._events, loop=self._loop, **self._kwargs)


class Runner(web.BaseRunner):
    """Serves a handler within bounds.

    Args:
        handler: answers a request; must not raise.
        bounds: of connections.
        events: told of what becomes of them.
        options: of aiohttp's RequestHandler and runner.
    """

    def __init__(
        self,
        handler: Handler,
        bounds: ConnectionBounds,
        events: Events,
        **options: Any,  # noqa: ANN401 (those of aiohttp)
    ) -> None:
        super().__init__(**options)
        self._handler = handler
        self._bounds = bounds
        self._events = events

    async def shutdown(self) -> None:
        """Nothing is to be told of the end."""

    async def _make_server(self) -> Server:
        loop = asyncio.get_running_loop()
        return _Server(self._serve, self._bounds, self._events, loop=loop, **self._kwargs)

    async def _cleanup_server(self) -> None:
        """Nothing is left to clean."""

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)  # noqa: S101 (made above)
        connection.begin()
        try:
            return await self._handler(request)
        finally:
            connection.end()
