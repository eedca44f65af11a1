"""Windows follow the time they are handed, forward and backward, within their bounds."""

from __future__ import annotations

import pytest

from collector.evaluate.windows import SlidingDistinct, Tumbling


def counts(**bounds: int) -> Tumbling[str, list[int]]:
    return Tumbling(10, list, **bounds)


def test_a_window_is_handed_over_once_when_it_has_ended() -> None:
    windows = counts()
    for time in (0, 9.9, 10):
        value = windows.at(time, "a")
        assert value is not None
        value.append(1)

    assert list(windows.close(9.9)) == []
    assert [start for start, _ in windows.close(10)] == [0]
    assert [start for start, _ in windows.close(float("inf"))] == [10]
    assert list(windows.close(float("inf"))) == []


@pytest.mark.parametrize(("keys", "refused"), [(3, 0), (4, 1)])
def test_keys_beyond_the_bound_are_refused_and_counted(keys: int, refused: int) -> None:
    windows = counts(max_keys=3)
    given = [windows.at(0, str(number)) for number in range(keys)]
    assert given.count(None) == refused == windows.overflow


def test_times_far_away_neither_break_nor_pile_up_windows() -> None:
    windows = counts(max_open=4)
    for time in (-1e9, 0, 1e9, 2e9, 3e9, 4e9):
        assert windows.at(time, "a") is not None
    assert [start for start, _ in windows.close(-1e9)] == [-1e9, 0]


def test_a_value_leaves_after_the_span() -> None:
    sliding = SlidingDistinct(seconds=60, steps=6)
    assert sliding.add(1, 0)
    assert not sliding.add(1, 9)
    assert sliding.add(2, 59)
    assert sliding.count() == 2

    sliding.roll(60)
    assert sliding.count() == 1
    assert sliding.add(1, 61)
    sliding.roll(1e6)
    assert sliding.count() == 0
    assert sliding.is_exact


def test_a_value_that_is_still_there_stays() -> None:
    sliding = SlidingDistinct(seconds=60, steps=6)
    for now in range(0, 600, 10):
        sliding.add(1, now)
    assert sliding.count() == 1


def test_fresh_counts_only_what_is_new_in_the_present_step() -> None:
    sliding = SlidingDistinct(seconds=60, steps=6)
    for hashed in range(5):
        sliding.add(hashed, 0)
    assert sliding.fresh == 5
    sliding.add(0, 10)
    assert sliding.fresh == 0
    sliding.add(9, 11)
    assert sliding.fresh == 1


def test_a_clock_that_jumps_back_does_not_freeze_the_span() -> None:
    sliding = SlidingDistinct(seconds=60, steps=6)
    sliding.add(1, 100)
    sliding.add(2, 0)
    assert sliding.count() == 2
    sliding.roll(170)
    assert sliding.count() == 0
