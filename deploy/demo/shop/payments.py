"""payments: answers 503 to every second request or so, which is what orders cannot cope with."""

import random

from aiohttp import web

from .service import CLEAN, Service

NAME = "payments"
FAILING = 0.02 if CLEAN else 0.5
NO_LIMIT = 0.1 if CLEAN else 1.0


async def payment(_request: web.Request) -> web.Response:
    """The state of one payment, half of the time."""
    if random.random() < FAILING:
        return web.json_response({"error": "overloaded"}, status=503)
    return web.json_response({"state": "settled"})


async def limit(_request: web.Request) -> web.Response:
    """How much may be paid: never told, in the twin mostly."""
    if random.random() < NO_LIMIT:
        return web.json_response({"error": "overloaded"}, status=503)
    return web.json_response({"limit": 500})


def main() -> None:
    """Serve payments and limits."""
    service = Service(NAME)
    service.route("GET", "/payments/{id}", payment)
    service.route("GET", "/limits/{id}", limit)
    service.run()


if __name__ == "__main__":
    main()
