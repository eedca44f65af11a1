"""orders: tries again at once, up to five times, whenever payments fails."""

import asyncio
import random

from opentelemetry.trace import SpanKind

from .service import CLEAN, Service

NAME = "orders"
SETTLE_SECONDS = 0.04  # 25 orders a second
ATTEMPTS = 2 if CLEAN else 5
BACKOFF_SECONDS = 0.2
UNAVAILABLE = 503


def main() -> None:
    """Ask payments about each open order."""
    service = Service(NAME)

    async def settle() -> None:
        path = f"/payments/{random.randint(10_000, 99_999)}"
        with service.telemetry.tracer.start_as_current_span("settle order", kind=SpanKind.INTERNAL):
            # The mistake: no backoff, no jitter, no budget; a peer that is half down gets twice
            # the load.
            for attempt in range(ATTEMPTS):
                if CLEAN and attempt:  # full jitter, and payments fails for few
                    await asyncio.sleep(random.uniform(0, BACKOFF_SECONDS))
                status = await service.client.call("GET", "payments", path, "/payments/{id}")
                if status is not None and status < UNAVAILABLE:
                    return

    service.every(SETTLE_SECONDS, settle)
    service.run()


if __name__ == "__main__":
    main()
