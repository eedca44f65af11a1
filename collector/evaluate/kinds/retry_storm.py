"""Retries that are a large share of the calls to one peer, for as long as it takes to harm.

Why:
    A retry adds load exactly where there is too much of it. While a few calls fail it helps;
    past a tenth of all calls the retries keep the peer from recovering, and when callers on
    several levels retry, their factors multiply.

Bad:
    telemetry:
      - service: shop
        repeat: 30
        spans:
          - {trace: "t{i}", id: "a{i}", parent: "p{i}", kind: client, name: GET, start: 0.0,
             duration: 0.1, attributes: {http.request.method: GET, server.address: pay,
             url.full: "http://pay/{i}", http.response.status_code: 503}}
          - {trace: "t{i}", id: "b{i}", parent: "p{i}", kind: client, name: GET, start: 0.2,
             duration: 0.1, attributes: {http.request.method: GET, server.address: pay,
             url.full: "http://pay/{i}", http.response.status_code: 200}}

Good:
    telemetry:
      - service: shop
        repeat: 30
        spans:
          - {trace: "t{i}", id: "a{i}", parent: "p{i}", kind: client, name: GET, start: 0.0,
             duration: 0.1, attributes: {http.request.method: GET, server.address: pay,
             url.full: "http://pay/{i}", http.response.status_code: 404}}
          - {trace: "t{i}", id: "b{i}", parent: "p{i}", kind: client, name: GET, start: 0.2,
             duration: 0.1, attributes: {http.request.method: GET, server.address: pay,
             url.full: "http://pay/{i}", http.response.status_code: 200}}

Mend:
    Give each client a retry budget (a tenth of its calls), wait between attempts with
    exponential backoff and full jitter, retry on one level only, and stop on a circuit breaker.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.attempts import DEMAND, Call, example
from collector.evaluate.places import peer_name
from collector.evaluate.policy import Meta, Options, Policy, Reading, Terms
from collector.evaluate.retries import sequences
from collector.evaluate.starting import waits_for_peer
from collector.evaluate.tree import Tree
from collector.evaluate.windows import Tumbling
from collector.views import Tally, TallyKind, Trace
from collector.violation import Basis, Severity, Signal, Violation

_SHOWN = 50


class StormOptions(Options):
    """When retries are a storm."""

    window_seconds: float = Field(default=10, gt=0, description="length of a window (ours)")
    hold_seconds: float = Field(
        default=30, gt=0, description="windows in a row that must exceed the bound (ours)"
    )
    min_originals: int = Field(
        default=20, ge=1, description="first attempts that a window needs to be judged (ours)"
    )
    warn_ratio: float = Field(
        default=0.1, gt=0, description="retries per original: warning above (SRE book, 10 %)"
    )
    critical_ratio: float = Field(
        default=0.2, gt=0, description="retries per original: critical above (Finagle, Linkerd)"
    )
    critical_rate: float = Field(
        default=10, ge=0, description="retries per second that critical also needs (Linkerd)"
    )
    max_calls: int = Field(
        default=5000, ge=1, description="pairs of peer and operation counted in a window"
    )


@dataclass(slots=True)
class _Window:
    calls: int = 0
    retries: int = 0
    retried_calls: int = 0
    inferred: int = 0
    trace_id: str = ""

    @property
    def originals(self) -> int:
        return self.calls - self.retried_calls

    @property
    def ratio(self) -> float:
        return self.retries / self.originals if self.originals > 0 else 0.0


@dataclass(slots=True)
class _State:
    """How long a call has exceeded its bounds."""

    start: float
    warning: int = 0
    critical: int = 0
    broken: bool = False
    reported: bool = False
    last: tuple[_Window, Severity] | None = None


class Kind(Policy[StormOptions]):
    """Compares retries with original calls, window by window."""

    options_type = StormOptions
    meta = Meta(
        signals=(Signal.TRACES,),
        severities=(Severity.WARNING, Severity.CRITICAL),
        since="0.1.0",
    )

    def __init__(self, terms: Terms, options: StormOptions) -> None:
        super().__init__(terms, options)
        self._hold = max(1, math.ceil(options.hold_seconds / options.window_seconds))
        self._windows: Tumbling[Call, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_calls
        )
        self._states: dict[Call, _State] = {}
        self._ratios: dict[Call, float] = {}
        self._ratios_end = float("inf")

    def demand(self) -> Demand:
        """Traces with a sign of a retry, and the number of all calls."""
        return DEMAND | Demand(tallies=frozenset({TallyKind.CALLS}))

    def overflow(self) -> int:
        """Calls that were not counted, because the bound was met."""
        return self._windows.overflow

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Count all calls."""
        del now
        for tally, count in tallies.items():
            if tally.kind is TallyKind.CALLS and self.match.service(tally.service):
                call = Call(tally.service, tally.peer, tally.operation)
                window = self._windows.at(tally.arrived, call)
                if window is not None:
                    window.calls += count

    def on_trace(self, trace: Trace, now: float) -> Iterable[Violation]:
        """Count retries, but for those of services that start and wait for their peer."""
        del now
        for sequence in trace.derived(sequences):
            if not self.match.service(sequence.call.service):
                continue
            if waits_for_peer(sequence, trace.derived(Tree)):
                continue
            window = self._windows.at(int(trace.arrived), sequence.call)
            if window is not None:
                for retry in sequence.retries:
                    window.retries += 1
                    window.retried_calls += retry.is_call
                    window.inferred += retry.basis is Basis.INFERRED
                window.trace_id = example((window.trace_id, trace.trace_id.hex()))
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more."""
        del now
        until = float("inf") if final else watermark
        for start, window in self._windows.close(until):
            # Until the window after it has ended, whether or not a call came in that one.
            self._ratios_end = start + 2 * self.options.window_seconds
            self._ratios = {
                call: one.ratio
                for call, one in window.items()
                if one.originals >= self.options.min_originals
            }
            for call, one in sorted(window.items()):
                yield from self._judge(call, start, one)
            self._forget(start)
        if watermark >= self._ratios_end:
            self._ratios = {}
        if final:
            yield from self._proven()

    def readings(self) -> Iterable[Reading]:
        """The ratio of the last window, for the calls with the highest."""
        for call, ratio in sorted(self._ratios.items(), key=lambda one: -one[1])[:_SHOWN]:
            labels = (("peer", peer_name(call.peer)), ("operation", call.operation))
            yield Reading("retry_ratio", call.service, labels, ratio)

    def _judge(self, call: Call, start: float, window: _Window) -> Iterator[Violation]:
        if window.originals < self.options.min_originals:
            if call in self._states:
                self._states[call].start = start
            return
        state = self._states.get(call)
        if state is None or start - state.start > 1.5 * self.options.window_seconds:
            state = self._states[call] = _State(start)
        state.start = start
        grade = self._grade(window)
        if grade is None:
            state.warning = state.critical = 0
            state.broken = True
            return
        state.warning += 1
        state.critical = state.critical + 1 if grade is Severity.CRITICAL else 0
        state.last = (window, grade)
        if state.warning >= self._hold:
            held = Severity.CRITICAL if state.critical >= self._hold else Severity.WARNING
            state.reported = True
            yield self._report(call, window, held)

    def _grade(self, window: _Window) -> Severity | None:
        options = self.options
        rate = window.retries / options.window_seconds
        if window.ratio > options.critical_ratio and rate > options.critical_rate:
            return Severity.CRITICAL
        return Severity.WARNING if window.ratio > options.warn_ratio else None

    def _forget(self, start: float) -> None:
        oldest = start - 2 * self.options.window_seconds
        self._states = {call: one for call, one in self._states.items() if one.start >= oldest}

    def _proven(self) -> Iterator[Violation]:
        """Nothing more will come: a hold is met where every window so far exceeded it."""
        for call, state in sorted(self._states.items(), key=lambda one: one[0]):
            if state.last is not None and not state.broken and not state.reported:
                window, grade = state.last
                critical = grade is Severity.CRITICAL and state.critical == state.warning
                yield self._report(
                    call, window, Severity.CRITICAL if critical else Severity.WARNING
                )

    def _report(self, call: Call, window: _Window, severity: Severity) -> Violation:
        inferred = window.inferred * 2 > window.retries
        return self.violation(
            severity=severity,
            signal=Signal.TRACES,
            service=call.service,
            subject=call.subject,
            basis=Basis.INFERRED if inferred else Basis.OBSERVED,
            summary=f"{window.retries} retries on {window.originals} calls of {call.subject} in "
            f"{self.options.window_seconds:g} s ({window.ratio:.0%})",
            trace_id=window.trace_id,
            evidence={
                "peer": call.peer,
                "operation": call.operation,
                "retries": window.retries,
                "originals": window.originals,
                "ratio": round(window.ratio, 4),
            },
        )
