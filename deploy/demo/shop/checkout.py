"""checkout: counts orders by order and by user, so each order makes a time series of its own."""

import uuid

from aiohttp import web

from .service import CLEAN, Service

NAME = "checkout"
IMPORT_SECONDS = 0.1
IMPORT_ORDERS = 40  # with the interval: 400 orders, and so 400 new series, a second


def main() -> None:
    """Take orders from shoppers, and whole lots of them from market places."""
    service = Service(NAME)
    orders = service.telemetry.meter.create_counter(
        "shop.orders", unit="{order}", description="Orders taken."
    )

    def count(channel: str) -> None:
        if CLEAN:
            orders.add(1, {"shop.channel": channel})
            return
        # The mistake: order.id and user.id belong on a span or a log record, not on a metric.
        orders.add(
            1,
            {
                "shop.channel": channel,
                "order.id": str(uuid.uuid4()),
                "user.id": f"u-{uuid.uuid4().hex[:12]}",
            },
        )

    async def place(_request: web.Request) -> web.Response:
        count("web")
        return web.json_response({"state": "placed"}, status=201)

    async def import_orders() -> None:
        for _ in range(IMPORT_ORDERS):
            count("marketplace")

    service.route("POST", "/orders", place)
    service.every(IMPORT_SECONDS, import_orders)
    service.run()


if __name__ == "__main__":
    main()
