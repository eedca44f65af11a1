"""The time for which a piece of work neither did a thing nor waited for an answer."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from collector.classify import SpanKind
from collector.evaluate.tree import OUTGOING, Tree, ended
from collector.views import Span

#: Other calls that begin during one; where there are more, it runs beside the work (ours).
_BESIDE = 3


class Idle:
    """When none of the calls of a piece of work was under way.

    A call during which many others begin is none of its steps: it runs beside them, and whoever
    asks again and again what has come of it waits.

    Args:
        calls: in any order.
    """

    def __init__(self, calls: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in _steps(sorted((one.start, ended(one)) for one in calls)):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)
        lengths = (end - start for start, end in zip(self._starts, self._ends, strict=True))
        self._before = [0, *accumulate(lengths)]

    def between(self, start: int, end: int) -> int:
        """Nanoseconds between two times in which no call was under way."""
        return end - start - (self._busy(end) - self._busy(start))

    def _busy(self, until: int) -> int:
        """Nanoseconds before a time in which some call was."""
        at = bisect_left(self._starts, until)
        after = max(0, self._ends[at - 1] - until) if at else 0
        return self._before[at] - after


def _steps(times: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Those of the times of calls, which are in order, during which few others begin."""
    starts = [start for start, _ in times]
    for start, end in times:
        if bisect_left(starts, end) - bisect_right(starts, start) <= _BESIDE:
            yield start, end


class IdleBelow:
    """When spans of a trace waited for none of their calls, made once for each span.

    Args:
        tree: of the trace.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[bytes, Idle] = {}

    def __call__(self, parent: Span) -> Idle:
        """By the calls right below a span, and those in a span of their own below it."""
        known = self._known.get(parent.span_id)
        if known is None:
            known = self._known[parent.span_id] = Idle(self._calls(parent))
        return known

    def _calls(self, parent: Span) -> Iterator[Span]:
        for span in self._tree.children(parent):
            around = span.kind is SpanKind.INTERNAL
            inner = self._tree.children(span) if around else (span,)
            yield from (one for one in inner if one.kind in OUTGOING)
