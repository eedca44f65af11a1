"""cart: the control; it does what the others do, and does it right."""

from aiohttp import web

from .database import query
from .service import Service

NAME = "cart"


def main() -> None:
    """Serve carts: logs inside spans, bounded labels, a shallow liveness probe."""
    service = Service(NAME)
    telemetry = service.telemetry
    lookups = telemetry.meter.create_counter(
        "shop.cart.lookups", unit="{lookup}", description="Carts looked up."
    )

    async def cart(_request: web.Request) -> web.Response:
        telemetry.log.info("cart asked for")
        await query(
            telemetry, "SELECT", "cart_lines", "SELECT sku, amount FROM cart_lines WHERE cart = $1"
        )
        lookups.add(1, {"shop.result": "found"})
        telemetry.log.info("cart answered")
        return web.json_response({"lines": []})

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_request: web.Request) -> web.Response:
        await query(telemetry, "SELECT", "", "SELECT 1")
        return web.Response(text="ok")

    service.route("GET", "/carts/{id}", cart)
    service.route("GET", "/livez", livez)
    service.route("GET", "/readyz", readyz)
    service.run()


if __name__ == "__main__":
    main()
