"""Every kind keeps its promises: its table of cases, its examples, and calm on bare input."""

import pytest
from kinds.cases import BUILT_IN, DECODERS, HERE, policy, table

from collector import catalogue, testing
from collector.evaluate import registry

CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}")
    for name in BUILT_IN
    for case in table(name)
]


@pytest.mark.parametrize("make", DECODERS)
@pytest.mark.parametrize(("name", "case"), CASES)
def test_case(name, case, make):
    found = testing.run(
        [policy(name, case.get("options"), case.get("policy"))],
        case["telemetry"],
        case.get("until"),
        make=make,
    )

    assert testing.compare(found, case["expect"]) == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_table_has_a_bad_and_a_clean_case(name):
    cases = table(name)

    assert any(case["expect"] for case in cases)
    assert any(not case["expect"] for case in cases)
    assert len({case["name"] for case in cases}) == len(cases)


def test_every_table_belongs_to_a_kind():
    assert sorted(path.stem for path in HERE.glob("*.yaml")) == BUILT_IN


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_bad_example_is_found_and_the_good_one_is_not(name):
    page = catalogue.page(registry.documentation(name))

    for example, bad in ((page.bad, True), (page.good, False)):
        found = testing.run(
            [policy(name, example.get("options"))], example["telemetry"], example.get("until")
        )
        assert bool(found) is bad


@pytest.mark.parametrize("name", BUILT_IN)
def test_bare_telemetry_of_every_signal_disturbs_no_kind(name):
    bare = [{}, {"spans": [{}], "logs": [{"body": None}], "metrics": [{}]}]

    testing.run([policy(name)], bare, until=120)
