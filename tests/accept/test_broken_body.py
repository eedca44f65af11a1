"""A body that turns out to be no HTTP is answered at once, and counted once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from conformance.wire import Connection, request

from collector.accept.admission import Admission
from collector.accept.http import HttpListener
from collector.ledger import Ledger, Refusal

LATE = 600.0  # far beyond the time in which the test waits for an answer


@pytest.fixture
def listener():
    ledger, admission = Ledger(), Admission()
    made = HttpListener("127.0.0.1:0", lambda *_: 0, ledger, admission, body_timeout_seconds=LATE)
    address = made.start()
    yield address, ledger, admission
    made.stop(0)


def test_a_chunk_of_no_size_ends_its_request_while_the_body_is_waited_for(listener, caplog):
    address, ledger, admission = listener
    headers = {
        "Content-Type": "application/json",
        "Transfer-Encoding": "chunked",
        "Expect": "100-continue",
    }
    with Connection(address) as connection:
        connection.send(request("/v1/traces", None, headers))
        assert connection.interim() == 100  # from here on the body is read
        connection.send(b'5\r\n{"res\r\nquux\r\n')
        answer = connection.answer()
        assert connection.closed_within(15)

    entries = ledger.snapshot()
    assert answer.status == 400
    assert +entries.refused == {("traces", "http", str(Refusal.INCOMPLETE)): 1}
    assert entries.received.total() == 1
    assert admission.in_flight == (0, 0)
    assert not caplog.records
