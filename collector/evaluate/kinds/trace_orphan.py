"""Spans whose parent ran in their own process and never arrived.

Why:
    A trace without its root cannot be read: durations, errors and sampling are all judged by
    it. When the parent ran in the same process, its sender lost it: a queue overflowed, the
    process was killed before it flushed, or the span was never ended.

Bad:
    telemetry:
      - service: shop
        repeat: 30
        spans:
          - {trace: "t{i}", id: "c{i}", parent: "p{i}", parent_is: local, name: work}
    until: 120

Good:
    telemetry:
      - service: shop
        repeat: 30
        spans:
          - {trace: "t{i}", id: "c{i}", parent: "p{i}", parent_is: local, name: work}
          - {trace: "t{i}", id: "p{i}", kind: server, name: GET /}
    until: 120

Mend:
    End every span (in finally, with a context manager), give the span processor a larger
    queue, and flush it before the process exits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pydantic import Field

from collector import semconv
from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.windows import Tumbling
from collector.generations import Generations
from collector.views import NO_FLAG, Flag, Orphan, Resource, Tally, TallyKind
from collector.violation import Basis, Service, Severity, Signal, Violation

_RESOURCE_KEYS = ("telemetry.sdk.language", "browser.platform", "cloud.platform", "faas.name")


class OrphanOptions(Options):
    """When missing parents matter."""

    window_seconds: float = Field(default=60, gt=0, description="length of a window (ours)")
    warn_share: float = Field(
        default=0.05, ge=0, lt=1, description="share of children without their parent (ours)"
    )
    min_children: int = Field(
        default=20, ge=1, description="spans with a parent that a window needs (ours)"
    )
    remote: bool = Field(
        default=False,
        description="also judge parents in other processes, which may not report here",
    )
    pending_seconds: float = Field(
        default=600,
        ge=0,
        description="how long a missing parent is waited for while its service sends spans "
        "longer than the wait (ours)",
    )
    max_pending: int = Field(default=50_000, ge=1, description="missing parents remembered")


class _Key(NamedTuple):
    service: Service
    remote: bool


class _Parent(NamedTuple):
    trace_id: bytes
    span_id: bytes


@dataclass(slots=True, eq=False)
class _Window:
    children: int = 0
    orphans: Counter[_Parent] = field(default_factory=Counter)
    untraced: int = 0


@dataclass(slots=True)
class _Awaited:
    """A missing parent.

    Attributes:
        service: of its children.
        since: when the trace of the first of them began to arrive.
        windows: that count them, for as long as they are not judged.
    """

    service: Service
    since: float
    windows: list[_Window] = field(default_factory=list)


class _Held(NamedTuple):
    """A window that waits for late parents."""

    until: float
    key: _Key
    window: _Window


class Kind(Policy[OrphanOptions]):
    """Judges the share of a service's children whose parent is missing after the wait."""

    options_type = OrphanOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: OrphanOptions) -> None:
        super().__init__(terms, options)
        self._windows: Tumbling[_Key, _Window] = Tumbling(options.window_seconds, _Window)
        self._waiting: dict[_Parent, _Awaited] = {}
        self._held: deque[_Held] = deque()
        self._long: Generations[Service, float] = Generations(10_000)
        self._overflow = 0
        self._concerns = lru_cache(maxsize=4096)(self._judges)
        self._kinds = {TallyKind.LOCAL_CHILDREN: False}
        if options.remote:
            self._kinds[TallyKind.REMOTE_CHILDREN] = True

    def demand(self) -> Demand:
        """Spans with a missing parent, and the number of all children."""
        remote = Flag.PARENT_REMOTE if self.options.remote else NO_FLAG
        return Demand(
            orphans=Flag.PARENT_LOCAL | remote,
            tallies=frozenset({*self._kinds, TallyKind.LONG_SPANS}),
            resource_keys=frozenset(_RESOURCE_KEYS),
        )

    def overflow(self) -> int:
        """Services and missing parents that were not remembered, because a bound was met."""
        return self._overflow + self._windows.overflow

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Count all children, and note who sends long spans."""
        for tally, count in tallies.items():
            if tally.kind is TallyKind.LONG_SPANS:
                self._long[tally.service] = now
            elif tally.kind in self._kinds and self.match.service(tally.service):
                window = self._windows.at(
                    tally.arrived, _Key(tally.service, self._kinds[tally.kind])
                )
                if window is not None:
                    window.children += count

    def on_arrived_parents(self, parents: Iterable[tuple[bytes, bytes]], now: float) -> None:
        """Withdraw the orphans of a parent that came late, as those of long spans do."""
        for parent in parents:
            awaited = self._waiting.pop(_Parent(*parent), None)
            if awaited is not None:
                for window in awaited.windows:
                    del window.orphans[_Parent(*parent)]
                self._long[awaited.service] = now

    def on_orphans(self, orphans: Sequence[Orphan], now: float) -> None:
        """Count orphans by service, and await their parents."""
        for trace_id, parent_id, resource, remote, arrived in orphans:
            if (not remote or self.options.remote) and self._concerns(resource):
                key = _Key(resource.service, remote)
                self._count(key, _Parent(trace_id, parent_id), arrived, now)

    def _judges(self, resource: Resource) -> bool:
        """Whether spans of a resource ought to have their parents."""
        return self.match.service(resource.service) and not _by_design(resource)

    def _count(self, key: _Key, parent: _Parent, arrived: float, now: float) -> None:
        window = self._windows.at(int(arrived), key)
        if window is None:
            return
        awaited = self._waiting.get(parent)
        if awaited is None and len(self._waiting) >= self.options.max_pending:
            self._overflow += 1
            window.untraced += 1
            return
        window.orphans[parent] += 1
        if awaited is None:
            awaited = self._waiting[parent] = _Awaited(key.service, arrived)
        elif awaited.since < arrived:
            self._long[key.service] = now  # more than a wait later it still has children
        if window not in awaited.windows:
            awaited.windows.append(window)

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Judge the windows of which no trace is open any more, or hold them for long spans."""
        for _, window in self._windows.close(float("inf") if final else watermark):
            for key, one in sorted(window.items(), key=lambda pair: pair[0]):
                seen = self._long.get(key.service)
                if seen is not None and now - seen < self.options.pending_seconds:
                    self._held.append(_Held(now + self.options.pending_seconds, key, one))
                else:
                    yield from self._judge(key, one)
        while self._held and self._held[0].until <= now:
            held = self._held.popleft()
            yield from self._judge(held.key, held.window)

    def _judge(self, key: _Key, window: _Window) -> Iterator[Violation]:
        example = next(iter(window.orphans), None)
        orphans = window.orphans.total()
        for parent in window.orphans:
            self._await_no_more(parent, window)
        children = max(window.children, orphans)
        if children < self.options.min_children or orphans / children <= self.options.warn_share:
            return
        where = "in another process" if key.remote else "in the same process"
        yield self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=key.service,
            subject=f"spans without their parent {where}",
            basis=Basis.INFERRED if key.remote else Basis.OBSERVED,
            summary=f"{orphans} of {children} spans name a parent {where} that never arrived",
            trace_id=example.trace_id.hex() if example else "",
            evidence={
                "children": children,
                "orphans": orphans,
                "share": round(orphans / children, 4),
            },
        )

    def _await_no_more(self, parent: _Parent, window: _Window) -> None:
        awaited = self._waiting.get(parent)
        if awaited is not None:
            awaited.windows.remove(window)
            if not awaited.windows:
                del self._waiting[parent]


def _by_design(resource: Resource) -> bool:
    """Whether a sender lacks parents by design: a browser, or Lambda behind X-Ray."""
    attributes = resource.attributes
    return (
        semconv.text(attributes, "telemetry.sdk.language") == "webjs"
        or "browser.platform" in attributes
        or semconv.text(attributes, "cloud.platform") == "aws_lambda"
    )
