"""A cache that is not there: a dictionary whose reads take a moment and leave a CLIENT span."""

import asyncio
import time

from opentelemetry.trace import SpanKind

from .telemetry import Telemetry

ADDRESS = "cache.shop.local"
LATENCY = 0.001


class Cache:
    """What was stored lately.

    Args:
        telemetry: The service's own.
        seconds: How long an entry is kept.
        tells: Whether spans tell hits from misses.
    """

    def __init__(self, telemetry: Telemetry, seconds: float, *, tells: bool) -> None:
        self._telemetry = telemetry
        self._seconds = seconds
        self._tells = tells
        self._entries: dict[str, tuple[float, str]] = {}

    async def get(self, key: str) -> str | None:
        """What is stored under a key, or None."""
        with self._telemetry.tracer.start_as_current_span(
            "GET",
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "redis",
                "db.operation.name": "GET",
                "db.query.text": "GET ?",
                "server.address": ADDRESS,
                "server.port": 6379,
            },
        ) as span:
            await asyncio.sleep(LATENCY)
            stored, value = self._entries.get(key, (0.0, ""))
            hit = time.monotonic() - stored < self._seconds
            if self._tells:
                span.set_attribute("cache.hit", hit)
            return value if hit else None

    def put(self, key: str, value: str) -> None:
        """Store under a key."""
        self._entries[key] = time.monotonic(), value
