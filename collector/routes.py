"""Routes of health probes, compared without what does not matter."""

from __future__ import annotations

from collector import classify, semconv
from collector.classify import SpanKind
from collector.semconv import Attributes


def normal_route(path: str) -> str:
    """A route or path as probe routes are compared: no query, no trailing slash, lower case."""
    return classify.path_of(path).rstrip("/").lower() or "/"


def probe_route(kind: SpanKind, attributes: Attributes, operation: str) -> str:
    """The normalised route of a SERVER span, or its gRPC method; empty for other spans."""
    if kind is not SpanKind.SERVER:
        return ""
    route = semconv.text(attributes, "http.route") or semconv.text(attributes, "url.path")
    if not route:
        full = semconv.text(attributes, "url.full")
        route = full and classify.path_of(full)
    return normal_route(route) if route else operation.lower()
