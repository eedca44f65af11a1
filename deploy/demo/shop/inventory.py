"""inventory: hands its log records to a thread, where the span's context is not known."""

import logging
import queue
from logging.handlers import QueueHandler, QueueListener

from aiohttp import web

from .database import query
from .service import CLEAN, Service

NAME = "inventory"


def main() -> None:
    """Say how much of a thing is in stock."""
    service = Service(NAME)
    telemetry = service.telemetry
    # The mistake: "log in a thread, it is faster". The context lives in the handler's task, so
    # what the thread sends on has neither trace id nor span id.
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    if not CLEAN:
        telemetry.log.removeHandler(telemetry.handler)
        telemetry.log.addHandler(QueueHandler(records))
    listener = QueueListener(records, telemetry.handler)

    async def stock(request: web.Request) -> web.Response:
        sku = request.match_info["sku"]
        telemetry.log.info("stock asked for sku %s", sku)
        await query(telemetry, "SELECT", "stock", "SELECT amount FROM stock WHERE sku = $1")
        telemetry.log.info("stock answered for sku %s", sku)
        return web.json_response({"amount": 3})

    service.route("GET", "/stock/{sku}", stock)
    listener.start()
    try:
        service.run()
    finally:
        listener.stop()


if __name__ == "__main__":
    main()
