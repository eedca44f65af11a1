"""Health probes that take long, ask many systems, or try again.

Why:
    The kubelet waits one second for an answer, by default, and counts the lack of one as a
    failure. A probe that is slow by itself fails first when the service is under load: replicas
    are restarted or taken out just when each is needed, and the others get what they leave.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /livez, duration: 1.4,
             attributes: {http.request.method: GET, http.route: /livez}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: server, name: GET /livez, duration: 0.02,
             attributes: {http.request.method: GET, http.route: /livez}}
    until: 40

Mend:
    Let the probe read a state that something else keeps up to date. Ask in it only for those
    dependencies without which no request can be served, each once and with a short timeout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from pydantic import Field

from collector import semconv
from collector.demand import Demand
from collector.evaluate.attempts import AttemptSequence, Way
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.probes import (
    AMBIGUOUS_ROUTES,
    IN_PROCESS_SYSTEMS,
    LIVENESS_ROUTES,
    READINESS_ROUTES,
    Probes,
    Purpose,
)
from collector.evaluate.retries import sequences
from collector.evaluate.tree import Tree, took
from collector.views import Mark, Span, Trace
from collector.violation import Service, Severity, Signal, Violation

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND  # longer durations are faults of a clock
_SWITCHING_PROTOCOLS = 101


class CostOptions(Options):
    """What a probe may cost."""

    liveness_routes: tuple[str, ...] = Field(
        default=LIVENESS_ROUTES, description="routes of liveness probes"
    )
    readiness_routes: tuple[str, ...] = Field(
        default=READINESS_ROUTES, description="routes of readiness and startup probes"
    )
    ambiguous_routes: tuple[str, ...] = Field(
        default=AMBIGUOUS_ROUTES,
        description="routes, and gRPC methods, that may serve any kind of probe",
    )
    max_liveness_seconds: float = Field(
        default=1,
        gt=0,
        description="duration of a liveness handler (Kubernetes, timeoutSeconds of a probe)",
    )
    max_readiness_seconds: float = Field(
        default=1, gt=0, description="duration of any other handler (the same)"
    )
    max_calls: int = Field(
        default=5, ge=0, description="calls to other systems while a probe is served (ours)"
    )
    in_process_systems: tuple[str, ...] = Field(
        default=IN_PROCESS_SYSTEMS,
        description="values of db.system.name and the like that live inside the process",
    )


class Kind(Policy[CostOptions]):
    """Looks at the duration of a probe's server span, and at the calls below it."""

    options_type = CostOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: CostOptions) -> None:
        super().__init__(terms, options)
        self._probes = Probes(
            options.liveness_routes,
            options.ambiguous_routes,
            options.readiness_routes,
            options.in_process_systems,
        )
        self._seconds = dict.fromkeys(Purpose, options.max_readiness_seconds)
        self._seconds[Purpose.LIVENESS] = options.max_liveness_seconds

    def demand(self) -> Demand:
        """Traces in which a probe was served."""
        routes = frozenset(self._probes.purposes)
        return Demand(marks=Mark.PROBE_ROUTE, probe_routes=routes)

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each probe of a trace."""
        del now
        tree: Tree | None = None
        retried: Mapping[bytes, list[AttemptSequence]] = {}
        for probe in trace.spans:
            purpose = self._probes.purpose(probe)
            if purpose is None or not self.match.service(probe.resource.service):
                continue
            if tree is None:
                tree = trace.derived(Tree)
                retried = _by_entry(trace.derived(sequences), tree)
            trace_id = trace.trace_id.hex()
            yield from self._slow(probe, purpose, trace_id)
            yield from self._busy(probe, purpose, tree, trace_id)
            for sequence in retried.get(probe.span_id, ()):
                yield self._retries(probe, sequence, trace_id)

    def _slow(self, probe: Span, purpose: Purpose, trace_id: str) -> Iterator[Violation]:
        seconds = took(probe) / _SECOND
        status = semconv.integer(probe.attributes, "http.response.status_code")
        measured = probe.start > 0 and took(probe) < _DAY and status != _SWITCHING_PROTOCOLS
        if measured and seconds > self._seconds[purpose]:
            yield self.violation(
                severity=Severity.WARNING,
                signal=Signal.TRACES,
                service=probe.resource.service,
                subject=f"{probe.route} takes long",
                summary=f"the probe {probe.route} took {seconds:.3g} s, more than "
                f"{self._seconds[purpose]:g} s",
                trace_id=trace_id,
                evidence={"route": probe.route, "probe": purpose.value, "seconds": seconds},
            )

    def _busy(
        self, probe: Span, purpose: Purpose, tree: Tree, trace_id: str
    ) -> Iterator[Violation]:
        if purpose is Purpose.LIVENESS:
            return  # a single call is one too many there, and a policy of its own says so
        calls = Counter(name for _, name in self._probes.dependencies(probe, tree))
        if calls.total() > self.options.max_calls:
            names = sorted(calls)
            yield self.violation(
                severity=Severity.WARNING,
                signal=Signal.TRACES,
                service=probe.resource.service,
                subject=f"{probe.route} makes many calls",
                summary=f"the probe {probe.route} makes {calls.total()} calls, more than "
                f"{self.options.max_calls}: {', '.join(names[:8])}",
                trace_id=trace_id,
                evidence={
                    "route": probe.route,
                    "probe": purpose.value,
                    "calls": calls.total(),
                    "dependencies": tuple(names[:8]),
                },
            )

    def _retries(self, probe: Span, sequence: AttemptSequence, trace_id: str) -> Violation:
        call = sequence.call
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=probe.resource.service,
            subject=f"{probe.route} retries {call.subject}",
            basis=sequence.basis,
            summary=f"the probe {probe.route} attempts {call.subject} {sequence.attempts} times",
            trace_id=trace_id,
            evidence={
                "route": probe.route,
                "peer": call.peer,
                "operation": call.operation,
                "attempts": sequence.attempts,
                "known_by": str(sequence.way),
            },
        )


def _by_entry(found: list[AttemptSequence], tree: Tree) -> Mapping[bytes, list[AttemptSequence]]:
    """Sequences of attempts by the SERVER span on whose behalf their own service made them."""
    by_entry: dict[bytes, list[AttemptSequence]] = {}
    entries: dict[tuple[bytes, Service], Span | None] = {}
    for sequence in found:
        call = sequence.spans[0]
        if sequence.way is Way.REPEATED_SERVER:
            call = tree.by_id[call.parent_id]  # the client that hides it
        siblings = (call.parent_id, call.resource.service)
        if siblings not in entries:
            entries[siblings] = tree.entry(call)
        entry = entries[siblings]
        if entry is not None:
            by_entry.setdefault(entry.span_id, []).append(sequence)
    return by_entry
