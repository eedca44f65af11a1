"""Feature flags that could not be evaluated, so that their defaults were served.

Why:
    A flag that cannot be evaluated does not fail a request: it silently takes its default. A
    rollout is then undone, a kill switch does not switch, and an experiment measures nothing,
    while every request succeeds.

Bad:
    telemetry:
      - service: shop
        logs: [{event_name: feature_flag.evaluation, attributes: {feature_flag.key: new-checkout,
            feature_flag.result.reason: error, error.type: flag_not_found}}]
    until: 120

Good:
    telemetry:
      - service: shop
        logs: [{event_name: feature_flag.evaluation, attributes: {feature_flag.key: new-checkout,
            feature_flag.result.reason: default, feature_flag.result.variant: off}}]
    until: 120

Mend:
    By the error's class: create the flag or correct its name (flag_not_found), ask for the type
    that it has (type_mismatch), send the key that its rules are about (targeting_key_missing),
    wait for the provider before requests are served (provider_not_ready).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.flags import ROWS, Evaluation, evaluation
from collector.evaluate.names import short
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.generations import Generations
from collector.views import Row
from collector.violation import Service, Severity, Signal, Violation

_NOT_READY = "provider_not_ready"
_MOST_CLASSES = 8  # of errors, per flag and window


class ErrorOptions(Options):
    """When evaluations that fail matter."""

    window_seconds: float = Field(default=60, gt=0, description="length of a window (ours)")
    min_errors: int = Field(
        default=1, ge=1, description="failed evaluations that a window needs (ours)"
    )
    startup_seconds: float = Field(
        default=60,
        ge=0,
        description="after the first evaluation of a process its provider may not be ready (ours)",
    )
    max_flags: int = Field(default=2_000, ge=1, description="flags of services, per window")
    max_errors: int = Field(
        default=20_000, ge=1, description="failed evaluations that are known again when resent"
    )
    max_processes: int = Field(
        default=10_000, ge=1, description="processes of which the start is remembered"
    )


class _Flag(NamedTuple):
    service: Service
    name: str


@dataclass(slots=True)
class _Window:
    errors: int = 0
    trace_id: str = ""
    provider: str = ""
    signals: set[Signal] = field(default_factory=set)
    classes: Counter[str] = field(default_factory=Counter)


class Kind(Policy[ErrorOptions]):
    """Counts the evaluations of each flag that failed, window by window."""

    options_type = ErrorOptions
    meta = Meta(
        signals=(Signal.LOGS, Signal.TRACES),
        severities=(Severity.WARNING,),
        since="0.1.0",
    )

    def __init__(self, terms: Terms, options: ErrorOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[_Flag, _Window] = Tumbling(
            options.window_seconds, _Window, max_keys=options.max_flags
        )
        self._started: Generations[int, float] = Generations(options.max_processes)
        self._seen: Generations[int, bool] = Generations(options.max_errors)

    def demand(self) -> Demand:
        """Evaluations, in whatever way they are told."""
        return Demand(rows=ROWS)

    def overflow(self) -> int:
        """Evaluations that were not counted, and times that earlier ones were forgotten."""
        return self._windows.overflow + self._seen.turns + self._started.turns

    def on_row(self, row: Row, now: float) -> Iterable[Violation]:
        """Count an evaluation that failed; of one trace it is one, however often it is told."""
        told = evaluation(row)
        if told is None:
            return ()
        started = self._started.get(row.resource.identity)
        if started is None:
            started = self._started[row.resource.identity] = now
        starting = now - started < self.options.startup_seconds
        if not told.failed or (starting and told.error == _NOT_READY):
            return ()
        if row.trace_id:
            once = hash((row.trace_id, row.resource.service, told.flag))
            if self._seen.get(once):
                return ()
            self._seen[once] = True
        self._count(row, told, now)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows that have ended."""
        del watermark
        for _, window in self._windows.close(float("inf") if final else now):
            for flag, one in sorted(window.items()):
                if one.errors >= self.options.min_errors:
                    yield self._report(flag, one)

    def _count(self, row: Row, told: Evaluation, now: float) -> None:
        window = self._windows.at(now, _Flag(row.resource.service, told.flag))
        if window is None:
            return
        window.errors += 1
        window.trace_id = min(filter(None, (window.trace_id, row.trace_id)), default="")
        window.provider = max(window.provider, told.provider)
        window.signals.add(row.signal)
        error = told.error or "error"
        if error in window.classes or len(window.classes) < _MOST_CLASSES:
            window.classes[error] += 1

    def _report(self, flag: _Flag, window: _Window) -> Violation:
        often = sorted(window.classes, key=lambda error: (-window.classes[error], error))
        times = "evaluation" if window.errors == 1 else "evaluations"
        return self.violation(
            severity=Severity.WARNING,
            signal=min(window.signals),
            service=flag.service,
            subject=f"flag {short(flag.name)}",
            count=window.errors,
            summary=f"{window.errors} {times} of the flag {short(flag.name)} failed in "
            f"{self.options.window_seconds:g} s ({', '.join(often)}), and defaults were served",
            trace_id=window.trace_id,
            evidence={
                "flag": short(flag.name),
                "errors": window.errors,
                "classes": tuple(often),
                "provider": window.provider,
            },
        )
