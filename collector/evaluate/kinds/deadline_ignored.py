"""Requests that a server works on long after its client's time was up.

Why:
    The client has given up, answered its own caller and perhaps tried again; the server still
    computes an answer for nobody. When it is slow, every retry adds another such request, and
    that is how an overload outlives its cause.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: GET, duration: 1.0, attributes:
             {http.request.method: GET, server.address: stock, error.type: timeout}}
      - service: stock
        spans:
          - {trace: a, id: "2", parent: "1", kind: server, name: GET /items, duration: 2.5,
             attributes: {http.request.method: GET, http.route: /items}}
    until: 40

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: GET, duration: 1.0, attributes:
             {http.request.method: GET, server.address: stock, error.type: timeout}}
      - service: stock
        spans:
          - {trace: a, id: "2", parent: "1", kind: server, name: GET /items, duration: 1.2,
             attributes: {http.request.method: GET, http.route: /items}}
    until: 40

Mend:
    Send the deadline along (gRPC does; over HTTP in a header), check it before each costly
    step, stop when the client's connection is gone, and give the server a limit of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.outcomes import CLOCK_FAULT, timeout
from collector.evaluate.places import doing
from collector.evaluate.policy import Meta, Options, Policy
from collector.evaluate.tree import Tree, took
from collector.views import Mark, Span, Trace
from collector.violation import Severity, Signal, Violation

_MILLISECOND = 1_000_000


class IgnoredOptions(Options):
    """How long a server may work for a client that has given up."""

    factor: float = Field(
        default=2,
        ge=2,
        description="the server's time over the client's: for as long again as the client waited "
        "(ours)",
    )
    min_overrun_ms: float = Field(
        default=100, ge=0, description="milliseconds that the server needs in addition (ours)"
    )


class Kind(Policy[IgnoredOptions]):
    """Compares durations alone: the clocks of two machines differ."""

    options_type = IgnoredOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def demand(self) -> Demand:
        """Traces in which a server took twice as long as its client, which failed."""
        return Demand(marks=Mark.CHILD_OUTLIVES)

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge each request that was served."""
        del now
        tree = trace.derived(Tree)
        for server in trace.spans:
            client = tree.parent(server)
            if client is None or not self._ignored(client, server):
                continue
            reason = timeout(client)
            if reason and client.failed and self.match.service(server.resource.service):
                yield self._report(client, server, reason, trace.trace_id.hex())

    def _ignored(self, client: Span, server: Span) -> bool:
        if client.kind is not SpanKind.CLIENT or server.kind is not SpanKind.SERVER:
            return False
        waited, worked = took(client), took(server)
        margin = self.options.min_overrun_ms * _MILLISECOND
        enough = max(self.options.factor * waited, waited + margin)
        return waited > 0 and enough < worked <= CLOCK_FAULT

    def _report(self, client: Span, server: Span, reason: str, trace_id: str) -> Violation:
        waited, worked = took(client) // _MILLISECOND, took(server) // _MILLISECOND
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=server.resource.service,
            subject=doing(server),
            summary=f"{doing(server)} worked for {worked} ms on a request whose client "
            f"{client.resource.service.name} gave up after {waited} ms ({reason})",
            trace_id=trace_id,
            evidence={
                "operation": doing(server),
                "server_ms": worked,
                "client": client.resource.service.name,
                "client_ms": waited,
                "ended_by": reason,
            },
        )
