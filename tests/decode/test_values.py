"""A clean value is shown once; a bad one each time, with whoever sends it."""

from __future__ import annotations

import pytest

from collector.decode.values import ValueTable, Where
from collector.views import Place, Resource, Value
from collector.violation import Service, Signal


def where(service: str = "shop", name: str = "GET") -> Where:
    resource = Resource(Service(service), hash(service), frozenset(), {})
    return Where(Signal.TRACES, resource, name, "ab" * 16)


def seen(values: ValueTable, text: str, service: str = "shop") -> list[Value]:
    values.see("k", text, Place.SPAN_ATTRIBUTE, where(service))
    return values.take()


def test_a_clean_value_is_handed_over_once() -> None:
    values = ValueTable()
    (first,) = seen(values, "clean")
    assert first.new
    assert seen(values, "clean") == []
    assert seen(values, "clean", "other") == []


def test_a_bad_value_is_handed_over_at_each_occurrence_with_its_sender() -> None:
    values = ValueTable()
    (first,) = seen(values, "bad")
    values.remember_bad(first)

    for service in ("shop", "other"):
        (again,) = seen(values, "bad", service)
        assert not again.new
        assert [sighting.resource.service.name for sighting in again.sightings] == [service]


def test_repeats_in_one_slice_are_counted_by_place_sender_and_name() -> None:
    values = ValueTable()
    for service, name in (("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")):
        values.see("k", "v", Place.SPAN_ATTRIBUTE, where(service, name))
    values.see("k", "v", Place.LOG_BODY, where("a", "x"))

    (value,) = values.take()
    assert [sighting.items for sighting in value.sightings] == [2, 1, 1, 1]


def test_the_same_text_under_another_key_is_another_value() -> None:
    values = ValueTable()
    seen(values, "v")
    values.see("other", "v", Place.SPAN_ATTRIBUTE, where())
    assert [value.key for value in values.take()] == ["other"]


def test_a_forgotten_value_is_judged_anew() -> None:
    values = ValueTable(remembered=4)
    for number in range(20):
        seen(values, str(number))
    assert len(seen(values, "0")) == 1


@pytest.mark.parametrize(("length", "cut"), [(10, 0), (11, 1)])
def test_a_long_value_is_cut_at_the_bound_and_counted(length: int, cut: int) -> None:
    values = ValueTable(max_length=10)
    (value,) = seen(values, "x" * length)
    assert len(value.text) == 10
    assert values.cut == cut
