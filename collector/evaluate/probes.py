"""Health probes: their routes, and what serving one asks of other systems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from ipaddress import ip_address

from collector import semconv
from collector.classify import SpanKind
from collector.evaluate.places import peer_name
from collector.evaluate.tree import OUTGOING, Tree, same_service
from collector.routes import normal_route
from collector.views import Span

#: Kubernetes' own names; MicroProfile, Quarkus, Helidon; Spring and Micronaut; ASP.NET with
#: Aspire and Akka (/alive); Kong; Prometheus.
LIVENESS_ROUTES = (
    "/live", "/livez", "/liveness", "/alive", "/health/live", "/health/liveness", "/health/alive",
    "/healthz/live", "/healthz/liveness", "/actuator/health/liveness", "/manage/health/liveness",
    "/management/health/liveness", "/q/health/live", "/observe/health/live", "/status/live",
    "/-/healthy",
)  # fmt: skip

#: Routes, and gRPC methods as operations and as paths, that may serve any kind of probe.
AMBIGUOUS_ROUTES = (
    "/healthz", "/health", "/ping", "/status", "/hc", "/healthcheck", "/health-check", "/up",
    "/actuator/health", "/manage/health", "/management/health", "/q/health", "/observe/health",
    "grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check",
)  # fmt: skip

#: Routes of readiness and startup probes.
READINESS_ROUTES = (
    "/ready", "/readyz", "/readiness", "/health/ready", "/health/readiness", "/healthz/ready",
    "/healthz/readiness", "/actuator/health/readiness", "/manage/health/readiness",
    "/management/health/readiness", "/q/health/ready", "/observe/health/ready", "/status/ready",
    "/-/ready", "/startup", "/startupz", "/started", "/health/startup", "/health/started",
    "/healthz/startup", "/q/health/started", "/observe/health/started", "/actuator/health/startup",
)  # fmt: skip

#: Systems that live inside the process that uses them.
IN_PROCESS_SYSTEMS = (
    "sqlite", "h2database", "h2", "hsqldb", "derby", "duckdb", "rocksdb", "leveldb", "lmdb",
    "badger", "bolt", "bbolt", "caffeine", "ehcache", "guava", "in_memory", "inmemory",
    "in-memory", "memory",
)  # fmt: skip

#: What is read here beside what a decoder keeps anyway; Envoy says ``component=proxy``.
PROBE_KEYS = frozenset({"component"})

_PROXY = "proxy"
_PASSED_ON = frozenset({"ReverseProxy", "kong.balancer"})  # spans of Traefik and Kong
_SYSTEMS = ("db.system.name", "rpc.system.name", "messaging.system")
_METHODS = frozenset({"", "GET", "HEAD"})
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Purpose(Enum):
    """What a probe is for."""

    LIVENESS = "liveness"
    READINESS = "readiness"
    AMBIGUOUS = "unknown purpose"


class Probes:
    """Which SERVER spans are probes, and what they depend on.

    Args:
        liveness: routes of liveness probes.
        ambiguous: routes that may serve any kind of probe; liveness goes before it.
        readiness: routes of readiness and startup probes; they go before both.
        in_process: values of ``db.system.name`` and the like that are no dependencies.
    """

    def __init__(
        self,
        liveness: Iterable[str],
        ambiguous: Iterable[str],
        readiness: Iterable[str],
        in_process: Iterable[str],
    ) -> None:
        purposes = dict.fromkeys(map(normal_route, ambiguous), Purpose.AMBIGUOUS)
        purposes |= dict.fromkeys(map(normal_route, liveness), Purpose.LIVENESS)
        purposes |= dict.fromkeys(map(normal_route, readiness), Purpose.READINESS)
        self.purposes: Mapping[str, Purpose] = purposes
        self._in_process = frozenset(name.lower() for name in in_process)

    def purpose(self, span: Span) -> Purpose | None:
        """What the probe is for that a SERVER span serves; None for other spans.

        Probes are read: what is sent to a route like /status by POST is a request like any other.
        A proxy or sidecar passes a probe on to whoever answers it.
        """
        purpose = self.purposes.get(span.route) if span.route else None
        if purpose is None or span.kind is not SpanKind.SERVER or _is_proxy(span):
            return None
        method = semconv.text(span.attributes, "http.request.method").upper()
        # gRPC is POST, by those instrumentations that say so.
        return purpose if method in _METHODS or span.route.endswith("/check") else None

    def dependencies(self, probe: Span, tree: Tree) -> Iterator[tuple[Span, str]]:
        """Each call out of the process on a probe's behalf, with the name of what it calls.

        What stands below a call is part of it: the request of an SDK, or another service. A probe
        that the same service serves below this one answers for itself. A gateway passes a probe on
        to one service; whoever asks several for the same has them as dependencies.
        """
        found = list(self._asked(probe, tree))
        passed_on = {name for span, name in found if _passed_on(span, probe)}
        for span, name in found:
            if len(passed_on) > 1 or not _passed_on(span, probe):
                yield span, name

    def _asked(self, probe: Span, tree: Tree) -> Iterator[tuple[Span, str]]:
        """The same with what a gateway passes on."""
        seen = {probe.span_id}
        waiting = list(reversed(tree.children(probe)))
        while waiting:
            span = waiting.pop()
            if span.span_id in seen or not same_service(span, probe):
                continue
            seen.add(span.span_id)
            if self.purpose(span) is not None:
                continue
            name = self._dependency(span)
            if name:
                yield span, name
            else:
                waiting += reversed(tree.children(span))

    def _dependency(self, span: Span) -> str:
        """The system that a span calls, or empty."""
        attributes = span.attributes
        database = semconv.text(attributes, "db.system.name")
        if span.kind is SpanKind.INTERNAL:
            outside = database and database.lower() not in self._in_process
            return f"{database} {peer_name(span.peer)}".strip() if outside else ""
        if span.kind not in OUTGOING or span.name in _PASSED_ON:
            return ""
        for key in _SYSTEMS:
            system = semconv.text(attributes, key)
            if system:
                if system.lower() in self._in_process:
                    return ""
                own = key == "rpc.system.name" and _is_local(span)
                return "" if own else f"{system} {peer_name(span.peer)}".strip()
        return _http(span)


def _passed_on(span: Span, probe: Span) -> bool:
    """Whether a gateway, which has no route for a probe, asks for its path what is behind it."""
    route = semconv.text(probe.attributes, "http.route")
    if route and not route.endswith("*"):
        return False
    path = span.operation.partition(" ")[2]
    return bool(path) and normal_route(path) == probe.route


def _http(span: Span) -> str:
    """The peer of an HTTP call that leaves the host, or empty."""
    if not (semconv.first(span.attributes, "http.request.method") or span.target.kind):
        return ""
    return "" if not span.peer or _is_local(span) else f"http {peer_name(span.peer)}"


def _is_proxy(span: Span) -> bool:
    return span.attributes.get("component") == _PROXY


def _is_local(span: Span) -> bool:
    """Whether a call goes to the host itself: to another port of it, a sidecar or a socket."""
    name = (semconv.text(span.attributes, "server.address") or span.peer).strip("[]").lower()
    if name in _LOOPBACK_NAMES or name.endswith(".localhost") or name.startswith("/"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
