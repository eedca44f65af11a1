"""``make bench-ordinary``: what the whole catalogue costs on ordinary load, every trace looked at.

The load of tests/ordinary is made first and goes to every contender once, some requests to each
in turn. Time passes as it did when the load was made, so that traces wait their 30 seconds. What is
bounded in a second (URLs that are looked at, windows that end) costs less a span the more spans
arrive in it: 2,400 requests a second are 20 thousand spans, much less than a full core inspects.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1]))

import subjects
from ordinary import data, web
from ordinary.load import MIX, Load
from rich.console import Console
from rich.table import Table

from collector.app import settle_memory
from collector.decode.limits import Limits
from collector.evaluate import engine
from collector.evaluate.policy import AnyPolicy
from collector.testing import START
from collector.violation import Signal

#: Spans of a full request, as a Collector sends them.
FULL = 512

#: Seconds after which traces finish as fast as they begin.
_STEADY = 35.0

#: Requests in a row to one contender, so that it finds in the processor's caches what it put there.
_TURN = 100

#: The kinds that looked at traces before there were notes.
_BEFORE = frozenset({"retry_storm", "retry_limit", "liveness_dependency", "trace_orphan"})


#: What most requests of a shop are.
_USUAL = frozenset({web.product_page, web.cart, web.search, data.stock, data.mongo})


class Request(NamedTuple):
    """A request of spans: when it arrives, and how many it holds."""

    at: float
    body: bytes
    items: int


class Passed(subjects.Inspection):
    """The pipeline of the program, with a tick each second of the load."""

    def __init__(self, policies: Sequence[AnyPolicy]) -> None:
        super().__init__(subjects.native(), policies, limits=Limits(max_spans=4_000_000))
        self._ticked = START

    def __call__(self, body: bytes, now: float) -> int:
        """Inspect a request, after the ticks that came before it."""
        while self._ticked + 1 <= now:
            self._ticked += 1
            self._now = self._ticked
            self.pipeline.tick()
        return super().__call__(body, now)


def requests(seed: int, spans: int, rate: float, usual: float) -> list[Request]:
    """The requests of an ordinary load, spans alone, up to where it begins to run dry.

    Args:
        seed: of the load.
        spans: how many they hold at least.
        rate: programs begun in a second.
        usual: how much more often than in the load pages, carts, searches and the like are. It
            holds a little of everything, and so more of what is rare than services send.
    """
    mix = {one: share * (usual if one in _USUAL else 1) for one, share in MIX.items()}
    load = Load(seed, rate=rate, mix=mix)
    made = load.requests(spans)
    return [
        Request(START + one.at, one.body, one.items)
        for one in takewhile(lambda _: load.spans < spans, made)
        if one.signal is Signal.TRACES
    ]


def joined(small: Sequence[Request]) -> Iterator[Request]:
    """The same in full requests: bodies of protobuf, one after the other, are one body."""
    waiting: list[Request] = []
    for one in small:
        waiting.append(one)
        items = sum(each.items for each in waiting)
        if items >= FULL:
            yield Request(one.at, b"".join(each.body for each in waiting), items)
            waiting = []


def _turns(sent: Sequence[Request]) -> Iterator[Sequence[Request]]:
    """What a contender gets before the next one does."""
    for first in range(0, len(sent), _TURN):
        yield sent[first : first + _TURN]


def cost(contenders: dict[str, subjects.Subject], sent: Sequence[Request]) -> dict[str, float]:
    """CPU nanoseconds a span of each contender, once traces finish as fast as they begin."""
    spent = dict.fromkeys(contenders, 0)
    names = list(contenders)
    steady = START + _STEADY
    for number, turn in enumerate(_turns(sent)):
        for step in range(len(names)):
            name = names[(number + step) % len(names)]
            for request in turn:
                received = bytes(memoryview(request.body))
                before = time.thread_time_ns()
                contenders[name](received, request.at)
                if request.at >= steady:
                    spent[name] += time.thread_time_ns() - before
    items = sum(request.items for request in sent if request.at >= steady)
    return {name: ns / items for name, ns in spent.items()}


def profile(sent: Sequence[Request]) -> dict[str, float]:
    """Nanoseconds a span of each policy, its windows and ticks among them."""
    policies = subjects.policies()
    closing = dict.fromkeys((one.terms.id for one in policies), 0)
    for policy in policies:
        policy.close = _timed(policy, closing)  # type: ignore[method-assign]
    usual, engine.TIMED_EVERY = engine.TIMED_EVERY, 1
    passed = Passed(policies)
    passed.engine._timer = time.thread_time
    for request in sent:
        passed(request.body, request.at)
    engine.TIMED_EVERY = usual
    items = sum(request.items for request in sent)
    return {
        name: (seconds * 1e9 + closing[name]) / items
        for name, seconds in passed.engine.seconds.items()
    }


def _timed(policy: AnyPolicy, closing: dict[str, int]) -> Callable[..., list[object]]:
    close = policy.close

    def timed(now: float, watermark: float, *, final: bool) -> list[object]:
        before = time.thread_time_ns()
        found = list(close(now, watermark, final=final))
        closing[policy.terms.id] += time.thread_time_ns() - before
        return found

    return timed


def _contenders() -> dict[str, subjects.Subject]:
    every = subjects.policies
    return {
        "protobuf objects, attributes to a dict": subjects.plain_objects,
        "scanner, no policy": Passed([]),
        "scanner, policies that look at no trace": Passed(
            [one for one in every() if not one.demand().traces]
        ),
        "the same and the four kinds of traces that were first": Passed(
            [one for one in every() if not one.demand().traces or one.terms.kind in _BEFORE]
        ),
        "scanner, all packs": Passed(every()),
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spans", type=int, default=2_000_000)
    parser.add_argument("--rate", type=float, default=2400, help="requests begun in a second")
    parser.add_argument("--usual", type=float, default=10, help="1 is the load of the tests")
    given = parser.parse_args()
    settle_memory()
    console = Console(width=100)
    small = requests(given.seed, given.spans, given.rate, given.usual)
    full = list(joined(small))
    lasts = small[-1].at - START
    if lasts < 1.5 * _STEADY:
        parser.error(f"this load lasts {lasts:.0f} s, less than {1.5 * _STEADY:.0f}: more --spans")
    console.print(f"{sum(one.items for one in small) / lasts:,.0f} spans/s arrive")
    for title, sent in (("Requests of 512 spans", full), ("Requests as they arrived", small)):
        average = sum(one.items for one in sent) / len(sent)
        table = Table(title=f"{title} ({average:.0f} spans on average)", title_justify="left")
        for head in ("", "ns a span", "thousand/s", "against objects", "against no policy"):
            table.add_column(head, justify="right" if head else "left")
        costs = cost(_contenders(), sent)
        objects, nothing, *_ = costs.values()
        for name, ns in costs.items():
            against = (f"{objects / ns:.1f} x", f"{ns / nothing:.2f} x")
            table.add_row(name, f"{ns:,.0f}", f"{1e6 / ns:,.0f}", *against)
        console.print(table)
    table = Table(title="Policies, full requests", title_justify="left")
    table.add_column("policy")
    table.add_column("ns a span", justify="right")
    spent = sorted(profile(full).items(), key=lambda one: -one[1])
    for name, ns in spent:
        table.add_row(name, f"{ns:,.1f}")
    table.add_row("all of them", f"{sum(ns for _, ns in spent):,.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
