"""search: asks its database once for each hit, skips rows to page, and reads whole tables."""

import random

from aiohttp import web

from .database import query
from .service import CLEAN, Service

NAME = "search"
HITS = 15
PAGE_ROWS = 50
EVERYTHING = 48_000


def main() -> None:
    """Serve hits, pages of them, and an export."""
    service = Service(NAME)

    async def select(text: str, rows: int, **told: str | int) -> None:
        more = {f"db.query.parameter.{name}": value for name, value in told.items()}
        more["db.response.returned_rows"] = rows
        await query(service.telemetry, "SELECT", "products", text, told=more)

    async def hits(_request: web.Request) -> web.Response:
        await select("SELECT id FROM products WHERE words @@ $1 LIMIT 15", HITS)
        if CLEAN:
            await select("SELECT id, name FROM products WHERE id = ANY($1)", HITS)
        else:
            # The mistake: one query, and then one more for each of its rows.
            for number in random.sample(range(1000), HITS):
                await select("SELECT name FROM products WHERE id = $1", 1, id=str(number))
        return web.json_response({"hits": HITS})

    async def page(_request: web.Request) -> web.Response:
        if CLEAN:
            text = "SELECT id, name FROM products WHERE id > $1 ORDER BY id LIMIT 50"
        else:
            # The mistake: the database reads 20,000 rows to throw them away.
            text = "SELECT id, name FROM products ORDER BY id LIMIT 50 OFFSET 20000"
        await select(text, PAGE_ROWS)
        return web.json_response({"rows": PAGE_ROWS})

    async def export(_request: web.Request) -> web.Response:
        if CLEAN:
            await select("SELECT * FROM products WHERE id > $1 ORDER BY id LIMIT 50", PAGE_ROWS)
        else:
            # The mistake: no limit; it grows with the shop until it does not fit into memory.
            await select("SELECT * FROM products", EVERYTHING)
        return web.json_response({"state": "exported"})

    service.route("GET", "/search", hits)
    service.route("GET", "/search/pages/{page}", page)
    service.route("GET", "/export", export)
    service.run()


if __name__ == "__main__":
    main()
