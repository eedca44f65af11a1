"""orders: tries again at once, up to five times, and cannot tell what a second try repeats."""

import asyncio
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.trace import SpanKind

from .server import IDEMPOTENCY_KEY
from .service import CLEAN, Service

NAME = "orders"
SETTLE_SECONDS = 0.04  # 25 orders a second
# So few that attempts after failures are no storm by any measure.
INVOICE_SECONDS, REMIND_SECONDS, QUOTE_SECONDS = 0.65, 0.65, 1.0
BACKOFF_SECONDS = 0.2
UNAVAILABLE = 503


@dataclass(frozen=True)
class Call:
    """What is tried.

    Attributes:
        work: What it is for.
        method: HTTP method.
        peer: Name of the service.
        path: With its ids.
        template: With names in their place.
        attempts: How often at most.
        pause: Seconds between two; the twin has full jitter instead.
        timeout: Seconds for an answer.
        headers: Sent with each attempt.
    """

    work: str
    method: str
    peer: str
    path: str
    template: str
    attempts: int
    pause: float = 0.0
    timeout: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _pause(call: Call, attempt: int) -> float:
    if CLEAN:
        return random.uniform(0, BACKOFF_SECONDS * 2 ** (attempt - 1))
    return call.pause


def _settlement() -> Call:
    # The mistake: no backoff, no jitter, no budget; a peer that is half down gets twice the load.
    path, attempts = f"/payments/{random.randint(10_000, 99_999)}", 2 if CLEAN else 5
    return Call("settle order", "GET", "payments", path, "/payments/{id}", attempts)


def _invoice() -> Call:
    # The mistake: it waits for less long than billing needs, and then has it done again.
    timeout, headers = 0.4 if CLEAN else 0.15, {IDEMPOTENCY_KEY: str(uuid.uuid4())}
    path = "/invoices"
    return Call("bill order", "POST", "billing", path, path, 2, 0.05, timeout, headers)


def _reminder() -> Call:
    # The mistake: all pauses are alike, and without a key a customer may be reminded twice.
    headers = {IDEMPOTENCY_KEY: str(uuid.uuid4())} if CLEAN else {}
    path = "/reminders"
    return Call("remind customer", "POST", "billing", path, path, 3, 0.05, headers=headers)


def _quote() -> Call:
    # The mistake: billing tries three times as well.
    attempts = 2 if CLEAN else 3
    return Call("quote", "GET", "billing", "/quotes/7", "/quotes/{id}", attempts)


class Orders:
    """What is asked of others.

    Args:
        service: Who asks.
    """

    def __init__(self, service: Service) -> None:
        self._client = service.client
        self._tracer = service.telemetry.tracer

    async def settle(self) -> None:
        """Ask for a payment."""
        await self._try(_settlement())

    async def invoice(self) -> None:
        """Have an invoice made."""
        await self._try(_invoice())

    async def remind(self) -> None:
        """Have a customer reminded."""
        await self._try(_reminder())

    async def quote(self) -> None:
        """Ask for a quote."""
        await self._try(_quote())

    async def _try(self, call: Call) -> None:
        with self._tracer.start_as_current_span(call.work, kind=SpanKind.INTERNAL):
            for attempt in range(call.attempts):
                if attempt:
                    await asyncio.sleep(_pause(call, attempt))
                status = await self._client.call(
                    call.method,
                    call.peer,
                    call.path,
                    call.template,
                    capture=(IDEMPOTENCY_KEY,),
                    headers={"x-attempt": str(attempt + 1), **call.headers},
                    seconds=call.timeout,
                )
                if status is not None and status < UNAVAILABLE:
                    return


def main() -> None:
    """Ask payments about each open order, and billing for what follows."""
    service = Service(NAME)
    orders = Orders(service)
    service.every(SETTLE_SECONDS, orders.settle)
    service.every(INVOICE_SECONDS, orders.invoice)
    service.every(REMIND_SECONDS, orders.remind)
    service.every(QUOTE_SECONDS, orders.quote)
    service.run()


if __name__ == "__main__":
    main()
