"""Whatever the next hop does, its sender hears of it in time; no success is made up."""

import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from conformance.samples import JSON, PROTOBUF, padded
from faults.scene import until
from forward.hops import DETAILS, RETRY, Refusal
from forward.senders import WAYS, body_of, send

CODES = (grpc.StatusCode.UNAVAILABLE, 503)
GARBAGE = b"\xff\xff\xff\xff"
GOAWAY = (
    b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # settings of HTTP/2,
    b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"  # and good-bye
)


def answering(code, body=b"", **headers):
    return lambda got: (
        code,
        {name.replace("_", "-"): value for name, value in headers.items()},
        body,
    )


def must_try_again(auditor, way, outcome, **options):
    told = send(auditor, way, "traces", **options)
    assert not told.accepted
    assert told.code in CODES
    assert "try again later" in told.status.message
    assert told.retries == (2.0, 2.0)
    assert auditor.outcomes() == {outcome: 1}
    assert auditor.balance() == (1, 0, 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_hop_that_is_down(place, way, protocol):
    hop = place.hop(protocol)
    hop.close()
    must_try_again(place.auditor(hop), way, "unreachable")


def test_the_log_tells_of_a_hop_that_is_down_once_in_a_minute(place, caplog):
    hop = place.hop("grpc")
    hop.close()
    auditor = place.auditor(hop)

    for signal in ("traces", "logs", "traces"):
        assert not send(auditor, "protobuf", signal).accepted

    told = [one.getMessage() for one in caplog.records if "forward.endpoint" in one.getMessage()]
    assert told == [
        "the next hop cannot be reached (forward.endpoint); senders are asked to try again"
    ]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_hop_whose_name_is_unknown(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop, endpoint="http://nowhere.invalid:4317", timeout_seconds=3)
    told = send(auditor, "grpc", "logs")
    assert told.code is grpc.StatusCode.UNAVAILABLE
    assert told.retries == (2.0, 2.0)
    assert "nowhere" not in told.status.message


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_hop_that_comes_back_is_used_again(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    hop.answer = lambda got: 1 / 0

    first = send(auditor, "protobuf", "logs")
    hop.answer = (lambda got: b"") if protocol == "grpc" else answering(200)

    assert not first.accepted
    assert send(auditor, "protobuf", "logs").accepted


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_hop_that_is_slow(place, way, protocol):
    hop = place.hop(protocol)
    place.held(hop)
    auditor = place.auditor(hop, timeout_seconds=0.5)
    began = time.monotonic()

    must_try_again(auditor, way, "timeout")

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_sender_that_says_when_it_gives_up_is_answered_before(place, protocol):
    hop = place.hop(protocol)
    place.held(hop)
    auditor = place.auditor(hop)

    must_try_again(auditor, "grpc", "timeout", seconds=1.5)


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
RAW = {
    "no answer": (b"", "unreachable"),
    "no connection": (None, "unreachable"),
    "noise": (b"\x00\x01\x02 nonsense\r\n\r\n", "garbage"),
    "a bad status line": (b"HTTP/1.1 what\r\n\r\n", "garbage"),
    "half of the headers": (b"HTTP/1.1 200 OK\r\nContent-Ty", "unreachable"),
    "half of the body": (_OK + b"Content-Length: 9\r\n\r\n\x0a", "unreachable"),
    "none of the body": (_OK + b"Content-Length: 9\r\n\r\n", "unreachable"),
    "half of the chunks": (
        _OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n\x0a\r\n",
        "unreachable",
    ),
    "a body that is no gzip": (
        _OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        "unreachable",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", RAW)
def test_an_http_hop_that_writes(place, way, what):
    data, outcome = RAW[what]
    must_try_again(place.auditor(place.raw(data)), way, outcome)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "data", [None, b"", b"HTTP/1.1 404 Not Found\r\n\r\n", b"\x00" * 50, GOAWAY]
)
def test_a_grpc_hop_that_writes(place, way, data):
    hop = place.raw(data, "grpc")
    must_try_again(place.auditor(hop, timeout_seconds=5), way, "unreachable")


ODD = {
    "a redirect": answering(307, Location="http://127.0.0.1:1/v1/traces"),
    "not modified": answering(304),
    "a page": answering(200, b"<html>", Content_Type="text/html"),
    "broken protobuf": answering(200, GARBAGE, Content_Type=PROTOBUF),
    "broken JSON": answering(200, b'{"partialSuccess":', Content_Type=JSON),
    "JSON of another kind": answering(200, b"[1]", Content_Type=JSON),
    "JSON too deep": answering(200, b"[" * 100_000, Content_Type=JSON),
    "JSON that is no text": answering(200, b"\xff\xfe", Content_Type=JSON),
    "more than clients read": answering(200, bytes(5_000_000), Content_Type=PROTOBUF),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ODD)
def test_an_http_hop_that_answers(place, way, what):
    hop = place.web()
    hop.answer = ODD[what]
    must_try_again(place.auditor(hop), way, "garbage")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", [GARBAGE, bytes(5_000_000)])
def test_a_grpc_hop_that_answers(place, way, answer):
    hop = place.rpc()
    hop.answer = lambda got: answer
    must_try_again(place.auditor(hop), way, "garbage")


@pytest.mark.parametrize("way", WAYS)
def test_a_grpc_hop_with_illegible_trailers(place, way):
    hop = place.rpc()
    auditor = place.auditor(hop)
    trailers = ((DETAILS, GARBAGE), (RETRY, GARBAGE))
    hop.answer = lambda got: Refusal(grpc.StatusCode.UNAVAILABLE, "busy", trailers)

    told = send(auditor, way, "traces")

    assert told.code in CODES
    assert told.status.message == "busy"
    assert auditor.outcomes() == {"retry": 1}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_comes_in_pieces_is_read_whole(place, way):
    hop = place.web()
    auditor = place.auditor(hop)
    pieces = [b'{"partialSuccess":', b'{"rejectedSpans":', b'"3","errorMessage":"x"}}']
    hop.answer = answering(200, pieces, Content_Type=JSON)

    told = send(auditor, way, "traces")

    assert told.message.partial_success.rejected_spans == 3
    assert auditor.outcomes() == {"partial": 1}


def test_beyond_the_bound_requests_are_refused_after_inspection(place):
    for hop in (place.rpc(), place.web()):
        held = place.held(hop)
        auditor = place.auditor(hop, max_in_flight=3, retry_after_seconds=5)
        with ThreadPoolExecutor(3) as pool:
            sent = [pool.submit(send, auditor, way, "logs") for way in ("grpc", "json", "gzip")]
            held.has(3)
            assert auditor.forwarder.in_flight == 3
            for way in WAYS:
                told = send(auditor, way, "logs")
                assert told.code in CODES
                assert told.retries == (5.0, 5.0)
                assert "too many" in told.status.message
            assert auditor.outcomes() == {"full": 4}
            held.release()
            assert all(one.result().accepted for one in sent)

        assert auditor.outcomes() == {"full": 4, "accepted": 3}
        assert len(hop.got) == 3
        assert send(auditor, "grpc", "logs").accepted
        assert auditor.balance() == (8, 0, 0)


def test_what_cannot_be_decoded_goes_on_as_it_came_and_the_hop_answers(place):
    for hop in (place.rpc(), place.web()):
        auditor = place.auditor(hop)
        cases = [("grpc", GARBAGE, {}), ("protobuf", GARBAGE, {})]
        if hop.protocol != "grpc":
            cases += [
                ("json", b'{"resourceSpans":', {}),
                ("protobuf", b"\x1f\x8b cut", {"Content_Encoding": "gzip"}),
                ("protobuf", b"\x28\xb5\x2f\xfd", {"Content_Encoding": "zstd"}),
                ("json", b"?", {"Content_Encoding": "snappy"}),
            ]
        for way, body, headers in cases:
            assert send(auditor, way, "traces", body, **headers).accepted
            assert hop.got[-1].body == body
            coding = hop.got[-1].headers.get("Content-Encoding")
            assert coding == headers.get("Content_Encoding")
        assert auditor.balance() == (0, 0, len(cases))
        assert auditor.outcomes() == {"accepted": len(cases)}

        hop.answer = (
            (lambda got: Refusal(grpc.StatusCode.INVALID_ARGUMENT, "cannot read it"))
            if hop.protocol == "grpc"
            else answering(400, b"cannot read it", Content_Type="text/plain")
        )
        for way in ("grpc", "protobuf"):
            told = send(auditor, way, "traces", GARBAGE)
            assert told.code in (grpc.StatusCode.INVALID_ARGUMENT, 400)
            assert told.status.message == "cannot read it"
        assert auditor.balance() == (0, 0, len(cases) + 2)


def test_a_failure_of_the_inspection_costs_nobody_telemetry(place):
    def broken(*_):
        raise RuntimeError("a secret")

    for hop in (place.rpc(), place.web()):
        auditor = place.auditor(hop, inspect=broken)
        for way in WAYS:
            assert send(auditor, way, "traces").accepted
        assert auditor.balance() == (0, 0, len(WAYS))


@pytest.mark.parametrize(
    ("way", "body", "headers", "code"),
    [
        ("json", b'{"resourceSpans":', {}, 400),
        ("protobuf", b"\x1f\x8b cut", {"Content_Encoding": "gzip"}, 400),
        ("protobuf", b"\x28\xb5\x2f\xfd", {"Content_Encoding": "zstd"}, 415),
    ],
)
def test_what_cannot_be_written_for_a_grpc_hop_is_refused(place, way, body, headers, code):
    hop = place.rpc()
    auditor = place.auditor(hop)

    told = send(auditor, way, "traces", body, **headers)

    assert told.code == code
    assert hop.got == []
    assert auditor.balance() == (0, 1, 0)


def test_what_is_over_the_limit_goes_nowhere(place):
    for hop in (place.rpc(), place.web()):
        auditor = place.auditor(hop)
        large = body_of("protobuf", "logs") + b"\xba\x3e\x80\x80\x80\x01" + bytes(2 * 1024 * 1024)
        assert send(auditor, "gzip", "logs", large).code == 413
        assert send(auditor, "grpc", "logs", large).code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert hop.got == []
        assert auditor.balance() == (0, 2, 0)


def test_a_sender_that_goes_away_is_still_counted(place):
    hop = place.rpc()
    held = place.held(hop)
    auditor = place.auditor(hop)

    told = send(auditor, "grpc", "traces", seconds=0.3)
    assert not told.accepted
    held.release()
    until(lambda: auditor.forwarder.in_flight == 0, "it is never answered")

    assert auditor.balance() == (1, 0, 0)


def test_what_waits_for_a_hop_counts_with_what_it_inflates_to(place):
    """A hop over gRPC is sent it inflated: small bodies would else take memory without a bound."""
    hop = place.rpc()
    held = place.held(hop)
    auditor = place.auditor(hop)
    body = padded("logs", 1_000_000)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send, auditor, "gzip", "logs", body)
        held.has(1)
        assert auditor.admission.in_flight == (1, len(body))
        held.release()
        assert sent.result().accepted

    assert auditor.balance() == (1, 0, 0)
