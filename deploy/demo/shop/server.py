"""HTTP served with a SERVER span and a duration for each request, as the conventions say."""

import time
from collections.abc import Awaitable, Callable, Container

from aiohttp import web
from aiohttp.typedefs import Middleware
from opentelemetry import context
from opentelemetry.trace import SpanKind, Status, StatusCode

from .telemetry import PROPAGATOR, Telemetry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The advice of the HTTP metric conventions, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
SERVER_ERROR = 500
IDEMPOTENCY_KEY = "idempotency-key"
TENANT = "x-tenant-id"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def _attributes(request: web.Request, route: str) -> dict[str, str | int | list[str]]:
    told: dict[str, str | int | list[str]] = {}
    if key := request.headers.get(IDEMPOTENCY_KEY):
        told[f"http.request.header.{IDEMPOTENCY_KEY}"] = [key]
    if tenant := request.headers.get(TENANT):
        told["tenant.id"] = tenant
    return told | {
        "http.request.method": request.method,
        "http.route": route,
        "url.path": request.path,
        "url.scheme": request.scheme,
        "server.address": request.url.host or "127.0.0.1",
        "server.port": request.url.port or 80,
        "network.protocol.version": f"{request.version.major}.{request.version.minor}",
        "user_agent.original": request.headers.get("User-Agent", ""),
    }


def tracing(telemetry: Telemetry, untraced: Container[str]) -> Middleware:
    """An aiohttp middleware that continues the caller's trace.

    Args:
        telemetry: The service's own.
        untraced: Routes of which no span tells.
    """
    duration = telemetry.meter.create_histogram(
        "http.server.request.duration",
        unit="s",
        description="Duration of HTTP server requests.",
        explicit_bucket_boundaries_advisory=BUCKETS,
    )

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = _route(request)
        if route in untraced:
            return await handler(request)
        name = f"{request.method} {route}".strip()
        started = time.perf_counter()
        token = context.attach(PROPAGATOR.extract(request.headers))
        try:
            with telemetry.tracer.start_as_current_span(
                name, kind=SpanKind.SERVER, attributes=_attributes(request, route)
            ) as span:
                response = await handler(request)
                span.set_attribute("http.response.status_code", response.status)
                if response.status >= SERVER_ERROR:
                    span.set_attribute("error.type", str(response.status))
                    span.set_status(Status(StatusCode.ERROR))
        finally:
            context.detach(token)
        labels: dict[str, str | int] = {
            "http.request.method": request.method,
            "http.route": route,
            "url.scheme": request.scheme,
            "http.response.status_code": response.status,
        }
        duration.record(time.perf_counter() - started, labels)
        return response

    return middleware
