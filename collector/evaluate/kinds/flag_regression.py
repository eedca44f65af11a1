"""Requests that fail more often under one variant of a feature flag than under the others.

Why:
    A rollout to a tenth of the users that breaks every third of their requests moves the error
    rate of the service by three in a hundred: below every alert. Compared with the requests
    beside them that run the old code, it cannot be missed.

Bad:
    telemetry:
      - service: shop
        repeat: 100
        spans:
          - {trace: "a{i}", id: s, kind: server, status: error, attributes:
            {feature_flag.key: new-checkout, feature_flag.result.variant: "on"}}
          - {trace: "b{i}", id: s, kind: server, attributes:
            {feature_flag.key: new-checkout, feature_flag.result.variant: "off"}}
    until: 700

Good:
    telemetry:
      - service: shop
        repeat: 100
        spans:
          - {trace: "a{i}", id: s, kind: server, attributes:
            {feature_flag.key: new-checkout, feature_flag.result.variant: "on"}}
          - {trace: "b{i}", id: s, kind: server, attributes:
            {feature_flag.key: new-checkout, feature_flag.result.variant: "off"}}
    until: 700

Mend:
    Take the variant back, look at the traces of its failed requests, and let the rollout go on
    by itself only while the error shares of its variants do not differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.flags import ROWS, Evaluation, evaluation, request_failed
from collector.evaluate.names import short
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.requests import Flag, Request, Requests, Variants
from collector.evaluate.sampled import Threshold, rank
from collector.evaluate.shares import z_score
from collector.evaluate.windows import Tumbling
from collector.generations import Generations
from collector.views import Mark, Row, Trace
from collector.violation import Basis, Severity, Signal, Violation

_MINUTE = 60.0
_IDLE = 4  # below this part of the bound, more traces are watched


class RegressionOptions(Options):
    """When one variant is worse than the others."""

    window_seconds: float = Field(default=300, gt=0, description="length of a window (ours)")
    min_requests: int = Field(
        default=100, ge=1, description="under the variant, and under the others (ours)"
    )
    min_errors: int = Field(default=5, ge=1, description="under the variant (ours)")
    ratio: float = Field(
        default=2, ge=1, description="error share of the variant over that of the others (ours)"
    )
    z_score: float = Field(
        default=3,
        ge=0,
        description="two-proportion z-test: standard deviations between the shares that are "
        "above chance, when it holds for hold_windows (ours)",
    )
    sure_z_score: float = Field(
        default=5, ge=0, description="that are above chance in a single window (ours)"
    )
    hold_windows: int = Field(
        default=2, ge=1, description="windows in a row that must agree (ours)"
    )
    max_watched: int = Field(
        default=3_000,
        ge=1,
        description="traces per minute that are looked up, because a log record, or a span other "
        "than the request's, tells the variant; of more, an even sample",
    )
    pending_seconds: float = Field(
        default=120, gt=0, description="how long such a trace is waited for (ours)"
    )
    max_requests: int = Field(
        default=20_000, ge=1, description="requests remembered per window; of more, an even sample"
    )
    max_flags: int = Field(
        default=500, ge=1, description="flags of services, per window, and per trace looked up"
    )
    max_variants: int = Field(
        default=20, ge=2, description="variants of a flag that are judged, those most in use"
    )


@dataclass(slots=True)
class _Asked:
    """The flags that were evaluated in a trace, until its SERVER spans are seen."""

    since: float
    variants: dict[Flag, str | None] = field(default_factory=dict)

    def add(self, flag: Flag, variant: str) -> None:
        """Two variants of one flag are none."""
        if self.variants.setdefault(flag, variant) != variant:
            self.variants[flag] = None


class _Judged(NamedTuple):
    """A variant that was worse than the others in a window."""

    flag: Flag
    variant: str
    variants: Variants
    z_score: float


@dataclass(slots=True)
class _State:
    """For how many windows in a row a variant has been worse."""

    start: float
    windows: int = 0
    broken: bool = False
    reported: bool = False
    last: _Judged | None = None


class Kind(Policy[RegressionOptions]):
    """Compares the error shares of SERVER spans, variant by variant."""

    options_type = RegressionOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: RegressionOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[None, Requests] = Tumbling(
            options.window_seconds, lambda: Requests(options.max_requests, options.max_flags)
        )
        self._counted: Generations[int, int] = Generations(4 * options.max_requests)
        self._asked: dict[bytes, _Asked] = {}
        self._to_watch: list[bytes] = []
        self._watch = Threshold()
        self._minute = 0
        self._watched_now = 0
        self._states: dict[tuple[Flag, str], _State] = {}
        self._overflow = 0

    def demand(self) -> Demand:
        """Evaluations, and the traces of those that do not stand on a SERVER span."""
        return Demand(rows=ROWS, marks=Mark.WATCHED)

    def overflow(self) -> int:
        """Requests and traces that were left out, because a bound was met."""
        return self._overflow + self._counted.turns

    def watched(self) -> Iterable[bytes]:
        """Traces whose SERVER spans are to be seen."""
        wanted, self._to_watch = self._to_watch, []
        return wanted

    def on_row(self, row: Row, now: float) -> Iterable[Violation]:
        """Count a request whose variant it tells, or ask for the request's trace."""
        told = evaluation(row)
        if told is None or not told.variant or not row.trace_id:
            return ()
        trace_id = bytes.fromhex(row.trace_id)
        if row.kind is SpanKind.SERVER and row.span_id:
            failed = request_failed(row.status, row.attributes)
            flag = Flag(row.resource.service, told.flag)
            self._count(
                flag, Request(trace_id, bytes.fromhex(row.span_id), told.variant, failed), now
            )
        else:
            self._ask(trace_id, row, told, now)
        return ()

    def on_trace(self, trace: Trace, now: float) -> Iterable[Violation]:
        """Count the requests of a trace that was asked for."""
        del now
        asked = self._asked.pop(trace.trace_id, None)
        if asked is None:
            return ()
        for span in trace.spans:
            if span.kind is not SpanKind.SERVER:
                continue
            failed = request_failed(span.status, span.attributes)
            for flag, variant in asked.variants.items():
                if variant is not None and flag.service == span.resource.service:
                    request = Request(trace.trace_id, span.span_id, variant, failed)
                    self._count(flag, request, trace.arrived)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more."""
        self._give_up(now - self.options.pending_seconds)
        for start, windows in self._windows.close(float("inf") if final else watermark):
            self._overflow += windows[None].left_out
            for flag, variants in windows[None].flags(self.options.max_variants):
                for variant in variants.shares:
                    yield from self._judge(flag, variant, variants, start)
            oldest = start - 2 * self.options.window_seconds
            self._states = {key: one for key, one in self._states.items() if one.start >= oldest}
        if final:
            yield from self._proven()

    def _give_up(self, before: float) -> None:
        """Forget the traces that were not shown: they were over long ago, or left out."""
        while self._asked:
            trace_id, asked = next(iter(self._asked.items()))
            if asked.since >= before:
                return
            del self._asked[trace_id]

    def _ask(self, trace_id: bytes, row: Row, told: Evaluation, now: float) -> None:
        self._turn(now)
        ranked = rank(trace_id)
        asked = self._asked.get(trace_id)
        if asked is None:
            if not self._watch.takes(ranked):
                self._overflow += 1
                return
            asked = self._asked[trace_id] = _Asked(now)
            self._to_watch.append(trace_id)
            self._watched_now += 1
            if self._watched_now > self.options.max_watched and self._watch.halve():
                self._ask_less()
        flag = Flag(row.resource.service, told.flag)
        if flag in asked.variants or len(asked.variants) < self.options.max_flags:
            asked.add(flag, told.variant)
        else:
            self._overflow += 1

    def _ask_less(self) -> None:
        kept = {one: asked for one, asked in self._asked.items() if self._watch.takes(rank(one))}
        self._overflow += len(self._asked) - len(kept)
        self._asked = kept
        self._to_watch = [one for one in self._to_watch if one in kept]
        self._watched_now //= 2

    def _turn(self, now: float) -> None:
        """Watch more traces when the last minute brought few."""
        minute = int(now // _MINUTE)
        if minute != self._minute:
            if self._watched_now * _IDLE < self.options.max_watched:
                self._watch.double()
            self._minute, self._watched_now = minute, 0

    def _count(self, flag: Flag, request: Request, at: float) -> None:
        index = int(at // self.options.window_seconds)
        once = hash((flag, request.trace_id, request.span_id))
        if self._counted.get(once) not in (None, index):
            return  # it was told in another window
        window = self._windows.at(at, None)
        if window is not None and window.add(flag, request):
            self._counted[once] = index

    def _judge(
        self, flag: Flag, variant: str, variants: Variants, start: float
    ) -> Iterator[Violation]:
        options = self.options
        one, others = variants.shares[variant], variants.others(variant)
        if min(one.many, others.many) < options.min_requests:
            return
        key = (flag, variant)
        state = self._states.get(key)
        score = z_score(one, others)
        worse = (
            one.some >= options.min_errors
            and one.value >= options.ratio * others.value
            and score > options.z_score
        )
        if state is None or start - state.start > 1.5 * options.window_seconds:
            state = _State(start)
        state.start = start
        state.windows = state.windows + 1 if worse else 0
        state.broken = state.broken or not worse
        state.last = _Judged(flag, variant, variants, score) if worse else None
        self._states[key] = state
        sure = worse and score > options.sure_z_score
        if state.last and (sure or state.windows >= options.hold_windows):
            state.reported = True
            yield self._report(state.last)

    def _proven(self) -> Iterator[Violation]:
        """Nothing more will come: a hold is met where every window so far agreed."""
        for _, state in sorted(self._states.items(), key=lambda one: one[0]):
            if state.last is not None and not state.broken and not state.reported:
                yield self._report(state.last)

    def _report(self, judged: _Judged) -> Violation:
        flag, variant, variants, score = judged
        one, others = variants.shares[variant], variants.others(variant)
        subject = f"flag {short(flag.name)} = {variant}"
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=flag.service,
            subject=subject,
            basis=Basis.INFERRED,
            summary=f"{one.some} of {one.many} requests under {subject} failed ({one.value:.1%}), "
            f"of the others {others.some} of {others.many} ({others.value:.1%}), "
            f"{score:.1f} standard deviations apart",
            trace_id=variants.examples[variant].hex(),
            evidence={
                "flag": short(flag.name),
                "variant": variant,
                "requests": one.many,
                "errors": one.some,
                "share": round(one.value, 4),
                "others_requests": others.many,
                "others_errors": others.some,
                "others_share": round(others.value, 4),
                "z_score": round(score, 2),
            },
        )
