"""A database that is not there: its calls take a moment and leave a true CLIENT span."""

import asyncio
from collections.abc import Mapping

from opentelemetry.trace import SpanKind, Status, StatusCode

from .telemetry import Telemetry

ADDRESS = "db.shop.local"
LATENCY = 0.002
UNIQUE_VIOLATION = "23505"


class ConflictError(Exception):
    """A row with this key is there already."""


async def query(
    telemetry: Telemetry,
    operation: str,
    collection: str,
    text: str,
    *,
    seconds: float = LATENCY,
    told: Mapping[str, str | int] | None = None,
    conflict: bool = False,
) -> None:
    """One query in one CLIENT span.

    Args:
        telemetry: The caller's.
        operation: Such as SELECT.
        collection: Table; empty where there is none.
        text: The query with placeholders.
        seconds: How long it takes.
        told: More attributes, such as parameters and the number of rows.
        conflict: Whether the row is there already.

    Raises:
        ConflictError: It is.
    """
    summary = f"{operation} {collection}".strip()
    attributes: dict[str, str | int] = {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": operation,
        "db.query.summary": summary,
        "db.query.text": text,
        "server.address": ADDRESS,
        "server.port": 5432,
        **(told or {}),
    }
    if collection:
        attributes["db.collection.name"] = collection
    with telemetry.tracer.start_as_current_span(
        summary, kind=SpanKind.CLIENT, attributes=attributes
    ) as span:
        await asyncio.sleep(seconds)
        if not conflict:
            return
        span.set_attribute("db.response.status_code", UNIQUE_VIOLATION)
        span.set_attribute("error.type", UNIQUE_VIOLATION)
        span.set_status(Status(StatusCode.ERROR))
    raise ConflictError(collection)
