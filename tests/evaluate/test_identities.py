"""Identities are remembered for a time and up to a bound, and a use is told from its repeats."""

from __future__ import annotations

from itertools import permutations

import pytest

from collector.classify import SpanKind
from collector.evaluate.identities import Identities, Use, Uses
from collector.views import NO_FLAG, Note, NoteKind, Resource, Span
from collector.violation import Service


def remembered(bound: int = 10) -> Identities[list[str]]:
    return Identities(60, bound, list)


def test_what_is_known_is_kept_from_the_first_use_on() -> None:
    identities = remembered()
    identities.at(1, 0).append("a")

    assert identities.at(1, 60) == ["a"]
    assert identities.known(1, 60.1) is None
    assert identities.at(1, 60.1) == []
    assert identities.at(1, 61) == []
    assert identities.overflow == 0


def test_asking_alone_remembers_nothing() -> None:
    identities = remembered()

    assert identities.known(1, 0) is None
    assert len(identities) == 0


@pytest.mark.parametrize(("used", "forgotten"), [(3, 0), (4, 1)])
def test_beyond_the_bound_the_oldest_are_forgotten_and_counted(used: int, forgotten: int) -> None:
    identities = remembered(bound=3)
    for identity in range(used):
        identities.at(identity, identity).append("a")

    assert len(identities) == 3
    assert identities.overflow == forgotten
    assert identities.known(0, 3) == (None if forgotten else ["a"])
    assert identities.known(used - 1, 3) == ["a"]


def test_what_is_too_old_makes_room_and_is_not_counted() -> None:
    identities = remembered(bound=3)
    for identity in range(3):
        identities.at(identity, 0)
    identities.at(3, 61)

    assert len(identities) == 1
    assert identities.overflow == 0


@pytest.mark.parametrize("time", [-1e18, 0.0, 1e18])
def test_times_far_away_disturb_nothing(time: float) -> None:
    identities = remembered(bound=2)
    for identity in range(4):
        identities.at(identity, time)
        identities.at(identity, -time)

    assert len(identities) <= 2


def use(trace: bytes = b"t", span: bytes = b"1", parent: bytes = b"", start=0, end=10) -> Use:
    return Use(trace, span, parent, start, end, 0.0)


@pytest.mark.parametrize(
    ("other", "repeats"),
    [
        (use(), True),
        (use(span=b"2", start=1, end=9), True),
        (use(span=b"2", start=-5, end=0), True),
        (use(span=b"2", start=11, end=12), False),
        (use(span=b"2", parent=b"p", start=1, end=9), True),
        (use(trace=b"u", start=1, end=9), False),
    ],
)
def test_within_a_trace_a_use_at_the_same_time_repeats_another(other: Use, repeats: bool) -> None:
    assert use().repeats(other) is repeats
    assert other.repeats(use()) is repeats


def test_siblings_do_not_repeat_each_other() -> None:
    assert not use(parent=b"p").repeats(use(span=b"2", parent=b"p"))
    assert use(parent=b"p").repeats(use(parent=b"p"))


def note(span: bytes, start: int, end: int, parent: bytes = b"", trace: bytes = b"t") -> Note:
    resource = Resource(Service("shop"), 1, frozenset(), {})
    shown = Span(span, parent, resource, "", SpanKind.SERVER, 0, start, end, NO_FLAG, {})
    return Note(NoteKind.KEYED, trace, shown, 0.0, effect=False)


SCENE = {
    "a request": ([(b"o", 0, 10)], b"o"),
    "one after the other": ([(b"1", 0, 2), (b"2", 3, 4)], b"12"),
    "what was passed on": ([(b"o", 0, 10), (b"1", 1, 2), (b"2", 3, 4)], b"o"),
    "after what was passed on": ([(b"o", 0, 10), (b"1", 1, 2), (b"2", 11, 12)], b"o2"),
    "siblings": ([(b"1", 0, 10, b"p"), (b"2", 1, 9, b"p"), (b"3", 2, 8, b"p")], b"123"),
    "below siblings": ([(b"1", 0, 9, b"p"), (b"2", 1, 8, b"p"), (b"3", 2, 3, b"1")], b"12"),
    "siblings within": ([(b"o", 0, 9), (b"1", 1, 12, b"p"), (b"2", 2, 8, b"p")], b"o"),
    "of another trace": ([(b"o", 0, 10), (b"1", 1, 2, b"", b"u")], b"o1"),
    "a clock that ran backwards": ([(b"1", 5, 0), (b"2", 7, 8)], b"12"),
}


@pytest.mark.parametrize("scene", SCENE)
def test_in_whichever_order_only_the_outermost_uses_of_a_trace_are_taken(scene: str) -> None:
    spans, expected = SCENE[scene]
    for order in permutations(spans):
        uses = Uses()
        for one in order:
            uses.add(note(*one), "shop")
        assert b"".join(use.span_id for _, use in uses.take()) == expected
        assert uses.take() == []


def test_uses_of_other_services_and_identities_are_not_passed_on() -> None:
    uses = Uses()
    uses.add(note(b"1", 0, 10), "shop")
    uses.add(note(b"2", 1, 2), "pay")
    assert len(uses.take()) == 2
