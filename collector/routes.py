"""Routes of health probes, compared without what does not matter."""

from __future__ import annotations

from collector import classify, semconv
from collector.classify import SpanKind
from collector.semconv import Attributes


def normal_route(path: str) -> str:
    """A route or path as probe routes are compared: no query, no trailing slash, lower case."""
    return classify.path_of(path).rstrip("/").lower() or "/"


def probe_route(kind: SpanKind, attributes: Attributes, operation: str) -> str:
    """The normalised route of a SERVER span, or its gRPC method; empty for other spans.

    A route that ends in a wildcard (Spring's ``/actuator/health/**``) tells less than the path.
    """
    if kind is not SpanKind.SERVER:
        return ""
    route = semconv.text(attributes, "http.route")
    if not route or route.endswith("*"):
        full = semconv.text(attributes, "url.full")
        path = semconv.text(attributes, "url.path") or (full and classify.path_of(full))
        route = path or route
    return normal_route(route) if route else operation.lower()
