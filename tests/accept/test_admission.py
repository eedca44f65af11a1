"""What may be in flight, and what is counted of it."""

import pytest

from collector.accept.admission import Admission
from collector.ledger import Ledger, Transport
from collector.violation import Signal


@pytest.mark.parametrize("size", [1, 50, 51])
def test_bytes_in_flight_are_bounded_but_one_request_always_fits(size):
    admission = Admission(max_bytes=100)

    assert admission.enter() is None
    assert admission.grow(150, [0])
    assert not admission.grow(size, [0])
    admission.leave(150)
    assert admission.grow(50, [0])
    assert admission.grow(size, [0]) is (size <= 50)


def test_transports_are_labelled_as_in_the_metrics():
    assert [str(one) for one in Transport] == ["grpc", "http"]


def test_every_count_is_born_at_zero_so_that_its_first_increase_shows():
    entries = Ledger().snapshot()
    for counts in (entries.received, entries.inspected, entries.items):
        assert counts == {(str(one), str(way)): 0 for one in Signal for way in Transport}
        assert len(counts) == 6
    assert ("traces", "grpc", "overloaded") in entries.refused
    assert ("logs", "http", "unauthenticated") in entries.refused
    assert set(entries.refused.values()) == {0}
