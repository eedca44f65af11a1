"""When a step has ended, the spans of many labels move on in many looks, and of all of them."""

import pytest

from collector.evaluate.kinds import metric_cardinality
from collector.evaluate.kinds.metric_cardinality import CardinalityOptions, Kind
from collector.evaluate.policy import Terms
from collector.views import Resource, Series
from collector.violation import Service

NOW = 1_000_000_200.0  # a step begins
STEP = 300


def made(**options):
    terms = Terms("explodes", "metric_cardinality")
    return Kind(terms, CardinalityOptions(warn_values=1, **options))


@pytest.fixture
def policy():
    return made()


def see(policy, count, values, now):
    """So many services with a label of so many values; each says whether it is over the bound."""
    for number in range(count):
        resource = Resource(Service(f"s{number}"), number, frozenset(), {})
        for value in range(values):
            labels = (("label", f"{now} {value}"),)
            list(policy.on_series(Series(resource, "scope", "metric", labels, ""), now))


ESTIMATED = 1100  # values, more than are counted exactly


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


def test_at_the_end_nothing_waits_for_a_look_though_its_values_are_estimated(policy):
    see(policy, 40, ESTIMATED, NOW)
    looks(policy, NOW + 1, NOW + 2)

    found = list(policy.close(NOW + STEP, NOW + STEP, final=True))

    assert {one.service.name for one in found} == {f"s{number}" for number in range(40)}


def test_many_estimates_are_shared_among_no_more_looks_than_other_counts(policy, monkeypatch):
    monkeypatch.setattr(metric_cardinality, "_DUE_AT_ONCE", 8)  # and so 80 labels and metrics many
    see(policy, 40, ESTIMATED, NOW)
    looks(policy, NOW + 1, NOW + 2)

    again = looks(policy, NOW + STEP, NOW + STEP + 64)

    assert len({name for named in again for name in named}) == 40
    assert max(map(len, again)) <= 3
    assert not list(policy.close(NOW + STEP + 64, NOW, final=True))


@pytest.mark.parametrize("seconds", [1, 3])
def test_where_a_step_has_fewer_looks_than_it_takes_no_label_waits_for_ever(seconds):
    policy = made(window_seconds=300, growth_seconds=seconds)
    see(policy, 2000, 2, NOW)
    looks(policy, NOW + 1, NOW + 2)

    again = looks(policy, NOW + 2, NOW + 42)

    assert {name for named in again for name in named} == {f"s{n}" for n in range(2000)}
    looks(policy, NOW + 300, NOW + 340)
    assert not any(reading.labels for reading in policy.readings() if reading.service)
