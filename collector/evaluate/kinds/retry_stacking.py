"""Retries on two or more levels of one trace, whose numbers of attempts multiply.

Why:
    When a service that retries three times calls another that does the same, one failing call
    at the bottom becomes nine, and with a third level twenty-seven. The load is highest where
    there is least to serve it with.

Bad:
    telemetry:
      - service: shop
        repeat: 3
        spans:
          - {trace: t, id: "a{i}", parent: p, kind: client, name: GET, start: "{i}.0",
             duration: 0.9, attributes: {http.request.method: GET, server.address: pay,
             url.full: "http://pay/1", http.response.status_code: 503}}
      - service: pay
        repeat: 3
        spans:
          - {trace: t, id: "s{i}", parent: "a{i}", kind: server, name: GET, start: "{i}.0",
             duration: 0.8, attributes: {http.request.method: GET, http.route: "/{id}"}}
          - {trace: t, id: "x{i}", parent: "s{i}", kind: client, name: GET, start: "{i}.1",
             duration: 0.1, attributes: &failed {http.request.method: GET, server.address: bank,
             url.full: "http://bank/1", http.response.status_code: 503}}
          - {trace: t, id: "y{i}", parent: "s{i}", kind: client, name: GET, start: "{i}.3",
             duration: 0.1, attributes: *failed}
          - {trace: t, id: "z{i}", parent: "s{i}", kind: client, name: GET, start: "{i}.5",
             duration: 0.1, attributes: *failed}

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: t, id: a, parent: p, kind: client, name: GET, start: 0.0, duration: 0.9,
             attributes: {http.request.method: GET, server.address: pay, url.full: "http://pay/1",
             http.response.status_code: 503}}
      - service: pay
        spans:
          - {trace: t, id: s, parent: a, kind: server, name: GET, start: 0.0, duration: 0.8,
             attributes: {http.request.method: GET, http.route: "/{id}"}}
          - {trace: t, id: x, parent: s, kind: client, name: GET, start: 0.1, duration: 0.1,
             attributes: {http.request.method: GET, server.address: bank,
             url.full: "http://bank/1", http.response.status_code: 503}}
          - {trace: t, id: y, parent: s, kind: client, name: GET, start: 0.3, duration: 0.1,
             attributes: {http.request.method: GET, server.address: bank,
             url.full: "http://bank/1", http.response.status_code: 503}}

Mend:
    Retry on one level only, the one right above what fails. Let it answer the levels above
    with a failure that says so (do not retry), and let those hand it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.attempts import DEMAND, AttemptSequence, Way
from collector.evaluate.policy import Meta, Options, Policy
from collector.evaluate.retries import sequences
from collector.evaluate.tree import Tree
from collector.views import Trace
from collector.violation import Basis, Service, Severity, Signal, Violation

_SHOWN = 8  # levels that are named, the lowest ones
_MOST = 10**9  # what a hostile trace multiplies up to
_MOST_DELIVERIES = 10_000  # so does a hostile message


class StackingOptions(Options):
    """From which product of attempts on stacked levels."""

    warn_amplification: int = Field(
        default=9, ge=2, description="attempts at the bottom per call at the top: warning (ours)"
    )
    critical_amplification: int = Field(
        default=27,
        ge=2,
        description="the same: critical (three levels of three attempts; SRE book, where three "
        "levels of four make 64)",
    )


class _Stack(NamedTuple):
    """Levels of a path, down to one sequence of attempts."""

    amplification: int
    levels: int
    top: AttemptSequence


class Kind(Policy[StackingOptions]):
    """Multiplies the attempts of the levels on each path of a trace."""

    options_type = StackingOptions
    meta = Meta(
        signals=(Signal.TRACES,),
        severities=(Severity.WARNING, Severity.CRITICAL),
        since="0.1.0",
    )

    def demand(self) -> Demand:
        """Traces with a sign of a retry."""
        return DEMAND

    def on_trace(self, trace: Trace, now: float) -> Iterator[Violation]:
        """Judge the worst path between each pair of top and bottom."""
        del now
        found = trace.derived(sequences)
        if len(found) < 2:  # noqa: PLR2004 (one level is no stack)
            return
        above = _above(found, trace.derived(Tree))
        stacks = _stacks(found, above)
        lowest = set(range(len(found))) - set(above.values())
        worst: dict[tuple[Service, str], tuple[_Stack, list[AttemptSequence]]] = {}
        for index in sorted(lowest, key=lambda at: found[at].spans[0].span_id):
            stack = stacks[index]
            enough = stack.amplification >= self.options.warn_amplification
            if stack.levels < 2 or not enough:  # noqa: PLR2004
                continue
            path = _path(index, found, above)
            key = (stack.top.call.service, " → ".join(one.call.subject for one in path))
            if key not in worst or worst[key][0].amplification < stack.amplification:
                worst[key] = (stack, path)
        for (service, subject), (stack, path) in worst.items():
            if self.match.service(service):
                yield self._report(subject, stack, path, trace.trace_id.hex())

    def _report(
        self, subject: str, stack: _Stack, path: Sequence[AttemptSequence], trace_id: str
    ) -> Violation:
        critical = stack.amplification >= self.options.critical_amplification
        inferred = any(one.basis is Basis.INFERRED for one in path)
        factors = tuple(_factor(one) for one in path)
        product = " * ".join(map(str, factors))
        return self.violation(
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            signal=Signal.TRACES,
            service=stack.top.call.service,
            subject=subject,
            basis=Basis.INFERRED if inferred else Basis.OBSERVED,
            summary=f"attempts on {stack.levels} levels multiply: {product} are "
            f"{stack.amplification} calls of {path[-1].call.subject} for one",
            trace_id=trace_id,
            evidence={
                "amplification": stack.amplification,
                "levels": stack.levels,
                "attempts": tuple(float(one) for one in factors),
                "services": tuple(one.call.service.name for one in path),
            },
        )


def _factor(sequence: AttemptSequence) -> int:
    """By how much a level multiplies; all but a message's attempts stand in this trace."""
    if sequence.way is Way.DELIVERY_COUNT:
        return min(_MOST_DELIVERIES, sequence.attempts)
    return len(sequence.spans)


def _above(found: Sequence[AttemptSequence], tree: Tree) -> dict[int, int]:
    """For each sequence, the one of which an attempt stands nearest above it."""
    of_span = {span.span_id: at for at, one in enumerate(found) for span in one.spans}
    nearest: dict[bytes, int | None] = {}
    above: dict[int, int] = {}
    for at, sequence in enumerate(found):
        passed = []
        upper: int | None = None
        for span in tree.above(sequence.spans[0]):
            if span.span_id in nearest:
                upper = nearest[span.span_id]
                break
            passed.append(span.span_id)
            if span.span_id in of_span:
                upper = of_span[span.span_id]
                break
        nearest.update(dict.fromkeys(passed, upper))
        if upper is not None and upper != at:
            above[at] = upper
    return above


def _stacks(found: Sequence[AttemptSequence], above: dict[int, int]) -> dict[int, _Stack]:
    """The product of attempts down to each sequence; a circle of levels ends where it closes."""
    stacks: dict[int, _Stack] = {}
    for start in range(len(found)):
        path = dict.fromkeys([start])
        at = start
        while at not in stacks and at in above and above[at] not in path:
            at = above[at]
            path[at] = None
        for index in reversed(path):
            if index in stacks:
                continue
            upper = stacks.get(above.get(index, -1))
            if upper is None:
                stacks[index] = _Stack(_factor(found[index]), 1, found[index])
            else:
                product = min(_MOST, upper.amplification * _factor(found[index]))
                stacks[index] = _Stack(product, upper.levels + 1, upper.top)
    return stacks


def _path(
    index: int, found: Sequence[AttemptSequence], above: dict[int, int]
) -> list[AttemptSequence]:
    """The levels down to a sequence, the highest first."""
    path = [index]
    while path[-1] in above and len(path) < _SHOWN and above[path[-1]] not in path:
        path.append(above[path[-1]])
    return [found[at] for at in reversed(path)]
