"""What comes from outside: visitors and a kubelet. It sends no telemetry."""

import asyncio

import aiohttp

from .client import DOMAIN, session
from .service import paced, peers, stop_event

VISIT_SECONDS = 0.15
PROBE_SECONDS = 1.0
KUBELET = {"User-Agent": "kube-probe/1.31"}
PROBES = (("catalog", "/livez"), ("cart", "/livez"), ("cart", "/readyz"))


async def _get(visitor: aiohttp.ClientSession, peer: str, path: str, agent: dict[str, str]) -> None:
    try:
        async with visitor.get(f"http://{peer}.{DOMAIN}{path}", headers=agent) as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError):
        return  # visitors come again


async def serve() -> None:
    """Send visitors and probes until SIGTERM."""
    stop = stop_event()
    async with session(peers()) as visitor, asyncio.TaskGroup() as tasks:

        async def visit() -> None:
            await _get(visitor, "frontend", "/shop", {})

        async def probe() -> None:
            for peer, path in PROBES:
                await _get(visitor, peer, path, KUBELET)

        tasks.create_task(paced(VISIT_SECONDS, visit, stop))
        tasks.create_task(paced(PROBE_SECONDS, probe, stop))


if __name__ == "__main__":
    asyncio.run(serve())
