"""Retries that wait too little, or all equally long.

Why:
    Clients that try again at once, or in step, meet an overloaded peer as a wave each time. A wait
    that grows from attempt to attempt takes load off; a random one spreads what is left.

Bad:
    telemetry:
      - service: shop
        repeat: 20
        spans:
          - {trace: "t{i}", id: a, parent: p, kind: client, name: GET, start: 0.0, duration: 0.1,
             attributes: &failed {http.request.method: GET, server.address: pay,
             url.full: "http://pay/1", http.response.status_code: 503}}
          - {trace: "t{i}", id: b, parent: p, kind: client, name: GET, start: 0.2, duration: 0.1,
             attributes: *failed}
          - {trace: "t{i}", id: c, parent: p, kind: client, name: GET, start: 0.4, duration: 0.1,
             attributes: *failed}

Good:
    telemetry:
      - service: shop
        repeat: 20
        spans:
          - {trace: "t{i}", id: a, parent: p, kind: client, name: GET, start: 0.0, duration: 0.1,
             attributes: &failed {http.request.method: GET, server.address: pay,
             url.full: "http://pay/1", http.response.status_code: 503}}
          - {trace: "t{i}", id: b, parent: p, kind: client, name: GET, start: "0.2{i}",
             duration: 0.01, attributes: *failed}
          - {trace: "t{i}", id: c, parent: p, kind: client, name: GET, start: "0.8{i}",
             duration: 0.01, attributes: *failed}

Mend:
    Wait between attempts for a random time up to min(cap, base * 2^n) (full jitter), and for as
    long as Retry-After says where the server sends it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from heapq import heappush, heappushpop
from statistics import median, quantiles
from typing import NamedTuple

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.attempts import DEMAND, AttemptSequence, Call
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.retries import sequences
from collector.evaluate.windows import Tumbling
from collector.views import Span, Trace
from collector.violation import Basis, Severity, Signal, Violation

#: By which a server tells how long to wait; present, the wait after it is the server's choice.
_SERVER_TELLS = (
    "http.response.header.retry-after",
    "http.response.header.retry_after",
    "http.response.header.retry-after-ms",
    "http.response.header.x-ms-retry-after-ms",
    "rpc.response.metadata.grpc-retry-pushback-ms",
    "rpc.grpc.response.metadata.grpc-retry-pushback-ms",
)

_SECOND = 1_000_000_000
_UNTOLD = -1.0
_SHORTEST = 0.001  # seconds; below it waits are the noise of a scheduler, and do not shrink or grow

#: Standard deviations of a fair coin by which a majority must be one: 1 in 10,000 is by chance.
_SURE = 3.7


class BackoffOptions(Options):
    """What waits are good for."""

    window_seconds: float = Field(default=600, gt=0, description="length of a window (ours)")
    min_sequences: int = Field(
        default=20, ge=2, description="retried calls that a window needs to be judged (ours)"
    )
    min_growth: float = Field(
        default=1.2,
        gt=0,
        description="from the first wait to the last the median must grow by this factor (ours)",
    )
    min_first_seconds: float = Field(
        default=0.01, ge=0, description="shorter first waits are none (ours)"
    )
    cap_seconds: float = Field(
        default=30, gt=0, description="from here on waits need not grow (ours)"
    )
    min_spread: float = Field(
        default=0.02,
        ge=0,
        description="interquartile range of the first wait over its median, from here on jitter "
        "(ours)",
    )
    max_calls: int = Field(
        default=1000, ge=1, description="pairs of peer and operation judged in a window"
    )
    max_sequences: int = Field(
        default=200, ge=2, description="retried calls of one pair that are kept, a fair sample"
    )


class _Waits(NamedTuple):
    """What one sequence of attempts tells of its waits; below 0 where it tells nothing.

    Attributes:
        rank: by the ids, so that what is kept does not depend on what came first.
        first: seconds of the first wait.
        growth: the last wait over the first.
        inferred: whether it was concluded that they are attempts.
    """

    rank: int
    first: float
    growth: float
    inferred: bool

    @property
    def trace_id(self) -> str:
        """The trace in which it was seen."""
        return (-self.rank).to_bytes(24, "big")[:16].hex()


class Kind(Policy[BackoffOptions]):
    """Gathers the waits between attempts, and judges many of them together."""

    options_type = BackoffOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: BackoffOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[Call, list[_Waits]] = Tumbling(
            options.window_seconds, list, max_keys=options.max_calls
        )
        self._left_out = 0

    def demand(self) -> Demand:
        """Traces with a sign of a retry, and how long servers ask to wait."""
        return DEMAND | Demand(trace_keys=frozenset(_SERVER_TELLS))

    def overflow(self) -> int:
        """Calls and sequences that were not judged, because a bound was met."""
        return self._windows.overflow + self._left_out

    def on_trace(self, trace: Trace, now: float) -> tuple[()]:
        """Take the waits of each sequence of attempts."""
        del now
        for sequence in trace.derived(sequences):
            if self.match.service(sequence.call.service):
                waits = self._waits(sequence, trace.trace_id)
                if waits is not None:
                    self._keep(sequence.call, waits, int(trace.arrived))
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more."""
        del now
        for _, window in self._windows.close(float("inf") if final else watermark):
            for call, kept in sorted(window.items(), key=lambda pair: pair[0]):
                yield from self._judge(call, kept)

    def _waits(self, sequence: AttemptSequence, trace_id: bytes) -> _Waits | None:
        seconds = [wait / _SECOND for wait in sequence.waits()]
        own = [
            None if _told_to_wait(span) else wait
            for span, wait in zip(sequence.spans, seconds, strict=False)
        ]
        if not own or all(wait is None for wait in own):
            return None
        growth = _UNTOLD
        short = [wait for wait in own if wait is not None and wait < self.options.cap_seconds]
        if own[0] is not None and len(short) > 1 and short[0] == own[0]:
            growth = max(short[-1], _SHORTEST) / max(short[0], _SHORTEST)
        rank = -int.from_bytes(trace_id + sequence.spans[0].span_id, "big")
        first = _UNTOLD if own[0] is None else own[0]
        return _Waits(rank, first, growth, sequence.basis is Basis.INFERRED)

    def _keep(self, call: Call, waits: _Waits, arrived: int) -> None:
        kept = self._windows.at(arrived, call)
        if kept is None:
            return
        if len(kept) < self.options.max_sequences:
            heappush(kept, waits)
        else:
            heappushpop(kept, waits)
            self._left_out += 1

    def _judge(self, call: Call, kept: Sequence[_Waits]) -> Iterator[Violation]:
        options = self.options
        firsts = [one.first for one in kept if one.first >= 0]
        growths = [one.growth for one in kept if one.growth >= 0]
        faults: list[str] = []
        if len(growths) >= options.min_sequences and _mostly_below(growths, options.min_growth):
            faults.append(f"no backoff: the last wait is {median(growths):.2f} times the first")
        if len(firsts) >= options.min_sequences:
            if _mostly_below(firsts, options.min_first_seconds):
                faults.insert(0, "no backoff: the first wait is none")
            elif _spread(firsts) < options.min_spread:
                faults.append(f"no jitter: the first wait spreads by {_spread(firsts):.2%}")
        if faults:
            yield self._report(call, kept, faults)

    def _report(self, call: Call, kept: Sequence[_Waits], faults: Sequence[str]) -> Violation:
        firsts = [one.first for one in kept if one.first >= 0]
        growths = [one.growth for one in kept if one.growth >= 0]
        inferred = sum(one.inferred for one in kept) * 2 > len(kept)
        first = f" wait {median(firsts) * 1000:.3g} ms first" if firsts else ""
        evidence: dict[str, str | int | float | tuple[str, ...]] = {
            "peer": call.peer,
            "operation": call.operation,
            "sequences": len(kept),
            "faults": tuple(fault.partition(":")[0] for fault in faults),
        }
        for name, values in (("median_first_seconds", firsts), ("median_growth", growths)):
            if values:
                evidence[name] = round(median(values), 6)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=call.service,
            subject=call.subject,
            basis=Basis.INFERRED if inferred else Basis.OBSERVED,
            summary=f"{len(kept)} retried calls of {call.subject}{first}; {'; '.join(faults)}",
            trace_id=max(kept).trace_id,
            evidence=evidence,
        )


def _told_to_wait(span: Span) -> bool:
    return any(span.attributes.get(key) not in (None, "", ()) for key in _SERVER_TELLS)


def _mostly_below(values: Sequence[float], bound: float) -> bool:
    """Whether the median lies below a bound, and not by chance.

    Correct full jitter lets every third wait be shorter than the one before it, so a median of few
    values says little by itself.
    """
    below = sum(value < bound for value in values)
    total = len(values)
    return below > total / 2 + _SURE * math.sqrt(total) / 2


def _spread(values: Sequence[float]) -> float:
    """The interquartile range over the median."""
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / middle if middle > 0 else math.inf
