"""What kinds find in traces does not depend on how their spans arrived.

Shuffled within and over requests, split, joined, delayed up to the wait and sent twice: the same
policy says the same of the same service and subject, with the same severity, basis and count.
"""

import os
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kinds.cases import DECODERS
from order.judging import KINDS, cases, counted, judged, policy_of
from order.rearranged import WAIT, Plan

EXAMPLES = 25 if "LONG" in os.environ else 8

#: Time for the wait of what was delayed, and for what was sent twice.
AFTERWARDS = 150

PLANS = st.builds(
    Plan,
    seed=st.integers(0, 2**32),
    order=st.sampled_from(["as it was", "reversed", "shuffled"]),
    delayed=st.sampled_from([0.0, 0.3, 1.0]),
    together=st.sampled_from([1, 3, 1000]),
    again=st.sampled_from([0.0, 0.5, 1.0]),
)


def until(case):
    last = max(float(one.get("at", 0)) for one in case["telemetry"])
    return max(case.get("until") or 0, last) + WAIT + AFTERWARDS


@cache
def numbered(name):
    return cases(name)


@cache
def as_it_was(name, number, make):
    case = numbered(name)[number]
    requests = Plan(0).requests(case["telemetry"])
    return counted(judged([policy_of(name, case)], requests, until(case), make))


@pytest.mark.parametrize("make", DECODERS)
@pytest.mark.parametrize("name", KINDS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(number=st.integers(0, 999), plan=PLANS)
def test_the_same_spans_lead_to_the_same_violations_however_they_arrive(name, make, number, plan):
    number %= len(numbered(name))
    case = numbered(name)[number]

    found = judged([policy_of(name, case)], plan.requests(case["telemetry"]), until(case), make)

    assert counted(found) == as_it_was(name, number, make), case["name"]
