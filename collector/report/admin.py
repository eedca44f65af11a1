"""The admin listener: metrics and health, on a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread

from aiohttp import web

_INDEX = "telemetry-auditor\n\n/metrics\n/livez\n/readyz\n"


class AdminServer:
    """Answers while everything else is busy, because it shares no thread and no lock for long.

    Args:
        address: HOST:PORT; port 0 takes a free one.
        metrics: from the Accept header to the body and its content type.
        not_ready: reasons why no telemetry is taken; none means ready.
        notes: what the page on readiness says beside.
    """

    def __init__(
        self,
        address: str,
        metrics: Callable[[str], tuple[bytes, str]],
        not_ready: Callable[[], list[str]],
        notes: Callable[[], list[str]] = list,
    ) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._metrics = metrics
        self._not_ready = not_ready
        self._notes = notes
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="admin", daemon=True)
        self._runner: web.AppRunner | None = None

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
                f"cannot listen for metrics on {self._host}:{self._port}: is the port in use?"
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
        app = web.Application()
        app.router.add_get("/", self._index)
        app.router.add_get("/metrics", self._show)
        app.router.add_get("/livez", self._live)
        app.router.add_get("/readyz", self._ready)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host.strip("[]"), self._port).start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _index(self, _request: web.Request) -> web.Response:
        return web.Response(text=_INDEX)

    async def _show(self, request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")
        body, content_type = await self._loop.run_in_executor(None, self._metrics, accept)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _live(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        reasons = self._not_ready()
        lines = [*(reasons or ["ready"]), *self._notes()]
        return web.Response(
            status=503 if reasons else 200, text="".join(f"{one}\n" for one in lines)
        )
