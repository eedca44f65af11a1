"""inventory: loses the thread: logs without a span, spans without their parent, calls alone."""

import logging
import queue
from contextlib import AbstractContextManager, nullcontext
from logging.handlers import QueueHandler, QueueListener

from aiohttp import web
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from .database import query
from .service import CLEAN, Service

NAME = "inventory"
SUPPLY_SECONDS = 0.2


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
        with look_up():
            await query(telemetry, "SELECT", "stock", "SELECT amount FROM stock WHERE sku = $1")
        telemetry.log.info("stock answered for sku %s", sku)
        return web.json_response({"amount": 3})

    def look_up() -> AbstractContextManager[Span]:
        # The mistake: a span that is made current and never ended is never sent.
        if not CLEAN:
            return trace.use_span(telemetry.tracer.start_span("look up"), end_on_exit=False)
        return telemetry.tracer.start_as_current_span("look up")

    async def supply() -> None:
        # The mistake: a call outside of any span is a trace of its own, and nobody knows why
        # it was made.
        around: AbstractContextManager[object] = nullcontext()
        if CLEAN:
            around = telemetry.tracer.start_as_current_span("supply", kind=SpanKind.INTERNAL)
        with around:
            await service.client.call("GET", "catalog", "/products/100", "/products/{sku}")

    service.route("GET", "/stock/{sku}", stock)
    service.every(SUPPLY_SECONDS, supply)
    listener.start()
    try:
        service.run()
    finally:
        listener.stop()


if __name__ == "__main__":
    main()
