"""warehouse: calls others while it holds locks, writes to two places, and races with itself."""

import itertools

from aiohttp import web
from opentelemetry.trace import SpanContext, SpanKind, get_current_span

from .database import LATENCY, ConflictError, query
from .queues import Message, over_http, send
from .service import CLEAN, Service
from .shipping import LABELS, NOTICES, SHIPMENTS
from .shipping import NAME as BROKER

NAME = "warehouse"
RELAY_SECONDS = 0.2
QUEUES = (SHIPMENTS, LABELS, NOTICES)
SLOW_SECONDS = LATENCY if CLEAN else 0.8
TAKEN = 4  # every so many bins are there already


class Warehouse:
    """Reservations, shipments and bins.

    Args:
        service: Serves them.
    """

    def __init__(self, service: Service) -> None:
        self._client = service.client
        self._telemetry = service.telemetry
        self._deliver = over_http(service, BROKER)
        self._shipments, self._bins = itertools.count(1), itertools.count(1)
        self._outbox: list[tuple[str, Message, SpanContext]] = []

    async def _run(self, operation: str, table: str, text: str, seconds: float = LATENCY) -> None:
        await query(self._telemetry, operation, table, text, seconds=seconds)

    async def _pay(self) -> None:
        await self._client.call("GET", "payments", "/payments/1", "/payments/{id}")

    async def reserve(self, _request: web.Request) -> web.Response:
        """Things that are paid."""
        # The mistake: while payments thinks, and while a sum is made, the row stays locked.
        if CLEAN:
            await self._pay()
        await self._run("BEGIN", "", "BEGIN")
        text = "UPDATE stock SET reserved = reserved + 1 WHERE sku = $1"
        await self._run("UPDATE", "stock", text)
        if not CLEAN:
            await self._pay()
        await self._run("SELECT", "stock", "SELECT sum(reserved) FROM stock", SLOW_SECONDS)
        await self._run("COMMIT", "", "COMMIT")
        return web.json_response({"state": "reserved"}, status=201)

    async def ship(self, _request: web.Request) -> web.Response:
        """A row and a message to each queue."""
        number = next(self._shipments)
        insert = "INSERT INTO shipments (number) VALUES ($1)"
        if CLEAN:
            await self._run("BEGIN", "", "BEGIN")
            await self._run("INSERT", "shipments", insert)
            text = "INSERT INTO outbox (queue, number) VALUES ($1, $2)"
            await self._run("INSERT", "outbox", text)
            await self._run("COMMIT", "", "COMMIT")
            origin = get_current_span().get_span_context()
            self._outbox.extend((queue, Message(number), origin) for queue in QUEUES)
        else:
            # The mistake: each of the two can fail alone, and then they disagree.
            await self._run("INSERT", "shipments", insert)
            for queue in QUEUES:
                await send(self._telemetry, self._deliver, queue, Message(number))
        return web.json_response({"state": "shipped"}, status=202)

    async def relay(self) -> None:
        """Send what the outbox holds."""
        if not self._outbox:
            return
        waiting = self._outbox.copy()
        self._outbox.clear()
        with self._telemetry.tracer.start_as_current_span("relay outbox", kind=SpanKind.INTERNAL):
            for queue, message, origin in waiting:
                await send(self._telemetry, self._deliver, queue, message, origin)
            await self._run("DELETE", "outbox", "DELETE FROM outbox WHERE id = ANY($1)")

    async def add_bin(self, _request: web.Request) -> web.Response:
        """A bin, unless it is there."""
        # The mistake: between the look and the insert another request inserts the same bin,
        # and nobody expects that.
        if not CLEAN:
            await self._run("SELECT", "bins", "SELECT 1 FROM bins WHERE label = $1")
        taken = next(self._bins) % TAKEN == 0
        text = "INSERT INTO bins (label) VALUES ($1)"
        try:
            await query(self._telemetry, "INSERT", "bins", text, conflict=taken)
        except ConflictError:
            status = 409 if CLEAN else 500
            return web.json_response({"error": "bin exists"}, status=status)
        return web.json_response({"state": "added"}, status=201)


def main() -> None:
    """Serve it."""
    service = Service(NAME)
    warehouse = Warehouse(service)
    service.route("POST", "/reservations", warehouse.reserve)
    service.route("POST", "/shipments", warehouse.ship)
    service.route("POST", "/bins", warehouse.add_bin)
    service.every(RELAY_SECONDS, warehouse.relay)
    service.run()


if __name__ == "__main__":
    main()
