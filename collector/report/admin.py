"""The admin listener: metrics, health and findings, on a thread of its own; it changes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Thread

from aiohttp import web

from collector.connections import ConnectionBounds, Events, Runner
from collector.report.collapse import Finding
from collector.report.listing import limit_of, listing

_LOG = logging.getLogger("telemetry_auditor")

_BAD_REQUEST = 400
_SAFE = ("GET", "HEAD")
_JSON = "application/json"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

#: Whoever asks has so long to send headers, and to read an answer.
_HEADER_SECONDS = 10.0
_IDLE_SECONDS = 120.0
_READING_SECONDS = 30.0
_LINGERING_SECONDS = 1.0


class AdminServer:
    """Answers while everything else is busy, because it shares no thread and no lock for long.

    Args:
        address: HOST:PORT; port 0 takes a free one.
        metrics: from the Accept header to the body and its content type.
        not_ready: reasons why no telemetry is taken; none means ready.
        findings: that are open; None shows none.
        max_connections: at a time; for a further one, which may be a probe, the oldest without a
            request is closed.
        notes: what the page on readiness says beside.
    """

    def __init__(
        self,
        address: str,
        metrics: Callable[[str], tuple[bytes, str]],
        not_ready: Callable[[], list[str]],
        findings: Callable[[], list[Finding]] | None = None,
        max_connections: int = 100,
        notes: Callable[[], list[str]] = list,
    ) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._metrics = metrics
        self._not_ready = not_ready
        self._notes = notes
        self._bounds = ConnectionBounds(
            max_connections, _HEADER_SECONDS, _IDLE_SECONDS, makes_room=True
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="admin", daemon=True)
        self._runner: Runner | None = None
        self._pages: dict[str, Callable[[web.BaseRequest], Awaitable[web.Response]]] = {
            "/": self._index,
            "/metrics": self._show,
            "/livez": self._live,
            "/readyz": self._ready,
        }
        if findings is not None:
            self._pages["/findings"] = partial(self._list, findings)
        self.met: Counter[str] = Counter({"admin_connections": 0, "admin_header_seconds": 0})

    def start(self) -> str:
        """Listen.

        Returns:
            The address that was bound.

        Raises:
            OSError: if the address cannot be bound.
        """
        self._thread.start()
        try:
            port = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except OSError as error:
            self.stop()
            raise OSError(
                f"cannot listen for metrics on {self._host}:{self._port}: is the port in use? "
                "admin.address names another"
            ) from error
        return f"{self._host}:{port}"

    def stop(self) -> None:
        """Close the listener."""
        if not self._thread.is_alive():
            return
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> int:
        self._runner = Runner(
            self._handle,
            self._bounds,
            Events(
                _failed,
                partial(self._count, "admin_connections"),
                partial(self._count, "admin_header_seconds"),
            ),
            access_log=None,
            shutdown_timeout=0.5,
            lingering_time=_LINGERING_SECONDS,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host.strip("[]"), self._port).start()
        port: int = self._runner.addresses[0][1]
        return port

    def _count(self, bound: str) -> None:
        self.met[bound] += 1

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer, and do not wait for ever until the answer is read."""
        response = await self._answer(request)
        if not request.content.at_eof():
            response.force_close()
        try:
            async with asyncio.timeout(_READING_SECONDS):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            pass  # whoever asked has gone
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        page = self._pages.get(request.path)
        if page is None:
            return _text("there is nothing here\n", 404)
        if request.method not in _SAFE:
            return _text("only GET and HEAD are taken\n", 405, Allow=", ".join(_SAFE))
        try:
            return await page(request)
        except Exception as error:  # noqa: BLE001 (whoever asks must hear of it, without its text)
            _LOG.error("a page of the admin listener failed with %s", type(error).__name__)
            return _text("something failed here\n", 500)

    async def _index(self, _request: web.BaseRequest) -> web.Response:
        pages = "".join(f"{path}\n" for path in self._pages if path != "/")
        return _text(f"telemetry-auditor\n\n{pages}")

    async def _show(self, request: web.BaseRequest) -> web.Response:
        accept = request.headers.get("Accept", "")
        body, content_type = await self._loop.run_in_executor(None, self._metrics, accept)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _live(self, _request: web.BaseRequest) -> web.Response:
        return _text("alive\n")

    async def _ready(self, _request: web.BaseRequest) -> web.Response:
        reasons = self._not_ready()
        lines = [*(reasons or ["ready"]), *self._notes()]
        return _text("".join(f"{one}\n" for one in lines), 503 if reasons else 200)

    async def _list(
        self, findings: Callable[[], list[Finding]], request: web.BaseRequest
    ) -> web.Response:
        try:
            limit = limit_of(request.query.get("limit"))
        except ValueError as error:
            return _text(f"{error}\n", _BAD_REQUEST)
        body = await self._loop.run_in_executor(None, lambda: listing(findings(), limit))
        return web.Response(body=body, headers={"Content-Type": _JSON, **_HEADERS})


def _text(text: str, status: int = 200, **headers: str) -> web.Response:
    return web.Response(text=text, status=status, headers=headers)


def _failed(status: int) -> web.Response:
    """Answer what never became a request."""
    no_http = status == _BAD_REQUEST
    return _text("this is no HTTP request\n" if no_http else "something failed here\n", status)
