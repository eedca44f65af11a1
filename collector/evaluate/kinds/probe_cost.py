"""Health probes that take long, ask many systems, or try again.

Why:
    The kubelet waits one second for an answer, by default, and counts the lack of one as a
    failure. A probe that is slow by itself fails first when the service is under load: replicas
    are restarted or taken out just when each is needed, and the others get what they leave.

Bad:
    telemetry:
      - service: shop
        repeat: 3
        spans:
          - {trace: "{i}", id: "1", kind: server, name: GET /livez, duration: 1.4,
             attributes: {http.request.method: GET, http.route: /livez}}
    until: 700

Good:
    telemetry:
      - service: shop
        repeat: 3
        spans:
          - {trace: "{i}", id: "1", kind: server, name: GET /livez, duration: 0.02,
             attributes: {http.request.method: GET, http.route: /livez}}
    until: 700

Mend:
    Let the probe read a state that something else keeps up to date. Ask in it only for those
    dependencies without which no request can be served, each once and with a short timeout.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from pydantic import Field

from collector import semconv
from collector.demand import Demand
from collector.evaluate.attempts import AttemptSequence, attempts_by_entry
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.probes import (
    AMBIGUOUS_ROUTES,
    IN_PROCESS_SYSTEMS,
    LIVENESS_ROUTES,
    PROBE_KEYS,
    READINESS_ROUTES,
    Probes,
    Purpose,
)
from collector.evaluate.retries import sequences
from collector.evaluate.tree import Tree, took
from collector.evaluate.windows import Tumbling
from collector.views import Mark, Span, Trace
from collector.violation import Service, Severity, Signal, Violation

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND  # longer durations are faults of a clock
_SWITCHING_PROTOCOLS = 101

#: Opening a connection is no further question: pools do it once.
_CONNECTS = re.compile(r"(?:^|[-. ])(?:connect|hello|ismaster|auth)$", re.IGNORECASE)


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
    slow_probes: int = Field(
        default=3,
        ge=1,
        description="slow answers of one process to one route in a window from which on they are "
        "reported: one at a start or in a pause is none (Kubernetes, failureThreshold of a probe)",
    )
    window_seconds: float = Field(
        default=300, gt=0, description="length of the windows in which slow answers count (ours)"
    )
    max_probes: int = Field(
        default=10_000,
        ge=1,
        description="pairs of process and route whose slow answers are counted in a window",
    )
    max_calls: int = Field(
        default=5,
        ge=0,
        description="calls to other systems while a probe is served, connections that are opened "
        "for them apart (ours)",
    )
    in_process_systems: tuple[str, ...] = Field(
        default=IN_PROCESS_SYSTEMS,
        description="values of db.system.name and the like that live inside the process",
    )


class _Probe(NamedTuple):
    """A route of one process."""

    service: Service
    process: int
    route: str
    purpose: Purpose


@dataclass(slots=True)
class _Slow:
    """Slow answers of a process, and the slowest, of which the trace whose id comes first."""

    count: int = 0
    slowest: tuple[float, bytes] = (0.0, b"")

    def add(self, seconds: float, trace_id: bytes) -> None:
        self.count += 1
        self.slowest = _slower(self.slowest, (seconds, trace_id))


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
        self._slow: Tumbling[_Probe, _Slow] = Tumbling(
            options.window_seconds, _Slow, max_keys=options.max_probes
        )
        self._seconds = dict.fromkeys(Purpose, options.max_readiness_seconds)
        self._seconds[Purpose.LIVENESS] = options.max_liveness_seconds

    def demand(self) -> Demand:
        """Traces in which a probe was served."""
        routes = frozenset(self._probes.purposes)
        return Demand(marks=Mark.PROBE_ROUTE, probe_routes=routes, trace_keys=PROBE_KEYS)

    def overflow(self) -> int:
        """Probes that were left out of a window, for it was full."""
        return self._slow.overflow

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
                retried = attempts_by_entry(trace.derived(sequences), tree)
            trace_id = trace.trace_id.hex()
            self._time(probe, purpose, trace)
            yield from self._busy(probe, purpose, tree, trace_id)
            for sequence in retried.get(probe.span_id, ()):
                yield self._retries(probe, sequence, trace_id)

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Report slow answers in the windows of which no trace is open any more."""
        del now
        for _, window in self._slow.close(float("inf") if final else watermark):
            yield from self._window(window)

    def _time(self, probe: Span, purpose: Purpose, trace: Trace) -> None:
        seconds = took(probe) / _SECOND
        status = semconv.integer(probe.attributes, "http.response.status_code")
        measured = probe.start > 0 and took(probe) < _DAY and status != _SWITCHING_PROTOCOLS
        if measured and seconds > self._seconds[purpose]:
            resource = probe.resource
            key = _Probe(resource.service, resource.identity, probe.route, purpose)
            slow = self._slow.at(trace.arrived, key)
            if slow is not None:
                slow.add(seconds, trace.trace_id)

    def _window(self, window: Mapping[_Probe, _Slow]) -> Iterator[Violation]:
        """One violation for each service and route, whatever the number of its processes."""
        routes: dict[_Probe, list[_Slow]] = {}
        for probe, slow in window.items():
            if slow.count >= self.options.slow_probes:
                routes.setdefault(probe._replace(process=0), []).append(slow)
        for probe, all_slow in routes.items():
            yield self._report(probe, all_slow)

    def _report(self, probe: _Probe, all_slow: Sequence[_Slow]) -> Violation:
        count = sum(slow.count for slow in all_slow)
        seconds, trace_id = reduce(_slower, (slow.slowest for slow in all_slow))
        bound = self._seconds[probe.purpose]
        where = "" if len(all_slow) == 1 else f" of {len(all_slow)} processes"
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=probe.service,
            subject=f"{probe.route} takes long",
            summary=f"{count} probes of {probe.route}{where} in {self.options.window_seconds:g} s "
            f"took more than {bound:g} s, the slowest {seconds:.3g} s",
            count=count,
            trace_id=trace_id.hex(),
            evidence={
                "route": probe.route,
                "probe": probe.purpose.value,
                "processes": len(all_slow),
                "seconds": seconds,
            },
        )

    def _busy(
        self, probe: Span, purpose: Purpose, tree: Tree, trace_id: str
    ) -> Iterator[Violation]:
        if purpose is Purpose.LIVENESS:
            return  # a single call is one too many there, and a policy of its own says so
        found = self._probes.dependencies(probe, tree)
        calls = Counter(name for call, name in found if not _CONNECTS.search(call.name[-64:]))
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


def _slower(one: tuple[float, bytes], other: tuple[float, bytes]) -> tuple[float, bytes]:
    """The slower of two probes, by seconds and trace id; of equal ones that whose id is less."""
    return min(one, other, key=lambda probe: (-probe[0], probe[1]))
