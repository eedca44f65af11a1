"""What the next hop needs, certificates and secret headers, can change while requests pass."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from faults.scene import until
from forward.senders import WAYS, send

from collector.config import Forward
from collector.forward.hops import hop_of

PROTOCOLS = ["grpc", "http/protobuf"]


class Closing:
    """A hop that tells when it is closed."""

    def __init__(self, hop):
        self._hop = hop
        self.closed = Event()
        self.start = hop.start
        self.send = hop.send

    def close(self):
        self._hop.close()
        self.closed.set()


def hop_with(hop, token):
    forward = Forward(endpoint=hop.endpoint, protocol=hop.protocol, headers={"x-token": token})
    return Closing(hop_of(forward))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_on_its_way_is_answered_by_the_hop_before(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    first, second = hop_with(hop, "first"), hop_with(hop, "second")
    auditor.forwarder.replace(first)
    held = place.held(hop, lambda got: got.headers["x-token"] == "first")
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(send, auditor, "protobuf", "traces")
        held.has(1)
        auditor.forwarder.replace(second)

        assert send(auditor, "protobuf", "traces").accepted
        assert not first.closed.is_set()

        held.release()
        assert early.result(20).accepted
    assert first.closed.wait(20)
    assert [got.headers["x-token"] for got in hop.got] == ["first", "second"]
    assert auditor.balance() == (2, 0, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_that_nothing_waits_for_is_closed_at_once(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    first = hop_with(hop, "first")
    auditor.forwarder.replace(first)

    auditor.forwarder.replace(hop_with(hop, "second"))

    assert first.closed.wait(20)
    for way in WAYS:
        assert send(auditor, way, "logs").accepted


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_end_closes_the_hop_before_too_and_whoever_waits_hears_of_it(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    first = hop_with(hop, "first")
    auditor.forwarder.replace(first)
    held = place.held(hop)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(send, auditor, "protobuf", "traces")
        held.has(1)
        auditor.forwarder.replace(hop_with(hop, "second"))

        auditor.forwarder.close()

        assert first.closed.is_set()
        assert early.result(5).code == 503
        held.release()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_that_comes_after_the_end_is_closed(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    auditor.close()
    late = hop_with(hop, "late")

    auditor.forwarder.replace(late)

    assert late.closed.is_set()


def test_headers_are_read_again_when_their_file_changes(place, servers, tmp_path):
    hop = place.web()
    file = tmp_path / "headers"
    file.write_text("authorization: Bearer first\n")
    program = servers.start(
        {
            "forward": {
                "endpoint": hop.endpoint,
                "protocol": hop.protocol,
                "headers_file": str(file),
            },
            "tls": {"reload_seconds": 0.1},
        }
    )
    assert send(program, "protobuf", "traces").accepted

    file.write_text("authorization Bearer second\n")
    until(lambda: "forward.headers_file" in program.page("/readyz")[1], "it is not told")
    assert send(program, "protobuf", "traces").accepted
    file.write_text("authorization: Bearer third\n")
    until(lambda: "forward.headers_file" not in program.page("/readyz")[1], "it is still told")
    assert send(program, "protobuf", "traces").accepted

    assert [got.headers["authorization"] for got in hop.got] == [
        "Bearer first",
        "Bearer first",
        "Bearer third",
    ]
