"""A database that is not there: its calls take a moment and leave a true CLIENT span."""

import asyncio

from opentelemetry.trace import SpanKind

from .telemetry import Telemetry

ADDRESS = "db.shop.local"
LATENCY = 0.002


async def query(telemetry: Telemetry, operation: str, collection: str, text: str) -> None:
    """One query in one CLIENT span.

    Args:
        telemetry: The caller's.
        operation: Such as SELECT.
        collection: Table; empty where there is none.
        text: The query with placeholders.
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
    }
    if collection:
        attributes["db.collection.name"] = collection
    with telemetry.tracer.start_as_current_span(
        summary, kind=SpanKind.CLIENT, attributes=attributes
    ):
        await asyncio.sleep(LATENCY)
