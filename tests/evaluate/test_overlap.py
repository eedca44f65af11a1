"""The sweep finds what a look at every moment finds, and no steady load stands out of itself."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.evaluate.overlap import Interval, peak, stands_out

INTERVALS = st.lists(
    st.builds(
        lambda start, length, trace: Interval(start, start + length, bytes([trace])),
        st.integers(0, 30),
        st.integers(1, 10),
        st.integers(0, 6),
    ),
    max_size=30,
)


@given(INTERVALS, st.randoms())
def test_the_peak_is_what_a_look_at_every_moment_finds(intervals, chance):
    at = {
        time: {one.trace_id for one in intervals if one.start <= time < one.end}
        for time in range(41)
    }
    shuffled = chance.sample(intervals, len(intervals))

    found = peak(shuffled)

    assert found.traces == max(map(len, at.values()))
    assert found.traces == len({one.trace_id for one in found.active})
    assert sorted(found.active) == sorted(peak(intervals).active)


def steady(per_second, duration, seconds, seed):
    """Requests that come independently of each other."""
    chance = random.Random(seed)
    starts = (chance.uniform(0, seconds) for _ in range(int(per_second * seconds)))
    return [
        Interval(int(start * 1e9), int((start + duration) * 1e9), i.to_bytes(4, "big"))
        for i, start in enumerate(starts)
    ]


@pytest.mark.parametrize("busy", [0.5, 1, 2, 3, 5, 10, 50])
def test_a_steady_load_does_not_stand_out(busy):
    for seed in range(20 if busy < 10 else 4):
        intervals = steady(busy / 0.01, 0.01, 10, seed)
        assert not ((found := peak(intervals)).traces >= 10 and stands_out(found, intervals, 10))


@pytest.mark.parametrize("busy", [0, 0.1, 0.5])
def test_a_burst_stands_out_of_a_steady_load(busy):
    burst = [Interval(5_000_000_000, 5_200_000_000, b"b%d" % i) for i in range(20)]
    intervals = [*steady(busy / 0.01, 0.01, 10, 1), *burst]

    assert stands_out(peak(intervals), intervals, 10)
