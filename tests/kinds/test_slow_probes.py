"""Slow probes are counted by process, within a bound, and the violation says how slow."""

import random

import pytest

from collector import testing
from collector.evaluate.kinds import probe_cost
from collector.evaluate.policy import Terms


def slow(trace, process, seconds=2.0, route="/readyz"):
    return {
        "service": "shop",
        "resource": {"service.instance.id": process},
        "spans": [
            {
                "trace": trace,
                "id": "s",
                "kind": "server",
                "duration": seconds,
                "attributes": {"http.request.method": "GET", "http.route": route},
            }
        ],
    }


def kind(**options):
    return probe_cost.Kind(Terms("p", "probe_cost"), probe_cost.CostOptions(**options))


def test_the_violation_names_the_slowest_and_how_many_processes_are_slow():
    sent = [slow(f"{p}{n}", p, 1.5 + n) for p in "abc" for n in range(3 if p < "c" else 2)]

    (found,) = testing.run([kind()], sent, 700)

    assert found.count == 6
    assert found.evidence == {
        "route": "/readyz",
        "probe": "readiness",
        "processes": 2,
        "seconds": 3.5,
    }
    assert found.summary == (
        "6 probes of /readyz of 2 processes in 300 s took more than 1 s, the slowest 3.5 s"
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_example_does_not_hang_on_the_order(seed):
    sent = [slow(f"t{n}", "a", 2.0) for n in range(9)]
    shuffled = random.Random(seed).sample(sent, len(sent))

    assert testing.run([kind()], shuffled, 700) == testing.run([kind()], sent, 700)


def test_probes_over_the_bound_are_left_out_and_counted():
    policy = kind(max_probes=1, slow_probes=1)

    found = testing.run([policy], [slow("a", "one"), slow("b", "two")], 700)

    assert [one.count for one in found] == [1]
    assert policy.overflow() == 1
