"""catalog: its liveness probe asks the database, its readiness probe everything there is."""

from aiohttp import web

from .database import query
from .service import CLEAN, Service

NAME = "catalog"
TABLES = ("products", "names", "pictures", "reviews", "offers", "words", "colours")


def main() -> None:
    """Serve products, and probes that look too far."""
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

    async def readyz(_request: web.Request) -> web.Response:
        # The mistake: a probe that comes every second costs more than the visitors do.
        for table in TABLES[:1] if CLEAN else TABLES:
            await query(service.telemetry, "SELECT", table, f"SELECT 1 FROM {table} LIMIT 1")
        return web.Response(text="ok")

    service.route("GET", "/products/{sku}", product)
    service.route("GET", "/livez", livez)
    service.route("GET", "/readyz", readyz)
    service.run()


if __name__ == "__main__":
    main()
