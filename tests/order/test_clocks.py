"""No clock of a sender breaks a kind, freezes its windows, or makes it find what is not there."""

import os

import pytest
from kinds.cases import DECODERS
from order.clocks import BROKEN, SHIFTED, changing, is_right, told_by
from order.judging import KINDS, cases, counted, judged, policy_of
from order.rearranged import WAIT

#: Whole windows of any length, and longer than findings are held back.
LATER = 3600
STEP = 5.0
AFTERWARDS = 60

#: How each case is sent before it is sent by a good clock: all clocks at once.
CLOCKS = [*SHIFTED.values(), *BROKEN.values(), changing(1), changing(2)]

#: ``make clocks`` tries every case, by both decoders; otherwise each kind's first bad and its
#: first clean one are tried by the one in use.
LONG = "LONG" in os.environ


def chosen(name):
    """The cases of a kind that are tried."""
    if LONG:
        return cases(name)
    firsts = {bool(one["expect"]): one for one in reversed(cases(name))}
    return firsts.values()


CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}")
    for name in KINDS
    for case in chosen(name)
]


def until(case):
    last = max(float(one.get("at", 0)) for one in case["telemetry"])
    return max(case.get("until") or 0, last + WAIT) + AFTERWARDS


def good(span):
    return span.start_time_unix_nano, span.end_time_unix_nano


def later(requests, seconds=LATER):
    return [one._replace(at=one.at + seconds) for one in requests]


def keys(violations):
    return {(one.policy, one.service, one.subject) for one in violations}


@pytest.mark.parametrize("make", DECODERS if LONG else DECODERS[-1:])
@pytest.mark.parametrize(("name", "case"), CASES)
def test_after_hostile_clocks_good_telemetry_is_judged_as_ever(name, case, make):
    rightly = later(told_by(good, case["telemetry"]))
    hostile = [
        request
        for mark, clock in enumerate(CLOCKS, 1)
        for request in told_by(clock, case["telemetry"], other=f"-{mark}", mark=mark)
    ]
    every = sorted([*hostile, *rightly], key=lambda one: one.at)
    end = LATER + until(case)

    alone = counted(judged([policy_of(name, case)], rightly, end, make, STEP))
    found = counted(judged([policy_of(name, case)], every, end, make, STEP))

    strangers = {f"-{mark}" for mark in range(1, len(CLOCKS) + 1)}
    own = {key: n for key, n in found.items() if not _names(key, strangers)}
    assert own == alone


def _names(key, endings):
    return any(part.endswith(tuple(endings)) for part in key[2].split("/"))


@pytest.mark.parametrize("make", DECODERS if LONG else DECODERS[-1:])
@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_service_whose_clock_was_wrong_is_judged_once_it_is_right(name, case, make):
    rightly = later(told_by(good, case["telemetry"]))
    hostile = [
        request
        for mark, clock in enumerate(CLOCKS, 1)
        for request in told_by(clock, case["telemetry"], mark=mark)
    ]
    every = sorted([*hostile, *rightly], key=lambda one: one.at)
    end = LATER + until(case)

    alone = keys(judged([policy_of(name, case)], rightly, end, make, STEP))
    assert keys(judged([policy_of(name, case)], every, end, make, STEP)) >= alone


@pytest.mark.parametrize("make", DECODERS if LONG else DECODERS[-1:])
@pytest.mark.parametrize("clock", list(SHIFTED))
@pytest.mark.parametrize(
    ("name", "case"), [one for one in CASES if is_right(one.values[1]["telemetry"])]
)
def test_only_differences_of_times_matter(name, case, clock, make):
    rightly, wrongly = (
        judged([policy_of(name, case)], told_by(one, case["telemetry"]), until(case), make)
        for one in (good, SHIFTED[clock])
    )

    assert counted(wrongly) == counted(rightly)


#: What attributes state, and what only the order of spans would excuse: a redirect that came
#: before, a query that came after.
STATED = {
    "redirects and auth challenges are counted in resend_count, and are no retries",
    "a conflict that was dealt with, and a fault of which another call is the cause",
}
CLEAN = [
    one for one in CASES if not one.values[1]["expect"] and one.values[1]["name"] not in STATED
]


@pytest.mark.parametrize("make", DECODERS if LONG else DECODERS[-1:])
@pytest.mark.parametrize("clock", ["started at zero", "ends at the largest number"])
@pytest.mark.parametrize(("name", "case"), CLEAN)
def test_a_duration_of_years_is_a_fault_of_the_clock_and_no_finding(name, case, clock, make):
    requests = told_by(BROKEN[clock], case["telemetry"])

    assert judged([policy_of(name, case)], requests, until(case), make) == []
