"""At ten times the bound of the trace table whole traces are kept, the share of them is told, and
what policies say of shares stays right.
"""

import os
from collections import Counter
from functools import cache
from statistics import median

import pytest
from ordinary import planted
from ordinary.inspection import inspect, shipped
from ordinary.load import Load
from ordinary.run import violations_of

from collector.decode import best
from collector.decode.limits import Limits
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.testing import START, Session, requests
from collector.views import Flag, Mark
from collector.violation import Signal

DECODERS = list(dict.fromkeys((ReferenceDecoder, type(best.decoder(Demand())))))
if "LONG" not in os.environ:  # both see the same, as other tests say
    DECODERS = DECODERS[-1:]
SPANS = 36_000
RATE = 300
TIMES = 10
WAIT = 30
#: Standard deviations by which a share may differ.
ERRORS = 4.5


@cache
def open_at_once(faults):
    """How many spans are open at once, by what arrives within a wait."""
    arrivals = [(one.at, one.items) for one in a_load(faults).requests(SPANS)]
    begins = range(0, 40, 10)
    return max(sum(n for at, n in arrivals if 0 <= at - begin < WAIT) for begin in begins)


def a_load(faults):
    return Load(3, RATE, planted.MIX) if faults else Load(4, 60)


@cache
def outcome(make, *, faults=True, full=False):
    bound = 1_000_000 if full else open_at_once(faults) // TIMES
    return inspect(
        a_load(faults).requests(SPANS), shipped(), make=make, limits=Limits(max_spans=bound)
    )


def share_of(found, share):
    evidence = [one.evidence for one in found.violations if one.policy == share.policy]
    part = sum(one[share.part] for one in evidence)
    whole = sum(one[share.whole] for one in evidence)
    return part / whole, whole


@pytest.mark.parametrize("make", DECODERS)
def test_the_share_of_traces_is_told(make):
    told = outcome(make).shares

    assert outcome(DECODERS[-1], full=True).shares == []
    assert min(told) <= 1 / TIMES
    assert median(told) <= 4 / TIMES


@pytest.mark.parametrize("share", planted.SHARES, ids=lambda share: share.policy)
@pytest.mark.parametrize("make", DECODERS)
def test_shares_stay_right(share, make):
    everything, _ = share_of(outcome(DECODERS[-1], full=True), share)
    sampled, seen = share_of(outcome(make), share)

    assert everything == pytest.approx(share.planted, abs=0.05)
    error = (everything * (1 - everything) * share.clustered / seen) ** 0.5
    assert abs(sampled - everything) < ERRORS * error


@pytest.mark.parametrize("make", DECODERS)
def test_what_was_not_kept_is_no_fault(make):
    everything, sampled = (
        {(one.policy, one.service, one.subject) for one in found.violations}
        for found in (outcome(DECODERS[-1], full=True), outcome(make))
    )
    assert sampled <= everything


@pytest.mark.parametrize("make", DECODERS)
def test_ordinary_load_causes_no_violation_when_most_traces_are_left_out(make):
    found = outcome(make, faults=False)

    assert min(found.shares) <= 1 / TIMES
    assert found.violations == [], violations_of(found)


class Whole(Policy[Options]):
    """Counts traces that lack a parent: those that are said to lack spans, and the others."""

    meta = Meta(signals=(Signal.TRACES,), severities=(), since="0.1.0")

    def __init__(self):
        super().__init__(Terms("whole", "whole"), Options())
        self.traces = Counter()
        self.orphans = 0

    def demand(self):
        return Demand(marks=Mark.LOCAL_PARENT_MISSING, orphans=Flag.PARENT_LOCAL)

    def on_trace(self, trace, now):
        self.traces[trace.truncated] += bool(trace.missing)
        return ()

    def on_orphans(self, orphans, now):
        self.orphans += len(orphans)


@pytest.mark.parametrize("make", DECODERS)
def test_a_trace_that_was_kept_out_when_it_began_is_not_taken_for_whole(make):
    counting = Whole()
    session = Session([counting], Limits(max_spans=100), make)

    def deliver(at, **span):
        delivery = {"at": at, "spans": [span]}
        for signal, body in requests(delivery):
            session.request(signal, body, START + at)

    for trace in range(500):
        deliver(0, trace=trace, id="parent", kind="server")
    for second in range(1, 40):
        session.tick(START + second)
    for trace in range(20):
        deliver(40, trace=trace, id="child", parent="parent", parent_is="local")
    for second in range(41, 80):
        session.tick(START + second)

    assert counting.traces[True] > 0
    assert counting.traces[False] == counting.orphans == 0

    deliver(100, trace="later", id="child", parent="parent", parent_is="local")
    session.tick(START + 140)

    assert counting.traces[False] == counting.orphans == 1
