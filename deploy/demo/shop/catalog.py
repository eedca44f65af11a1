"""catalog: its liveness probe asks the database, so a slow database restarts every replica."""

from aiohttp import web

from .database import query
from .service import CLEAN, Service

NAME = "catalog"


def main() -> None:
    """Serve products, and a liveness probe that looks too far."""
    service = Service(NAME)

    async def product(_request: web.Request) -> web.Response:
        text = "SELECT name, price FROM products WHERE sku = $1"
        await query(service.telemetry, "SELECT", "products", text)
        return web.json_response({"name": "kettle", "price": 29})

    async def livez(_request: web.Request) -> web.Response:
        # The mistake: liveness is about this process alone; the database belongs to readiness.
        if not CLEAN:
            await query(service.telemetry, "SELECT", "", "SELECT 1")
        return web.Response(text="ok")

    service.route("GET", "/products/{sku}", product)
    service.route("GET", "/livez", livez)
    service.run()


if __name__ == "__main__":
    main()
