"""Distinct counts: exact while few, within three standard errors when many, mergeable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.evaluate.sketch import STANDARD_ERROR, Distinct, stable_hash

HASHES = st.lists(st.integers(min_value=0, max_value=2**64 - 1), max_size=60)


def counted(numbers: range, exact: int = 2048) -> Distinct:
    sketch = Distinct(exact)
    for number in numbers:
        sketch.add(stable_hash(str(number)))
    return sketch


@given(HASHES)
def test_few_are_counted_exactly(hashes: list[int]) -> None:
    sketch = Distinct()
    grew = [sketch.add(hashed) for hashed in hashes]
    assert sketch.count() == len(set(hashes)) == sum(grew)


@pytest.mark.parametrize("size", [3000, 10_000, 60_000])
def test_many_are_estimated_within_three_standard_errors(size: int) -> None:
    sketch = counted(range(size))
    assert not sketch.is_exact
    assert abs(sketch.count() - size) < 3 * STANDARD_ERROR * size


@pytest.mark.parametrize(("added", "is_exact"), [(10, True), (11, False)])
def test_the_bound_of_exact_counting(added: int, is_exact: bool) -> None:
    assert counted(range(added), exact=10).is_exact is is_exact


@pytest.mark.parametrize("sizes", [(10, 20), (10, 5000), (5000, 10), (4000, 6000), (0, 3000)])
def test_a_merge_counts_the_union(sizes: tuple[int, int]) -> None:
    parts = counted(range(sizes[0])), counted(range(sizes[0] // 2, sum(sizes)))
    merged = Distinct.merged(part.pack() for part in parts)
    whole = counted(range(sum(sizes)))
    assert merged.count() == whole.count()
    assert merged.pack() == whole.pack()


@given(st.lists(HASHES, max_size=4), st.integers(0, 40), st.integers(0, 40))
def test_a_merge_is_what_one_that_saw_all_would_be(
    parts: list[list[int]], small: int, large: int
) -> None:
    """In whatever order, and whether the parts are exact or not."""
    packed = []
    whole = Distinct(large)
    for hashes in parts:
        part = Distinct(small)
        for hashed in hashes:
            part.add(hashed)
            whole.add(hashed)
        packed.append(part.pack())

    merged, turned = Distinct.merged(packed, large), Distinct.merged(reversed(packed), large)

    assert merged.pack() == turned.pack()
    if small >= large:
        assert merged.pack() == whole.pack()
    assert Distinct.merged([merged.pack()], large).pack() == merged.pack()


def test_hashes_are_stable_keyed_and_take_any_string() -> None:
    assert stable_hash("a") == stable_hash("a")
    assert stable_hash("a", b"k") != stable_hash("a")
    assert stable_hash("\ud800") != stable_hash("")
