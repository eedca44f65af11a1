"""When a step has ended, the spans of many labels move on in many looks, and of all of them."""

import pytest

from collector.evaluate.kinds.metric_cardinality import CardinalityOptions, Kind
from collector.evaluate.policy import Terms
from collector.views import Resource, Series
from collector.violation import Service

NOW = 1_000_000_200.0  # a step begins
STEP = 300


@pytest.fixture
def policy():
    terms = Terms("explodes", "metric_cardinality")
    return Kind(terms, CardinalityOptions(warn_values=1))


def see(policy, count, values, now):
    """So many services with a label of so many values; each says whether it is over the bound."""
    for number in range(count):
        resource = Resource(Service(f"s{number}"), number, frozenset(), {})
        for value in range(values):
            labels = (("label", f"{now} {value}"),)
            list(policy.on_series(Series(resource, "scope", "metric", labels, ""), now))


def looks(policy, begin, end):
    """The services that each look names."""
    return [
        [one.service.name for one in policy.close(float(now), now, final=False)]
        for now in range(int(begin), int(end))
    ]


@pytest.mark.parametrize(("services", "at_once"), [(100, 200), (2000, 256)])
def test_each_label_is_judged_again_once_in_a_step_and_few_at_a_look(policy, services, at_once):
    see(policy, services, 2, NOW)
    first = [name for named in looks(policy, NOW + 1, NOW + 4) for name in named]
    assert sorted(first) == sorted(f"s{number}" for number in range(services))

    again = looks(policy, NOW + STEP, NOW + 2 * STEP)

    assert sorted(name for named in again for name in named) == sorted(first)
    assert max(map(len, again)) <= at_once
    assert not any(again[64:])


def test_labels_that_never_come_again_are_forgotten(policy):
    see(policy, 2000, 2, NOW)
    looks(policy, NOW + 1, NOW + 4)

    looks(policy, NOW + 12 * STEP, NOW + 12 * STEP + 64)

    assert not any(reading.labels for reading in policy.readings() if reading.service)
    see(policy, 1, 2, NOW + 13 * STEP)
    assert looks(policy, NOW + 13 * STEP, NOW + 13 * STEP + 1) == [["s0"]]


def test_at_the_end_nothing_waits_for_a_look(policy):
    see(policy, 2000, 2, NOW)
    looks(policy, NOW + 1, NOW + 4)

    found = list(policy.close(NOW + STEP, NOW + STEP, final=True))

    assert len(found) == 2000


def test_labels_that_explode_all_at_once_are_judged_in_a_few_looks(policy):
    """Of estimates a look judges 128, and each service has two: of its label and of its series."""
    see(policy, 150, 1200, NOW)

    found = looks(policy, NOW + 1, NOW + 5)

    assert [len(named) for named in found] == [64, 64, 22, 0]
    assert len({name for named in found for name in named}) == 150
