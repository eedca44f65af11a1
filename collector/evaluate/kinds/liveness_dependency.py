"""Liveness probes that call another system.

Why:
    Kubernetes restarts a container whose liveness probe fails. A probe that asks the database
    turns a slow database into restarts of every replica at once, and each of them then comes
    up cold and asks it again. Kubernetes and Spring both warn of it.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /livez, attributes: {http.route: /livez}}
          - {trace: a, id: "2", parent: "1", kind: client, name: SELECT 1,
             attributes: {db.system.name: postgresql, server.address: db}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /readyz, attributes: {http.route: /readyz}}
          - {trace: a, id: "2", parent: "1", kind: client, name: SELECT 1,
             attributes: {db.system.name: postgresql, server.address: db}}
    until: 40

Mend:
    Answer the liveness probe from the process alone; at most check that its own loop still
    turns. Move what asks others to the readiness probe.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from pydantic import Field

from collector import semconv
from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.routes import normal_route
from collector.views import Mark, Span, Trace
from collector.violation import Severity, Signal, Violation

_OUTGOING = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
_SYSTEMS = ("db.system.name", "rpc.system.name", "messaging.system")


class LivenessOptions(Options):
    """Which routes are probes, and which dependencies do not count."""

    liveness_routes: tuple[str, ...] = Field(
        default=(
            "/live", "/livez", "/liveness", "/alive", "/health/live", "/health/liveness",
            "/healthz/live", "/healthz/liveness", "/actuator/health/liveness", "/q/health/live",
            "/-/healthy",
        ),
        description="routes of liveness probes: critical",
    )  # fmt: skip
    ambiguous_routes: tuple[str, ...] = Field(
        default=("/healthz", "/health", "/ping", "/status", "grpc.health.v1.Health/Check"),
        description="routes, and gRPC methods, that may serve any kind of probe: warning",
    )
    readiness_routes: tuple[str, ...] = Field(
        default=(), description="routes of readiness and startup probes, which may call others"
    )
    in_process_systems: tuple[str, ...] = Field(
        default=(
            "sqlite", "h2database", "h2", "hsqldb", "derby", "duckdb", "caffeine", "ehcache",
            "in_memory", "inmemory", "memory",
        ),
        description="values of db.system.name that live inside the process",
    )  # fmt: skip


class Kind(Policy[LivenessOptions]):
    """Looks for outgoing calls below a probe's server span, within the same service."""

    options_type = LivenessOptions
    meta = Meta(
        signals=(Signal.TRACES,),
        severities=(Severity.WARNING, Severity.CRITICAL),
        since="0.1.0",
    )

    def __init__(self, terms: Terms, options: LivenessOptions) -> None:
        super().__init__(terms, options)
        exempt = frozenset(map(normal_route, options.readiness_routes))
        grades = dict.fromkeys(map(normal_route, options.ambiguous_routes), Severity.WARNING)
        grades |= dict.fromkeys(map(normal_route, options.liveness_routes), Severity.CRITICAL)
        self._grades = {route: grade for route, grade in grades.items() if route not in exempt}
        self._in_process = frozenset(name.lower() for name in options.in_process_systems)

    def demand(self) -> Demand:
        """Traces in which a probe was served."""
        return Demand(marks=Mark.PROBE_ROUTE, probe_routes=frozenset(self._grades))

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each probe of a trace, once for each dependency."""
        del now
        children: dict[bytes, list[Span]] = defaultdict(list)
        for span in trace.spans:
            children[span.parent_id].append(span)
        for probe in trace.spans:
            route = probe.route
            grade = self._grades.get(route)
            if grade is None or not self.match.service(probe.resource.service):
                continue
            names = dict.fromkeys(
                name for span in _below(probe, children) if (name := self._dependency(span))
            )
            for name in names:
                yield self._report(probe, route, name, grade, trace.trace_id.hex())

    def _dependency(self, span: Span) -> str:
        """The system that a span calls, or empty."""
        attributes = span.attributes
        database = semconv.text(attributes, "db.system.name")
        if database.lower() in self._in_process:
            return ""
        if span.kind is SpanKind.INTERNAL:
            return f"{database} {span.peer}".strip() if database else ""
        if span.kind not in _OUTGOING:
            return ""
        for key in _SYSTEMS:
            system = semconv.text(attributes, key)
            if system:
                return f"{system} {span.peer}".strip()
        return _http(span)

    def _report(
        self, probe: Span, route: str, dependency: str, grade: Severity, trace_id: str
    ) -> Violation:
        return self.violation(
            severity=grade,
            signal=Signal.TRACES,
            service=probe.resource.service,
            subject=f"{route} → {dependency}",
            summary=f"the probe {route} calls {dependency}"
            + ("" if grade is Severity.CRITICAL else ", if it serves liveness"),
            trace_id=trace_id,
            evidence={"route": route, "dependency": dependency},
        )


def _below(probe: Span, children: Mapping[bytes, list[Span]]) -> Iterator[Span]:
    """Descendants of a probe within its own service; a cycle of parents is walked once."""
    seen = {probe.span_id}
    waiting = [probe.span_id]
    while waiting:
        for span in children.get(waiting.pop(), ()):
            if span.span_id in seen or span.resource.service != probe.resource.service:
                continue
            seen.add(span.span_id)
            waiting.append(span.span_id)
            yield span


def _http(span: Span) -> str:
    """The peer of an HTTP call that leaves the host, or empty."""
    host = semconv.text(span.attributes, "server.address") or span.peer
    if not (semconv.first(span.attributes, "http.request.method") or span.target.kind):
        return ""
    return "" if not host or _is_loopback(host) else f"http {span.peer}"


def _is_loopback(host: str) -> bool:
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
