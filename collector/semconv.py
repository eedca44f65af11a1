"""Attribute names of the OpenTelemetry semantic conventions, current and deprecated.

Most live services still send names that later releases replaced, so every look-up goes
through a family: the current name first, then the names it had before.
Source: semantic conventions 1.44 and the deprecated attribute registry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias

AttributeValue: TypeAlias = "str | bool | int | float | tuple[AttributeValue, ...] | None"
Attributes: TypeAlias = Mapping[str, AttributeValue]

_DEPRECATED: dict[str, tuple[str, ...]] = {
    "client.address": ("net.sock.peer.addr", "http.client_ip"),
    "db.collection.name": (
        "db.sql.table",
        "db.mongodb.collection",
        "db.cassandra.table",
        "db.cosmosdb.container",
    ),
    "db.namespace": ("db.name", "db.redis.database_index"),
    "db.operation.name": ("db.operation",),
    "db.query.text": ("db.statement",),
    "db.system.name": ("db.system",),
    "deployment.environment.name": ("deployment.environment",),
    "feature_flag.provider.name": ("feature_flag.provider_name",),
    "feature_flag.result.reason": ("feature_flag.evaluation.reason",),
    "feature_flag.result.variant": ("feature_flag.variant",),
    "http.request.method": ("http.method",),
    "http.request.resend_count": ("http.resend_count", "http.retry_count"),
    "http.response.status_code": ("http.status_code",),
    "messaging.destination.name": ("messaging.destination", "message_bus.destination"),
    "messaging.operation.type": ("messaging.operation",),
    "messaging.message.id": ("messaging.message_id",),
    "network.peer.address": ("net.sock.peer.addr", "net.peer.ip"),
    "rpc.response.status_code": ("rpc.grpc.status_code", "rpc.connect_rpc.error_code"),
    "rpc.system.name": ("rpc.system",),
    "server.address": ("net.peer.name", "net.sock.peer.name"),
    "server.port": ("net.peer.port", "net.sock.peer.port"),
    "service.peer.name": ("peer.service",),
    "url.full": ("http.url",),
    "url.path": ("http.target",),
    "user_agent.original": ("http.user_agent",),
}

#: Attributes that hold captured baggage headers, current and deprecated, as arrays of strings.
BAGGAGE_HEADERS = (
    "http.request.header.baggage",
    "rpc.request.metadata.baggage",
    "rpc.grpc.request.metadata.baggage",
    "rpc.connect_rpc.request.metadata.baggage",
    "messaging.header.baggage",
)


def family(name: str) -> tuple[str, ...]:
    """The current attribute name followed by the names it had before."""
    return (name, *_DEPRECATED.get(name, ()))


def families(names: Iterable[str]) -> frozenset[str]:
    """Every spelling of every given name: what a decoder must keep to answer for them."""
    return frozenset(spelling for name in names for spelling in family(name))


_FAMILIES = {name: family(name) for name in _DEPRECATED}


def first(attributes: Attributes, name: str) -> AttributeValue:
    """The value under the current name, else under a deprecated one, else None."""
    for spelling in _FAMILIES.get(name, (name,)):
        value = attributes.get(spelling)
        if value is not None:
            return value
    return None


def text(attributes: Attributes, name: str) -> str:
    """Like `first`, as text; empty when absent."""
    value = first(attributes, name)
    return "" if value is None else str(value)


_LONGEST_INTEGER = 20  # digits of the largest 64-bit number


def integer(attributes: Attributes, name: str) -> int | None:
    """Like `first`, as an integer; None when absent or not a number."""
    value = first(attributes, name)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and abs(value) < 2**63 else None
    if isinstance(value, str) and len(value) <= _LONGEST_INTEGER:
        stripped = value.strip()
        return int(stripped) if stripped.isascii() and stripped.isdigit() else None
    return None
