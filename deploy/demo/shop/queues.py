"""Messages: a broker in the consumer's process, and the spans of those who send and receive.

The broker itself, like one that is bought, sends no telemetry.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
)

from .service import Service
from .telemetry import PROPAGATOR, Telemetry

SYSTEM = "servicebus"
ADDRESS = "broker.shop.local"
PATH = "/queues/{queue}"


class FailedError(Exception):
    """A message could not be processed."""


@dataclass
class Message:
    """What a producer sends.

    Attributes:
        number: What it is about.
        id: Stays the same over deliveries.
        headers: The context of its producer.
        deliveries: How often it was handed out.
    """

    number: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    headers: Mapping[str, str] = field(default_factory=dict)
    deliveries: int = 0


def _attributes(queue: str, message: Message, operation: str, way: str) -> dict[str, str | int]:
    return {
        "messaging.system": SYSTEM,
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": way,
        "messaging.message.id": message.id,
        "server.address": ADDRESS,
    }


Deliver = Callable[[str, Message], Awaitable[None]]


async def send(
    telemetry: Telemetry,
    deliver: Deliver,
    queue: str,
    message: Message,
    origin: SpanContext | None = None,
) -> None:
    """Send a message in a PRODUCER span.

    Args:
        telemetry: The sender's.
        deliver: Takes it to the broker.
        queue: Where to.
        message: Gets the span's context.
        origin: Span of the request that wanted it, where that ended before.
    """
    links = [] if origin is None else [Link(origin)]
    with telemetry.tracer.start_as_current_span(
        f"send {queue}",
        kind=SpanKind.PRODUCER,
        links=links,
        attributes=_attributes(queue, message, "send", "send"),
    ):
        headers: dict[str, str] = {}
        PROPAGATOR.inject(headers)
        message.headers = headers
        await deliver(queue, message)


def over_http(service: Service, peer: str) -> Deliver:
    """Takes messages to the broker in another process.

    Args:
        service: The sender.
        peer: Name of the service in whose process the broker is.
    """

    async def deliver(queue: str, message: Message) -> None:
        body = {"number": message.number, "id": message.id, "headers": message.headers}
        await service.client.hand_over(peer, f"/queues/{queue}", body)

    return deliver


class Broker:
    """Queues, served at /queues/NAME of the process that consumes them.

    Args:
        service: The consumer.
    """

    def __init__(self, service: Service) -> None:
        self._telemetry = service.telemetry
        self._queues: dict[str, list[Message]] = defaultdict(list)
        service.route("POST", PATH, self._receive, traced=False)

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.json(loads=json.loads)
        await self.put(request.match_info["queue"], Message(**body))
        return web.Response(status=202)

    async def put(self, queue: str, message: Message) -> None:
        """Append a message: a new one, or one to be delivered again."""
        self._queues[queue].append(message)

    def take(self, queue: str) -> Iterable[Message]:
        """Every message that waits now; each counts as delivered once more."""
        waiting, self._queues[queue] = self._queues[queue], []
        for message in waiting:
            message.deliveries += 1
        return waiting

    async def process(
        self,
        queue: str,
        message: Message,
        work: Callable[[Message], Awaitable[None]],
        *,
        linked: bool = True,
    ) -> bool:
        """Process a message in a CONSUMER span of a trace of its own.

        Args:
            queue: Where it came from.
            message: As taken.
            work: Raises `FailedError` when it cannot be done.
            linked: Whether the span is linked to the message's producer.

        Returns:
            Whether it was done.
        """
        attributes = _attributes(queue, message, "process", "process")
        attributes["messaging.servicebus.message.delivery_count"] = message.deliveries
        producer = get_current_span(PROPAGATOR.extract(message.headers)).get_span_context()
        with self._telemetry.tracer.start_as_current_span(
            f"process {queue}",
            context=Context(),
            kind=SpanKind.CONSUMER,
            links=[Link(producer)] if linked else [],
            attributes=attributes,
        ) as span:
            with suppress(FailedError):
                await work(message)
                return True
            span.set_attribute("error.type", FailedError.__name__)
            span.set_status(Status(StatusCode.ERROR))
            return False
