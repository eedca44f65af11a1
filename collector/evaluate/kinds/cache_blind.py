"""Caches of which telemetry never says whether they had what was asked for.

Why:
    Whether a cache is worth its memory, and whether it has just stopped working, is told by its
    hits and misses alone. A service whose spans and metrics never tell one from the other finds
    out by its database.

Bad:
    options: {min_reads: 20}
    telemetry:
      - service: shop
        repeat: 20
        spans: [{trace: "t{i}", id: c, kind: client, name: GET, attributes:
            {db.system.name: redis, db.operation.name: GET, server.address: cache}}]
    until: 3700

Good:
    options: {min_reads: 20}
    telemetry:
      - service: shop
        repeat: 20
        spans: [{trace: "t{i}", id: c, kind: client, name: GET, attributes:
            {db.system.name: redis, db.operation.name: GET, server.address: cache,
            cache.hit: true}}]
    until: 3700

Mend:
    Set an attribute (cache.hit) on the span of each look-up, or count hits and misses in the
    client, where one place sees all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.caching import ANSWER_KEYS, names_answer
from collector.evaluate.names import segments, spelled
from collector.evaluate.places import peer_name
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.generations import Generations
from collector.views import Series, Shape, ShapeCount, Tally, TallyKind
from collector.violation import Service, Severity, Signal, Violation

_COUNTED = frozenset({TallyKind.CACHE_READS, TallyKind.CACHE_ANSWERS})
_LONGEST_ANSWER = 16  # characters of a label's value that may be "hit" or "miss"


class BlindOptions(Options):
    """When a cache has been asked often enough to know that nothing is told of it."""

    window_seconds: float = Field(default=3600, gt=0, description="length of a window (ours)")
    min_reads: int = Field(
        default=1000, ge=1, description="reads that a window needs to be judged (ours)"
    )
    cache_keys: tuple[str, ...] = Field(
        default=ANSWER_KEYS, description="attributes that tell hit from miss"
    )
    max_caches: int = Field(
        default=10_000, ge=1, description="pairs of service and cache counted in a window"
    )


class _Cache(NamedTuple):
    service: Service
    peer: str


class Kind(Policy[BlindOptions]):
    """Compares the reads of a cache with those that tell their outcome, over an hour."""

    options_type = BlindOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.INFO,), since="0.1.0")

    def __init__(self, terms: Terms, options: BlindOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[_Cache, Counter[TallyKind]] = Tumbling(
            options.window_seconds, Counter, max_keys=options.max_caches
        )
        self._keys = frozenset(map(spelled, options.cache_keys))
        self._first: Generations[Service, float] = Generations(options.max_caches)
        self._told: Generations[Service, float] = Generations(options.max_caches)
        self._names = lru_cache(maxsize=4096)(lambda name: names_answer(segments(name)))

    def demand(self) -> Demand:
        """Numbers of reads and of answers, and who tells hit from miss in another way."""
        return Demand(
            tallies=_COUNTED,
            cache_keys=frozenset(self.options.cache_keys),
            shapes=frozenset({Signal.TRACES}),
            series=True,
        )

    def overflow(self) -> int:
        """Caches that were not counted, because the bound was met."""
        return self._windows.overflow

    def interest(self, shape: Shape) -> bool:
        """Spans of the service's own that tell: wrappers around the client of a cache."""
        if shape.kind is not SpanKind.INTERNAL:
            return False
        return not self._keys.isdisjoint(map(spelled, shape.keys))

    def on_shape(self, count: ShapeCount, now: float) -> Iterable[Violation]:
        """Note a service that tells hit from miss by spans of its own."""
        self._told[count.shape.resource.service] = now
        return ()

    def on_series(self, series: Series, now: float) -> Iterable[Violation]:
        """Note a service that counts hits and misses."""
        if self._answers(series):
            self._told[series.resource.service] = now
        return ()

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Count reads, and those whose outcome is told."""
        del now
        for tally, count in tallies.items():
            if tally.kind in _COUNTED and self.match.service(tally.service):
                if self._first.get(tally.service) is None:
                    self._first[tally.service] = tally.arrived
                window = self._windows.at(tally.arrived, _Cache(tally.service, tally.peer))
                if window is not None:
                    window[tally.kind] += count

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows that have ended; one that is cut short proves nothing."""
        until = min(watermark, now) if final else watermark
        for start, window in self._windows.close(until):
            for cache, counts in sorted(window.items()):
                yield from self._judge(cache, counts, start)

    def _answers(self, series: Series) -> bool:
        if self._names(series.metric):
            return True
        return "cache" in segments(series.metric) and any(
            names_answer(segments(value))
            for _, value in series.labels
            if len(value) <= _LONGEST_ANSWER
        )

    def _judge(
        self, cache: _Cache, counts: Counter[TallyKind], start: float
    ) -> Iterator[Violation]:
        reads = counts[TallyKind.CACHE_READS]
        if reads < self.options.min_reads or counts[TallyKind.CACHE_ANSWERS]:
            return
        told = self._told.get(cache.service)
        if told is not None and told >= start - self.options.window_seconds:
            return
        first = self._first.get(cache.service)
        if first is None or first > start + self.options.window_seconds / 2:
            return  # metrics come late, so that it is judged by its first whole window
        yield self.violation(
            severity=Severity.INFO,
            signal=Signal.TRACES,
            service=cache.service,
            subject=peer_name(cache.peer) or "a cache",
            summary=f"{reads} reads of {cache.peer or 'a cache'} in "
            f"{self.options.window_seconds:g} s, none of which tells whether it was a hit",
            evidence={"peer": cache.peer, "reads": reads, "answers": 0},
        )
