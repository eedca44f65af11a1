"""How many traces do the same thing at once: an exact sweep over their spans of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple


class Interval(NamedTuple):
    """When a trace did something, in nanoseconds of one service's clock, and in which process."""

    start: int
    end: int
    trace_id: bytes
    process: int = 0


class Peak(NamedTuple):
    """The moment at which most traces did it at once.

    Attributes:
        traces: how many.
        at: the moment; the first of equal ones.
        active: what overlaps it.
    """

    traces: int
    at: int
    active: tuple[Interval, ...]


def peak(intervals: Sequence[Interval]) -> Peak:
    """The first moment at which most distinct traces overlap; what only touches does not.

    Args:
        intervals: in any order, each with an end after its start.
    """
    # Ends sort before starts of the same moment.
    moments = sorted(
        moment
        for one in intervals
        for moment in ((one.start, 1, one.trace_id), (one.end, 0, one.trace_id))
    )
    running: Counter[bytes] = Counter()
    most, at = 0, 0
    for time, starts, trace_id in moments:
        if starts:
            running[trace_id] += 1
        elif running[trace_id] > 1:
            running[trace_id] -= 1
        else:
            del running[trace_id]
        if len(running) > most:
            most, at = len(running), time
    return Peak(most, at, tuple(one for one in intervals if one.start <= at < one.end))


_DEVIATIONS = 6.0
_MORE = 6  # a Poisson variable with a small mean goes beyond six deviations too often


def stands_out(found: Peak, intervals: Sequence[Interval], seconds: float) -> bool:
    """Whether a peak is more than chance makes of a steady load.

    Requests that come independently of each other overlap as a Poisson variable does, whose
    deviation is the root of its mean. So far above the mean is one moment in ten billion.

    Args:
        found: the peak of the intervals.
        intervals: all of them.
        seconds: in which they happened.
    """
    active = set(found.active)
    elsewhere = sum(one.end - one.start for one in intervals if one not in active)
    usual = elsewhere / (seconds * 1e9)
    return found.traces > usual + _DEVIATIONS * sqrt(usual) + _MORE
