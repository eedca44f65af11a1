"""A body that turns out to be no HTTP is answered at once, and counted once."""

import socket
import struct
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


def test_whoever_asks_whether_to_go_on_and_leaves_is_counted_once(listener):
    address, ledger, admission = listener
    host, _, port = address.rpartition(":")
    asks = {"Content-Type": "application/json", "Content-Length": "9", "Expect": "100-continue"}
    for _ in range(20):
        with socket.create_connection((host, int(port))) as leaving:
            leaving.sendall(request("/v1/traces", None, asks))
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with Connection(address) as connection:  # after it, all those before have been seen
        connection.send(request("/v1/traces", b"{}", {"Content-Type": "application/json"}))
        assert connection.answer().status == 200

    entries = ledger.snapshot()
    assert +entries.refused == {
        ("traces", "http", str(Refusal.INCOMPLETE)): entries.received.total() - 1
    }
    assert entries.inspected.total() == 1
    assert admission.in_flight == (0, 0)
