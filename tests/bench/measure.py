"""Interleaved measurement: every contender meets every request, in turn and with fresh memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from subjects import Subject

#: Items a second of the simulated arrival; with more, windows would not move.
ARRIVAL = 700_000
START = 1_800_000_000.0


@dataclass
class Contender:
    """A way of inspecting, and what it cost.

    Attributes:
        name: as the table shows it.
        subject: inspects one request.
        every: it meets only every so many requests, where it is slow.
        costs: CPU nanoseconds per item, one for each measured request.
        longest: CPU seconds of the slowest measured request.
    """

    name: str
    subject: Subject
    every: int = 1
    costs: list[float] = field(default_factory=list)
    longest: float = 0.0

    @property
    def cost(self) -> float:
        """The median of the costs."""
        return median(self.costs)

    @property
    def spread(self) -> float:
        """Half of the range between the quartiles, as a share of the median."""
        if len(self.costs) < 4:
            return 0.0
        low, _, high = quantiles(self.costs, n=4)
        return (high - low) / 2 / self.cost


def run(
    contenders: Sequence[Contender],
    requests: Iterator[bytes],
    *,
    items: int,
    warm: int,
    measured: int,
    tell: Callable[[], None] = lambda: None,
) -> None:
    """Let all contenders inspect the same requests.

    Each request is copied before it is inspected, as it would have been received just then. CPU
    time of the thread is what counts, so that other processes matter less.

    Args:
        contenders: in any order; it rotates.
        requests: as many as are needed.
        items: of each request.
        warm: requests before costs are noted.
        measured: requests of which costs are noted.
        tell: called after each request.
    """
    now = START
    clock = time.thread_time_ns
    for number in range(warm + measured):
        body = next(requests)
        now += items / ARRIVAL
        for turn in range(len(contenders)):
            one = contenders[(number + turn) % len(contenders)]
            if number % one.every:
                continue
            received = bytes(memoryview(body))
            before = clock()
            one.subject(received, now)
            spent = clock() - before
            if number >= warm:
                one.costs.append(spent / items)
                one.longest = max(one.longest, spent / 1e9)
        tell()


def ratio(one: Contender, other: Contender) -> float:
    """How much more an item costs one contender than the other: the median over requests."""
    step = max(one.every, other.every)
    mine, theirs = one.costs[:: step // one.every], other.costs[:: step // other.every]
    return median(a / b for a, b in zip(mine, theirs, strict=False))
