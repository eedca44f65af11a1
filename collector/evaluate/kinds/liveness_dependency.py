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

from collections.abc import Iterator

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.probes import (
    AMBIGUOUS_ROUTES,
    IN_PROCESS_SYSTEMS,
    LIVENESS_ROUTES,
    PROBE_KEYS,
    Probes,
    Purpose,
)
from collector.evaluate.tree import Tree
from collector.views import Mark, Span, Trace
from collector.violation import Severity, Signal, Violation

_GRADES = {Purpose.LIVENESS: Severity.CRITICAL, Purpose.AMBIGUOUS: Severity.WARNING}


class LivenessOptions(Options):
    """Which routes are probes, and which dependencies do not count."""

    liveness_routes: tuple[str, ...] = Field(
        default=LIVENESS_ROUTES, description="routes of liveness probes: critical"
    )
    ambiguous_routes: tuple[str, ...] = Field(
        default=AMBIGUOUS_ROUTES,
        description="routes, and gRPC methods, that may serve any kind of probe: warning",
    )
    readiness_routes: tuple[str, ...] = Field(
        default=(), description="routes of readiness and startup probes, which may call others"
    )
    in_process_systems: tuple[str, ...] = Field(
        default=IN_PROCESS_SYSTEMS,
        description="values of db.system.name and the like that live inside the process",
    )


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
        self._probes = Probes(
            options.liveness_routes,
            options.ambiguous_routes,
            options.readiness_routes,
            options.in_process_systems,
        )

    def demand(self) -> Demand:
        """Traces in which a probe was served."""
        routes = (one for one, purpose in self._probes.purposes.items() if purpose in _GRADES)
        return Demand(marks=Mark.PROBE_ROUTE, probe_routes=frozenset(routes), trace_keys=PROBE_KEYS)

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each probe of a trace, once for each dependency."""
        del now
        for probe in trace.spans:
            grade = _GRADES.get(self._probes.purpose(probe) or Purpose.READINESS)
            if grade is None or not self.match.service(probe.resource.service):
                continue
            found = self._probes.dependencies(probe, trace.derived(Tree))
            for name in dict.fromkeys(name for _, name in found):
                yield self._report(probe, name, grade, trace.trace_id.hex())

    def _report(self, probe: Span, dependency: str, grade: Severity, trace_id: str) -> Violation:
        route = probe.route
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
