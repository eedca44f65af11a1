"""Headers that are added, and those of the sender that go on."""

import pytest
from conformance.rows import Target
from forward.senders import WAYS, body_of, send
from pydantic import ValidationError

from collector.config import Forward
from collector.forward.hops import forwarder_of

HOPS = ("grpc", "http/protobuf")


def fields(got):
    return {name.lower(): value for name, value in got.headers.items()}


@pytest.mark.parametrize("protocol", HOPS)
@pytest.mark.parametrize("way", WAYS)
def test_headers_are_added_from_the_configuration_and_from_a_file(place, tmp_path, way, protocol):
    path = tmp_path / "headers"
    path.write_text("# secret ones\n\nAuthorization: Bearer abc:def==\n  X-Tenant :  shop  \n")
    hop = place.hop(protocol)
    added = {"X-Source": "auditor one", "X-Tenant": "replaced by the file"}
    auditor = place.auditor(hop, headers=added, headers_file=path)

    assert send(auditor, way, "traces").accepted

    sent = fields(hop.got[0])
    assert sent["authorization"] == "Bearer abc:def=="
    assert sent["x-tenant"] == "shop"
    assert sent["x-source"] == "auditor one"


@pytest.mark.parametrize("protocol", HOPS)
def test_only_the_headers_that_are_named_go_on(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop, pass_headers=["X-Tenant"], headers={"x-tenant": "default"})

    send(auditor, "protobuf", "logs")
    send(auditor, "protobuf", "logs", X_Tenant="shop", Authorization="Bearer t", Cookie="c=1")
    send(auditor, "protobuf", "logs", X_Tenant="gr\xf6\xdfer")

    first, second, third = (fields(got) for got in hop.got)
    assert first["x-tenant"] == "default"
    assert second["x-tenant"] == "shop"
    assert third["x-tenant"] == "default"
    for one in (second, third):
        assert "authorization" not in one
        assert "cookie" not in one


def test_metadata_of_a_grpc_sender_goes_on(place):
    for protocol in HOPS:
        hop = place.hop(protocol)
        auditor = place.auditor(hop, pass_headers=["authorization"])
        target = Target(auditor.http, auditor.grpc, token="abcdef")

        target.call("traces", body_of("grpc", "traces"))

        assert fields(hop.got[0])["authorization"] == "Bearer abcdef"


def test_a_hop_gets_no_cookie_of_another_request(place):
    hop = place.web()
    auditor = place.auditor(hop)
    hop.answer = lambda got: (200, {"Set-Cookie": "session=1; Path=/"}, b"")

    for _ in range(2):
        told = send(auditor, "protobuf", "logs")
        assert "set-cookie" not in told.headers

    assert "cookie" not in fields(hop.got[1])


@pytest.mark.parametrize(
    "line", ["no colon", ": empty", "Bad Name: x", "X: gr\xf6\xdfer", "X: bell\x07", "X-Y(Z): a"]
)
def test_a_headers_file_that_is_wrong_is_refused_without_showing_it(tmp_path, line):
    path = tmp_path / "headers"
    path.write_text(f"A: b\n{line}\n")

    with pytest.raises(OSError, match=r"forward\.headers_file .*:2: not a header") as failed:
        forwarder_of(Forward(endpoint="http://hop:4317", headers_file=path))
    assert line not in str(failed.value)


def test_a_headers_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(OSError, match=r"forward\.headers_file"):
        forwarder_of(Forward(endpoint="http://hop:4317", headers_file=tmp_path / "none"))


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"x": "line\nbreak"}},
        {"headers": {"a b": "x"}},
        {"headers": {"Content-Type": "text/plain"}},
        {"pass_headers": ["content-length"]},
        {"pass_headers": ["Transfer-Encoding"]},
        {"pass_headers": ["grpc-trace-bin"]},
        {"endpoint": "http://hop:4317/path"},
        {"endpoint": "http://hop"},
        {"endpoint": "hop:4317"},
        {"certificate_file": "x.pem"},
    ],
)
def test_what_cannot_be_sent_is_refused_at_start(options):
    with pytest.raises(ValidationError):
        Forward(**({"endpoint": "http://hop:4317"} | options))


@pytest.mark.parametrize(
    ("endpoint", "own"),
    [
        ("http://127.0.0.1:4317", "127.0.0.1:4317"),
        ("http://localhost:4317", "127.0.0.1:4317"),
        ("http://localhost:4317", "0.0.0.0:4317"),
        ("http://[::1]:4318", "[::]:4318"),
    ],
)
def test_a_circle_is_refused_at_start(endpoint, own):
    with pytest.raises(OSError, match="a circle"):
        forwarder_of(Forward(endpoint=endpoint), frozenset({own}))
    assert forwarder_of(Forward(endpoint="http://hop:4317"), frozenset({own})) is not None
