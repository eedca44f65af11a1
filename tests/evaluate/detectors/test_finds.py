"""Of several finds at one place one counts, and thousands of them are settled one by one."""

from __future__ import annotations

import random

import pytest

from collector.evaluate.detectors import finds
from collector.evaluate.detectors.finds import Find, settled
from collector.evaluate.detectors.table import DETECTORS

RANKED = list(DETECTORS)[:20]


def find(order: int, start: int, length: int) -> Find:
    return Find(RANKED[order], order, start, start + length, "secret")


def one_by_one(found: list[Find]) -> list[Find]:
    """The same by comparing each with all that are kept."""
    kept: list[Find] = []
    for one in sorted(found, key=lambda f: (-f.detector.rank, f.order, f.start, -f.end)):
        for index, other in enumerate(kept):
            if one.start < other.end and other.start < one.end:
                start, end = min(one.start, other.start), max(one.end, other.end)
                kept[index] = other._replace(start=start, end=end)
                break
        else:
            kept.append(one)
    return kept


@pytest.mark.parametrize("seed", range(50))
def test_the_highest_rank_wins_and_takes_the_place_of_what_it_displaces(seed: int) -> None:
    chance = random.Random(seed)
    lengths = [0, 1, 6, 20, 63, 64, 65, 200]
    found = [
        find(chance.randrange(20), chance.randrange(400), chance.choice(lengths))
        for _ in range(chance.randrange(40))
    ]
    assert settled(found) == [one_by_one(found)]


def test_finds_are_not_compared_with_those_that_lie_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever sends thousands of secrets must not be paid with their square."""
    compared = []
    touches = finds._touches

    def counted(one: Find, others: tuple[Find, ...]) -> bool:
        compared.append(one)
        return touches(one, others)

    monkeypatch.setattr(finds, "_touches", counted)
    found = [find(number % 20, 20 * number, 10) for number in range(2_000)] * 2

    assert len(settled(found)[0]) == 2_000
    assert len(compared) < 10 * len(found)
