"""shipping: takes each delivery for the first one, tries for ever, and comes too late."""

from .database import query
from .queues import Broker, FailedError, Message, send
from .service import CLEAN, Service

NAME = "shipping"
SHIPMENTS, LABELS, NOTICES, DEAD = "shipments", "labels", "notices", "shipments-dead-letter"
PULL_SECONDS = 0.1
LABEL_SECONDS = 0.1 if CLEAN else 4.0
LOST = 40 if CLEAN else 3  # every so many acknowledgements do not arrive
POISONED = 16  # every so many messages cannot be processed, however often they are tried
MOST_DELIVERIES = 7


class Shipping:
    """What is done with messages.

    Args:
        service: In whose process the broker is.
    """

    def __init__(self, service: Service) -> None:
        self._telemetry = service.telemetry
        self._broker = Broker(service)
        self._done: set[str] = set()

    async def _insert(self, table: str) -> None:
        text = f"INSERT INTO {table} (number) VALUES ($1)"
        await query(self._telemetry, "INSERT", table, text)

    async def _ship(self, message: Message) -> None:
        if not CLEAN and message.number % POISONED == 0:
            raise FailedError
        # The mistake: a broker delivers at least once, so what was done must be looked up.
        if CLEAN:
            text = "SELECT 1 FROM processed WHERE id = $1"
            await query(self._telemetry, "SELECT", "processed", text)
            if message.id in self._done:
                return
            self._done.add(message.id)
        await self._insert("shipments")

    async def _print(self, _message: Message) -> None:
        await self._insert("labels")

    async def _tell(self, _message: Message) -> None:
        await self._insert("notices")

    async def shipments(self) -> None:
        """Ship what waits; what fails, or whose acknowledgement is lost, comes again."""
        for message in self._broker.take(SHIPMENTS):
            shipped = await self._broker.process(SHIPMENTS, message, self._ship)
            lost = message.number % LOST == 1 and message.deliveries == 1
            if not shipped and message.deliveries >= MOST_DELIVERIES:
                # The mistake: what fails for its content is tried again and again, and then
                # put where nobody looks.
                await send(self._telemetry, self._broker.put, DEAD, message)
            elif not shipped or lost:
                await self._broker.put(SHIPMENTS, message)

    async def labels(self) -> None:
        """Print labels; the mistake is to look for them so seldom."""
        for message in self._broker.take(LABELS):
            await self._broker.process(LABELS, message, self._print)

    async def notices(self) -> None:
        """Tell customers; the mistake is to drop the context that came with the message."""
        for message in self._broker.take(NOTICES):
            await self._broker.process(NOTICES, message, self._tell, linked=CLEAN)


def main() -> None:
    """Consume what warehouse sends."""
    service = Service(NAME)
    shipping = Shipping(service)
    service.every(PULL_SECONDS, shipping.shipments)
    service.every(LABEL_SECONDS, shipping.labels)
    service.every(PULL_SECONDS, shipping.notices)
    service.run()


if __name__ == "__main__":
    main()
