"""The life of one service: a socket from its parent, routes, paced work, a clean end at SIGTERM."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from . import server, telemetry
from .client import Client

Work = Callable[[], Awaitable[None]]

# The twin of the shop: the same services, which do the same thing right.
CLEAN = os.environ.get("SHOP_CLEAN") == "1"
DRAIN_SECONDS = 2.0  # requests in flight may take as long as this at the end
FLUSH_SECONDS = 8  # and sending what is left as long as this, when the receiver is gone


def peers() -> dict[str, int]:
    """Port of each service of the shop, handed over by the parent."""
    ports: dict[str, int] = json.loads(os.environ["SHOP_PEERS"])
    return ports


async def paced(seconds: float, work: Work, stop: asyncio.Event) -> None:
    """Start `work` once an interval, not waiting for the last one, until told to stop.

    Args:
        seconds: The interval.
        work: What to do; an error in it ends the whole service.
        stop: Set when no more should start; those that run are waited for.
    """
    async with asyncio.TaskGroup() as running:

        async def once() -> None:
            await work()

        while not stop.is_set():
            running.create_task(once())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)


def stop_event() -> asyncio.Event:
    """An event that SIGTERM sets; SIGINT is left to the parent."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    return stop


class Service:
    """One service of the shop.

    Args:
        name: Its service.name.
    """

    def __init__(self, name: str) -> None:
        self.telemetry = telemetry.start(name)
        self.client = Client(self.telemetry, peers())
        self._untraced: set[str] = set()
        tracing = server.tracing(self.telemetry, self._untraced)
        self._app = web.Application(middlewares=[tracing])
        self._paced: list[tuple[float, Work]] = []

    def route(
        self, method: str, path: str, handler: server.Handler, *, traced: bool = True
    ) -> None:
        """Serve a path, such as /carts/{id}."""
        if not traced:
            self._untraced.add(path)
        self._app.router.add_route(method, path, handler)

    def every(self, seconds: float, work: Work) -> None:
        """Do something once an interval while the service runs."""
        self._paced.append((seconds, work))

    def run(self) -> None:
        """Serve until SIGTERM, then send what telemetry is left."""
        try:
            asyncio.run(self._serve())
        finally:
            # Exporters try a receiver that is gone for up to half a minute, one after another.
            signal.alarm(FLUSH_SECONDS)
            self.telemetry.shutdown()

    async def _serve(self) -> None:
        stop = stop_event()
        # No access log: its records would stand outside of every span.
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=DRAIN_SECONDS)
        await runner.setup()
        listener = socket.socket(fileno=int(os.environ["SHOP_SOCKET"]))
        async with self.client, asyncio.TaskGroup() as tasks:
            await web.SockSite(runner, listener).start()
            for seconds, work in self._paced:
                tasks.create_task(paced(seconds, work, stop))
            await stop.wait()
            await runner.cleanup()
