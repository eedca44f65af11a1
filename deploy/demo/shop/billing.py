"""billing: works on when nobody waits, does things twice, and waits for ever."""

import asyncio
import random

from aiohttp import web
from opentelemetry.trace import SpanKind

from .database import query
from .server import IDEMPOTENCY_KEY
from .service import CLEAN, Service

NAME = "billing"
# Longer than orders waits; in the twin, where it waits for longer, so little that it is no waste.
INVOICE_SECONDS = 0.5
SLOW = 3  # every so many invoices
BUSY = 0.5  # share of the attempts to send a reminder
STATEMENT_SECONDS, DEADLINE_SECONDS = 0.8, 0.2
CLOSING_SECONDS = 3.0
LOCKED_SECONDS, LOCK_TIMEOUT_SECONDS = 2.5, 0.3
QUOTE_ATTEMPTS = 1 if CLEAN else 3
FAILED = 500


class Billing:
    """Invoices, credits, refunds, reminders, statements, quotes, and the books.

    Args:
        service: Serves them.
    """

    def __init__(self, service: Service) -> None:
        self._client = service.client
        self._telemetry = service.telemetry
        self._answered: set[str] = set()

    async def _insert(self, table: str) -> None:
        text = f"INSERT INTO {table} (number) VALUES ($1)"
        await query(self._telemetry, "INSERT", table, text)

    async def create(self, request: web.Request) -> web.Response:
        """A row for each request; in the twin for each key."""
        return await self._create(request, 0.0)

    async def invoice(self, request: web.Request) -> web.Response:
        """The same, and at times slow, but not at a second attempt."""
        slow = request.headers.get("x-attempt") == "1" and random.randrange(SLOW) == 0
        return await self._create(request, INVOICE_SECONDS if slow else 0.0)

    async def _create(self, request: web.Request, seconds: float) -> web.Response:
        key = request.headers.get(IDEMPOTENCY_KEY, "")
        text = "SELECT answer FROM answers WHERE key = $1"
        await query(self._telemetry, "SELECT", "answers", text)
        # The mistake: the key is taken, and never compared with those of before.
        if not CLEAN or key not in self._answered:
            self._answered.add(key)
            await self._insert(request.path.strip("/"))
            await asyncio.sleep(seconds)
        return web.json_response({"state": "created"}, status=201)

    async def remind(self, _request: web.Request) -> web.Response:
        """A reminder, unless the mail server is busy."""
        if random.random() < BUSY:
            return web.json_response({"error": "mail server is busy"}, status=503)
        await self._insert("reminders")
        return web.json_response({"state": "sent"}, status=202)

    async def statement(self, _request: web.Request) -> web.Response:
        """A statement that takes longer than its deadline."""
        text = "SELECT * FROM bookings WHERE account = $1 LIMIT 100"
        report = asyncio.create_task(
            query(self._telemetry, "SELECT", "bookings", text, seconds=STATEMENT_SECONDS)
        )
        try:
            # The mistake: the request is answered, and its query runs on.
            await asyncio.wait_for(report if CLEAN else asyncio.shield(report), DEADLINE_SECONDS)
        except TimeoutError:
            return web.json_response({"error": "timeout"}, status=504)
        return web.json_response({"bookings": []})

    async def quote(self, _request: web.Request) -> web.Response:
        """A quote, for which payments must be asked."""
        # The mistake: orders tries three times, each of which tries three times here.
        for _ in range(QUOTE_ATTEMPTS):
            status = await self._client.call("GET", "payments", "/limits/7", "/limits/{id}")
            if status is not None and status < FAILED:
                return web.json_response({"price": 29})
        return web.json_response({"error": "no limit"}, status=503)

    async def close_books(self) -> None:
        """What a job does now and then."""
        with self._telemetry.tracer.start_as_current_span("close books", kind=SpanKind.INTERNAL):
            text = "SELECT id FROM ledger WHERE day = $1 FOR UPDATE"
            # The mistake: another holds the lock, and no timeout ends the wait for it.
            seconds = LOCK_TIMEOUT_SECONDS if CLEAN else LOCKED_SECONDS
            await query(self._telemetry, "SELECT", "ledger", text, seconds=seconds)


def main() -> None:
    """Serve it."""
    service = Service(NAME)
    billing = Billing(service)
    service.route("POST", "/invoices", billing.invoice)
    service.route("POST", "/credits", billing.create)
    service.route("POST", "/refunds", billing.create)
    service.route("POST", "/reminders", billing.remind)
    service.route("GET", "/statements/{id}", billing.statement)
    service.route("GET", "/quotes/{id}", billing.quote)
    service.every(CLOSING_SECONDS, billing.close_books)
    service.run()


if __name__ == "__main__":
    main()
