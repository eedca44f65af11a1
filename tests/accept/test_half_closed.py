"""A sender that closes its half of a connection is answered for what it has sent whole."""

import time

import pytest
from conformance import wire
from conformance.samples import PROTOBUF, as_protobuf

from collector.accept.admission import Admission
from collector.accept.http import HttpListener
from collector.ledger import Ledger

FIELDS = {"Content-Type": PROTOBUF}
WHOLE = wire.request("/v1/traces", as_protobuf("traces"), FIELDS)
CUT = wire.request("/v1/traces", None, FIELDS | {"Content-Length": "1000"}) + b"x"


def inspect(*_):
    time.sleep(0.05)  # the end of the half is seen first
    return 1


@pytest.fixture
def served():
    ledger = Ledger()
    listener = HttpListener("127.0.0.1:0", inspect, ledger, Admission())
    yield listener.start(), ledger
    listener.stop(1)


def told(address, *pieces):
    with wire.Connection(address) as connection:
        for piece in pieces:
            connection.send(piece)
        connection.finish()
        status = connection.answer().status
        assert connection.closed_within(5)
    return status


@pytest.mark.parametrize("at", [len(WHOLE), len(WHOLE) - 1, 10])
def test_a_whole_request_is_answered_and_then_the_connection_ends(served, at):
    address, ledger = served

    assert told(address, WHOLE[:at], WHOLE[at:]) == 200

    entries = ledger.snapshot()
    assert sum(entries.inspected.values()) == 1
    assert sum(entries.refused.values()) == 0


def test_of_a_request_that_is_cut_the_end_is_not_waited_for(served):
    address, ledger = served

    assert told(address, CUT) == 0

    deadline = time.monotonic() + 10
    while not sum(ledger.snapshot().refused.values()):
        assert time.monotonic() < deadline
    assert sum(ledger.snapshot().received.values()) == 1


def test_a_connection_without_a_request_is_closed(served):
    address, ledger = served

    assert told(address) == 0
    assert sum(ledger.snapshot().received.values()) == 0


def test_the_next_request_of_a_connection_is_answered_too(served):
    address, ledger = served
    with wire.Connection(address) as connection:
        connection.send(WHOLE)
        assert connection.answer().status == 200
        connection.send(WHOLE)
        connection.finish()
        assert connection.answer().status == 200
        assert connection.closed_within(5)
    assert sum(ledger.snapshot().inspected.values()) == 2
