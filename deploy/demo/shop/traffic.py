"""What comes from outside: visitors, partners and a kubelet. It sends no telemetry."""

import asyncio
import itertools
import uuid
from collections.abc import Mapping

import aiohttp

from .client import DOMAIN, session
from .server import IDEMPOTENCY_KEY, TENANT
from .service import CLEAN, Work, paced, peers, stop_event

VISIT_SECONDS = 0.15
PROBE_SECONDS = 1.0
PRICE_SECONDS = 0.1
PARTNER_SECONDS = 0.5
OFFER_SECONDS = 2.0
RUSH = 15  # visitors who come at the same moment
KUBELET = {"User-Agent": "kube-probe/1.31"}
PROBES = (
    ("catalog", "/livez"),
    ("catalog", "/readyz"),
    ("cart", "/livez"),
    ("cart", "/readyz"),
)
TENANTS = ("north", "south")
DAY = "2031-05-17"


async def _ask(
    visitor: aiohttp.ClientSession,
    method: str,
    peer: str,
    path: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    url = f"http://{peer}.{DOMAIN}{path}"
    try:
        async with visitor.request(method, url, headers=headers) as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError):
        return  # visitors come again


def _works(visitor: aiohttp.ClientSession) -> list[tuple[float, Work]]:
    numbers = itertools.count()

    async def visit() -> None:
        await _ask(visitor, "GET", "frontend", "/shop")

    async def probe() -> None:
        for peer, path in PROBES:
            await _ask(visitor, "GET", peer, path, KUBELET)

    async def price() -> None:
        number = next(numbers)
        tenant = TENANTS[number % 2]
        await _ask(visitor, "GET", "pricing", f"/prices/{100 + number % 3}", {TENANT: tenant})

    async def rush() -> None:
        await asyncio.gather(
            *(_ask(visitor, "GET", "pricing", "/offers/north") for _ in range(RUSH))
        )

    async def credit() -> None:
        # The mistake: a key that names the day is the same for whatever is asked on it.
        for path, tenant in (("/credits", "north"), ("/refunds", "north"), ("/credits", "south")):
            key = str(uuid.uuid4()) if CLEAN else DAY
            await _ask(visitor, "POST", "billing", path, {IDEMPOTENCY_KEY: key, TENANT: tenant})

    async def partner() -> None:
        await _ask(visitor, "GET", "search", "/search")
        await _ask(visitor, "GET", "search", "/search/pages/400")
        await _ask(visitor, "GET", "search", "/export")
        await _ask(visitor, "GET", "billing", "/statements/7")
        await _ask(visitor, "POST", "warehouse", "/reservations")
        await _ask(visitor, "POST", "warehouse", "/bins")

    async def ship() -> None:
        await _ask(visitor, "POST", "warehouse", "/shipments")

    return [
        (VISIT_SECONDS, visit),
        (PROBE_SECONDS, probe),
        (PRICE_SECONDS, price),
        (OFFER_SECONDS, rush),
        (PARTNER_SECONDS, credit),
        (2 * PARTNER_SECONDS, partner),
        (PARTNER_SECONDS, ship),
    ]


async def serve() -> None:
    """Send visitors and probes until SIGTERM."""
    stop = stop_event()
    async with session(peers()) as visitor, asyncio.TaskGroup() as tasks:
        for seconds, work in _works(visitor):
            tasks.create_task(paced(seconds, work, stop))


if __name__ == "__main__":
    asyncio.run(serve())
