"""payments: answers 503 to every second request or so, which is what orders cannot cope with."""

import random

from aiohttp import web

from .service import CLEAN, Service

NAME = "payments"
FAILING = 0.02 if CLEAN else 0.5


async def payment(_request: web.Request) -> web.Response:
    """The state of one payment, half of the time."""
    if random.random() < FAILING:
        return web.json_response({"error": "overloaded"}, status=503)
    return web.json_response({"state": "settled"})


def main() -> None:
    """Serve payments."""
    service = Service(NAME)
    service.route("GET", "/payments/{id}", payment)
    service.run()


if __name__ == "__main__":
    main()
