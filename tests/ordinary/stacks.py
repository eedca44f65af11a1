"""How languages and agents spell telemetry: programs say it in current names, stacks rename."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Attributes = dict[str, Any]

_HTTP = {
    "http.request.method": "http.method",
    "http.response.status_code": "http.status_code",
    "http.request.resend_count": "http.resend_count",
    "url.full": "http.url",
    "url.path": "http.target",
    "url.scheme": "http.scheme",
    "user_agent.original": "http.user_agent",
    "client.address": "http.client_ip",
}
_SERVER_SIDE = {"server.address": "net.host.name", "server.port": "net.host.port"}
_PEER = {
    "server.address": "net.peer.name",
    "server.port": "net.peer.port",
    "network.peer.address": "net.sock.peer.addr",
}
_DB = {
    "db.system.name": "db.system",
    "db.query.text": "db.statement",
    "db.operation.name": "db.operation",
    "db.collection.name": "db.sql.table",
    "db.namespace": "db.name",
}
_RPC = {"rpc.system.name": "rpc.system", "rpc.response.status_code": "rpc.grpc.status_code"}
_MESSAGING = {
    "messaging.destination.name": "messaging.destination",
    "messaging.operation.type": "messaging.operation",
    "messaging.message.id": "messaging.message_id",
}
_GRPC_NUMBERS = {"OK": 0, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "UNAVAILABLE": 14}


class Stack(NamedTuple):
    """What sends telemetry: a language, its SDK or agent, and the names that it knows.

    Attributes:
        language: ``telemetry.sdk.language``.
        sdk: name and version of the SDK or agent.
        old: families of attributes that it still spells as they were called before: any of
            http, db, rpc and messaging.
        flags: whether its spans say if their parent is remote.
        framework: which INTERNAL spans stand below a SERVER span; see `programs`.
        interval: seconds between two exports.
    """

    language: str
    sdk: str
    old: frozenset[str] = frozenset()
    flags: bool = True
    framework: str = ""
    interval: float = 5.0

    def spell(self, attributes: Mapping[str, Any], *, incoming: bool) -> Attributes:
        """Attributes as this stack names them.

        Args:
            attributes: under their current names.
            incoming: whether they are of a SERVER or CONSUMER span.
        """
        names = self._names(attributes, incoming=incoming)
        spelled = {names.get(key, key): value for key, value in attributes.items()}
        status = spelled.get("rpc.grpc.status_code")
        if status in _GRPC_NUMBERS:
            spelled["rpc.grpc.status_code"] = _GRPC_NUMBERS[status]
        method = spelled.get("rpc.method")
        if "rpc.system" in spelled and isinstance(method, str) and "/" in method:
            spelled["rpc.service"], spelled["rpc.method"] = method.split("/")
        if self.sdk.startswith("envoy"):
            return {key: str(value) for key, value in spelled.items()}
        return spelled

    def _names(self, attributes: Mapping[str, Any], *, incoming: bool) -> dict[str, str]:
        names: dict[str, str] = {}
        for family, sign, table in (
            ("http", "http.request.method", _HTTP),
            ("db", "db.system.name", _DB),
            ("rpc", "rpc.system.name", _RPC),
            ("messaging", "messaging.system", _MESSAGING),
        ):
            if family in self.old and sign in attributes:
                names |= table | (_SERVER_SIDE if incoming else _PEER)
        return names


def _old(*families: str) -> frozenset[str]:
    return frozenset(families)


_ALL = _old("http", "db", "rpc", "messaging")

STACKS: dict[str, Stack] = {
    "browser": Stack("webjs", "opentelemetry 2.0", _old("http"), flags=False, interval=2.0),
    "envoy": Stack("cpp", "envoy 1.33", _ALL, flags=False, interval=1.0),
    "node": Stack("nodejs", "opentelemetry 1.30", _ALL, flags=False, framework="express"),
    "node-new": Stack("nodejs", "opentelemetry 2.2", _old("db", "rpc"), framework="express"),
    "go": Stack("go", "opentelemetry 1.38", _old("rpc"), framework=""),
    "go-old": Stack("go", "opentelemetry 1.16", _ALL, flags=False, framework=""),
    "dotnet": Stack("dotnet", "opentelemetry 1.12", _old("db", "messaging"), framework=""),
    "java": Stack("java", "opentelemetry-java-agent 2.20", _old("db", "rpc"), framework="spring"),
    "java-new": Stack("java", "opentelemetry-java-agent 2.22", framework="spring"),
    "java-old": Stack(
        "java", "opentelemetry-java-agent 1.24", _ALL, flags=False, framework="spring"
    ),
    "python": Stack("python", "opentelemetry 1.38", _ALL, framework=""),
    "python-new": Stack("python", "opentelemetry 1.38", _old("rpc"), framework=""),
    "asgi": Stack("python", "opentelemetry 1.36", _ALL, framework="asgi"),
    "php": Stack("php", "opentelemetry 1.6", _old("db"), flags=False, framework="", interval=0.1),
    "ruby": Stack("ruby", "opentelemetry 1.8", _ALL, flags=False, framework=""),
    "cpp": Stack("cpp", "opentelemetry 1.22", _old("rpc"), flags=False, framework=""),
    "lambda": Stack("nodejs", "opentelemetry 1.30", _ALL, framework="", interval=0.05),
}
