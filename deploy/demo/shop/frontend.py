"""frontend: puts tokens into baggage, and records the baggage header on its CLIENT spans."""

import random

from aiohttp import web
from opentelemetry import baggage, context

from .credentials import github_token, json_web_token
from .service import CLEAN, Service

NAME = "frontend"


def main() -> None:
    """Answer visitors with what the other services know."""
    service = Service(NAME)
    call = service.client.call

    async def checkout() -> None:
        # The mistake, twice: baggage goes to every service downstream and is no place for
        # credentials; and a header that is captured is stored with the span.
        held = baggage.set_baggage("shop.region", "eu-west")
        if not CLEAN:
            held = baggage.set_baggage("deploy.token", github_token(), held)
            held = baggage.set_baggage("session.jwt", json_web_token(), held)
        token = context.attach(held)
        try:
            await call("POST", "checkout", "/orders", "/orders", capture=("baggage",))
        finally:
            context.detach(token)

    async def visit(_request: web.Request) -> web.Response:
        sku, basket = random.randint(100, 149), random.randint(1, 500)
        await call("GET", "catalog", f"/products/{sku}", "/products/{sku}")
        await call("GET", "inventory", f"/stock/{sku}", "/stock/{sku}")
        await call("GET", "cart", f"/carts/{basket}", "/carts/{id}")
        await checkout()
        return web.json_response({"state": "ok"})

    service.route("GET", "/shop", visit)
    service.run()


if __name__ == "__main__":
    main()
