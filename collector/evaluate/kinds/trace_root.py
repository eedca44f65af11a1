"""Traces that begin with an outgoing call, as if nothing had asked for it.

Why:
    A CLIENT span without a parent is a call made on nobody's behalf. Either the context of the
    request was lost on the way to it (a thread pool, a callback, a queue), so that the trace
    falls into pieces, or what made the call (a worker, a job) has no span of its own, so that
    nobody sees how long it took and whether it failed.

Bad:
    telemetry:
      - service: worker
        repeat: 20
        spans: [{trace: "t{i}", id: c, kind: client, name: GET, attributes:
            {http.request.method: GET, server.address: rates}}]
    until: 120

Good:
    telemetry:
      - service: worker
        repeat: 20
        spans:
          - {trace: "t{i}", id: j, name: refresh rates}
          - {trace: "t{i}", id: c, parent: j, kind: client, name: GET, attributes:
            {http.request.method: GET, server.address: rates}}
    until: 120

Mend:
    Carry the context over to threads, tasks and callbacks; give each job and each message a
    span of its own (INTERNAL or CONSUMER), under which its calls stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import Field

from collector import semconv
from collector.demand import Demand, any_of
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.views import Note, NoteKind, Resource, Span, Tally, TallyKind
from collector.violation import Service, Severity, Signal, Violation

_LANGUAGE = "telemetry.sdk.language"
_OPERATION_NAME = "messaging.operation.name"
_COMPONENT = "component"  # Envoy says proxy: the spans of a gateway are CLIENT, and often roots

# People begin requests on these, so that nothing stands above a call.
_DEVICES = ("browser.", "device.", "android.", "ios.")
_DEVICE_LANGUAGES = frozenset({"webjs", "swift"})


class RootOptions(Options):
    """When calls without a parent matter, and which are meant to have none."""

    window_seconds: float = Field(default=60, gt=0, description="length of a window (ours)")
    warn_share: float = Field(
        default=0.05, ge=0, lt=1, description="share of a service's roots that are calls (ours)"
    )
    min_roots: int = Field(
        default=20, ge=1, description="spans without a parent that a window needs (ours)"
    )
    origins: tuple[str, ...] = Field(
        default=("*load-generator*", "*load_generator*", "*loadgenerator*", "k6*", "locust*"),
        description="patterns of services that begin requests by themselves: load generators, "
        "schedulers, command lines",
    )
    messaging: tuple[str, ...] = Field(
        default=("receive", "poll", "fetch", "peek", "settle", "ack", "nack", "commit"),
        description="operations of messaging clients that serve no request: receiving and "
        "polling are of kind CLIENT (messaging conventions)",
    )
    polls: tuple[str, ...] = Field(
        default=(
            "*receivemessage", "*deletemessage*", "*getrecords", "*getsharditerator",
            "*subscriber/*", "*eventstream", "*/watch", "*leasekeepalive", "blpop*", "brpop*",
            "blmove*", "bzpop*", "xread*", "subscribe", "psubscribe", "listen", "getmore*",
            "*skip locked*", "*outbox*", "*qrtz_*", "*hangfire*", "*shedlock*", "*solid_queue_*",
            "*good_job*", "*delayed_jobs*", "*oban_*", "*pgboss*", "*graphile_worker*",
            "*jobrunr_*", "*scheduled_tasks*", "* /sdk/*", "* /api/client/*",
            "* /api/splitchanges*", "* /configuration-files/*",
        ),
        description="patterns of operations that wait for work or for news, by operation, span "
        "name or query, case aside: queues, tables of schedulers, feature flags",
    )  # fmt: skip
    pings: tuple[str, ...] = Field(
        default=(
            "ping", "*.ping", "* /ping", "* /*health*", "* /livez", "* /readyz", "* /-/ready",
            "*grpc.health.v1.health/*", "select ?", "select ? from dual", "ismaster", "hello",
            "connect", "*.connect", "*-connect", "dns.lookup", "* /eureka/*", "*heartbeat*",
            "* /v1/agent/check/*", "* /nacos/*", "* /apis/coordination.k8s.io/*/leases/*",
            "* /latest/api/token", "* /latest/meta-data/*", "* /computemetadata/*",
            "* /metadata/identity/*", "* /v1/auth/token/renew-self", "* /v1/sys/leases/*",
            "*spring_session*", "set session*", "set names*", "set transaction*",
            "set autocommit*", "* /v1/traces", "* /v1/metrics", "* /v1/logs",
        ),
        description="patterns of what pools, health checks, and clients of registries, vaults "
        "and metadata do by themselves, likewise",
    )  # fmt: skip
    max_services: int = Field(default=10_000, ge=1, description="services counted in a window")
    max_calls: int = Field(
        default=100, ge=1, description="pairs of peer and operation told apart per service"
    )


@dataclass(slots=True)
class _Window:
    roots: int = 0
    excepted: int = 0
    calls: int = 0
    untold: int = 0
    trace_id: bytes = b""
    by_call: Counter[str] = field(default_factory=Counter)


class Kind(Policy[RootOptions]):
    """Judges which share of a service's spans without a parent are calls to others."""

    options_type = RootOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: RootOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[Service, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_services
        )
        self._origins = any_of(options.origins)
        self._by_themselves = any_of(one.lower() for one in (*options.polls, *options.pings))
        self._messaging = frozenset(one.lower() for one in options.messaging)
        self._excepted = lru_cache(maxsize=4096)(self._judge_text)
        self._begins = lru_cache(maxsize=4096)(self._judge_sender)
        self._overflow = 0

    def demand(self) -> Demand:
        """CLIENT spans without a parent, and the number of all spans without one."""
        return Demand(
            notes=frozenset({NoteKind.CLIENT_ROOT}),
            tallies=frozenset({TallyKind.ROOTS}),
            trace_keys=frozenset({_OPERATION_NAME, _COMPONENT}),
            resource_keys=frozenset({_LANGUAGE}),
        )

    def overflow(self) -> int:
        """Services that were not counted and calls not told apart, because a bound was met."""
        return self._overflow + self._windows.overflow

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Count all roots."""
        del now
        for tally, count in tallies.items():
            if tally.kind is TallyKind.ROOTS and self.match.service(tally.service):
                window = self._windows.at(tally.arrived, tally.service)
                if window is not None:
                    window.roots += count

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Count a call that is a root."""
        del now
        span = note.span
        window = self._windows.at(int(note.arrived), span.resource.service)
        if window is None:
            return ()
        if self._meant(span):
            window.excepted += 1
            return ()
        window.calls += 1
        window.trace_id = min(window.trace_id or note.trace_id, note.trace_id)
        call = f"{span.peer} {span.operation}".strip()
        if call in window.by_call or len(window.by_call) < self.options.max_calls:
            window.by_call[call] += 1
        else:
            self._overflow += 1
            window.untold += 1
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more."""
        del now
        for _, window in self._windows.close(float("inf") if final else watermark):
            for service, one in sorted(window.items()):
                yield from self._judge(service, one)

    def _meant(self, span: Span) -> bool:
        """Whether a call is one that has no parent by design."""
        if self._begins(span.resource):
            return True
        attributes = span.attributes
        told = (
            semconv.text(attributes, "messaging.operation.type"),
            semconv.text(attributes, _OPERATION_NAME),
        )
        if not self._messaging.isdisjoint(one.lower() for one in told):
            return True
        if attributes.get(_COMPONENT) == "proxy":
            return True
        return any(map(self._excepted, (span.operation, span.name, span.statement.text)))

    def _judge_sender(self, resource: Resource) -> bool:
        """Whether requests begin at a sender: on a device, or as its owner says."""
        if self._origins is not None and self._origins.match(resource.service.name):
            return True
        if semconv.text(resource.attributes, _LANGUAGE) in _DEVICE_LANGUAGES:
            return True
        return any(key.startswith(_DEVICES) for key in resource.keys)

    def _judge_text(self, text: str) -> bool:
        """Whether a text names what is done without being asked for."""
        pattern = self._by_themselves
        return bool(text) and pattern is not None and pattern.match(text.lower()) is not None

    def _judge(self, service: Service, window: _Window) -> Iterator[Violation]:
        roots = max(window.roots - window.excepted, window.calls)
        share = window.calls / roots if roots else 0.0
        if roots < self.options.min_roots or share <= self.options.warn_share:
            return
        often = sorted(window.by_call.items(), key=lambda one: (-one[1], one[0]))
        most, times = often[0]
        yield self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=service,
            subject="calls without a parent",
            count=window.calls,
            summary=f"{window.calls} of {roots} traces that begin in this service begin with an "
            f"outgoing call ({share:.0%}), most often with {most or 'a call'} ({times})",
            trace_id=window.trace_id.hex(),
            evidence={
                "calls": window.calls,
                "roots": roots,
                "share": round(share, 4),
                "excepted": window.excepted,
                "most_often": tuple(call for call, _ in often[:5]),
            },
        )
