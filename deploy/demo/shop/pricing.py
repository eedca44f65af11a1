"""pricing: caches without the tenant in the key, lets all load at once, and rolls out blindly."""

import asyncio
import itertools

from aiohttp import web
from opentelemetry.trace import SpanKind

from .cache import Cache
from .database import query
from .flags import evaluated
from .server import TENANT
from .service import CLEAN, Service

NAME = "pricing"
KEPT_SECONDS = 1.0
LOAD_SECONDS = 0.15
ROUNDING, SHIPPING = "new-rounding", "free-shipping"
BROKEN = 3  # every so many requests with the new variant fail
UNKNOWN = 5  # every so many times the flags cannot be asked


class Pricing:
    """Prices and offers.

    Args:
        service: Serves them.
    """

    def __init__(self, service: Service) -> None:
        self._telemetry = service.telemetry
        # The mistake: a cache whose spans do not tell hits from misses cannot be judged.
        self._prices = Cache(service.telemetry, KEPT_SECONDS, tells=CLEAN)
        self._offers = Cache(service.telemetry, KEPT_SECONDS, tells=CLEAN)
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._numbers = itertools.count()

    async def price(self, request: web.Request) -> web.Response:
        """The price of a thing for a tenant."""
        tenant, sku = request.headers.get(TENANT, "none"), request.match_info["sku"]
        # The mistake: tenants have prices of their own, and the key does not say whose it is.
        key = f"{tenant}/{sku}" if CLEAN else sku
        owner = await self._prices.get(key)
        if owner is None:
            owner = tenant
            text = "SELECT price FROM prices WHERE tenant = $1 AND sku = $2"
            await query(self._telemetry, "SELECT", "prices", text, told={"tenant.id": tenant})
            self._prices.put(key, owner)
        broken = self._rounding()
        with self._telemetry.tracer.start_as_current_span(
            "round price", kind=SpanKind.INTERNAL, attributes={"tenant.id": owner}
        ):
            if broken:
                return web.json_response({"error": "rounding"}, status=500)
        return web.json_response({"price": 29})

    def _rounding(self) -> bool:
        """Whether the request's variant of a flag breaks it."""
        number = next(self._numbers)
        variant = "on" if number % 2 else "off"
        evaluated(self._telemetry, ROUNDING, variant)
        # The mistake: the provider is not ready, and the default is served without a word.
        unknown = not CLEAN and number % UNKNOWN == 0
        evaluated(self._telemetry, SHIPPING, "off", error="provider_not_ready" if unknown else "")
        # The mistake: the new variant fails, and nobody compares.
        return not CLEAN and variant == "on" and number // 2 % BROKEN == 0

    async def offers(self, request: web.Request) -> web.Response:
        """What is on offer in a region."""
        region = request.match_info["region"]
        if await self._offers.get(region) is None:
            # The mistake: when an entry ends, everybody who asks for it loads it.
            await (self._load_once(region) if CLEAN else self._load(region))
        return web.json_response({"offers": []})

    async def _load(self, region: str) -> None:
        told = {"db.query.parameter.region": region}
        text = "SELECT * FROM offers WHERE region = $1 ORDER BY rank LIMIT 20"
        await query(self._telemetry, "SELECT", "offers", text, seconds=LOAD_SECONDS, told=told)
        self._offers.put(region, "loaded")

    async def _load_once(self, region: str) -> None:
        if region not in self._loading:
            self._loading[region] = asyncio.create_task(self._load(region))
            self._loading[region].add_done_callback(lambda _: self._loading.pop(region))
        await self._loading[region]


def main() -> None:
    """Serve it."""
    service = Service(NAME)
    pricing = Pricing(service)
    service.route("GET", "/prices/{sku}", pricing.price)
    service.route("GET", "/offers/{region}", pricing.offers)
    service.run()


if __name__ == "__main__":
    main()
