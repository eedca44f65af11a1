"""However a request comes and goes on, the next hop gets it whole and its answer comes back."""

import gzip
import json

import grpc
import pytest
from conformance.samples import JSON, PROTOBUF, REJECTED, REQUESTS, RESPONSES, SIGNALS
from forward.hops import DETAILS, RETRY, Refusal, status, waiting
from forward.senders import WAYS, body_of, send
from google.protobuf.json_format import MessageToJson
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest

from collector.accept.memory import MemoryBudget
from collector.decode.otlp_json import to_protobuf
from collector.violation import Signal

HOPS = ("grpc", "http/protobuf")
EVERY = pytest.mark.parametrize(("way", "protocol"), [(way, hop) for way in WAYS for hop in HOPS])


def message_of(way, signal, body):
    if way == "json":
        return to_protobuf(Signal(signal), body)
    return REQUESTS[signal].FromString(body)


def written(got, message):
    """A message as an HTTP hop writes it: in the encoding of the request."""
    kind = got.headers["Content-Type"]
    as_json = kind == JSON
    return kind, MessageToJson(message).encode() if as_json else message.SerializeToString()


def refusing(hop, code, http, made, **headers):
    """Let a hop of either protocol refuse."""
    if hop.protocol == "grpc":
        hop.answer = lambda got: Refusal(code, made.message, ((DETAILS, made.SerializeToString()),))
        return

    def answer(got):
        kind, body = written(got, made)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return http, {"Content-Type": kind, **fields}, body

    hop.answer = answer


@EVERY
@pytest.mark.parametrize("signal", SIGNALS)
def test_the_hop_gets_the_request_and_the_sender_its_full_success(place, way, protocol, signal):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    body = body_of(way, signal)

    told = send(auditor, way, signal, body)

    assert told.accepted
    assert told.message == RESPONSES[signal]()
    assert len(hop.got) == 1
    got = hop.got[0]
    assert got.signal == signal
    if protocol == "grpc" or way == "grpc":
        assert message_of("protobuf", signal, got.body) == message_of(way, signal, body)
    else:
        sent = gzip.compress(body) if way == "gzip" else body
        assert gzip.decompress(got.body) == body if way == "gzip" else got.body == sent
        assert got.headers.get("Content-Encoding", "") == ("gzip" if way == "gzip" else "")
    if protocol != "grpc":
        assert got.headers["Content-Type"] == (JSON if way == "json" else PROTOBUF)
        assert int(got.headers["Content-Length"]) == len(got.body)
    assert auditor.balance() == (1, 0, 0)
    assert auditor.outcomes() == {"accepted": 1}


def test_between_http_hops_every_byte_stays(place):
    hop = place.web()
    auditor = place.auditor(hop, compression="gzip")
    odd = gzip.compress(body_of("protobuf", "logs"), compresslevel=9, mtime=77) + gzip.compress(b"")
    deflated = json.dumps(json.loads(body_of("json", "logs")), indent=7).encode()

    send(auditor, "protobuf", "logs", odd, Content_Encoding="gzip")
    send(auditor, "json", "logs", deflated, Content_Encoding="identity")

    assert hop.got[0].body == odd
    assert hop.got[1].body == deflated
    assert hop.got[1].headers["Content-Encoding"] == "identity"


@pytest.mark.parametrize("way", WAYS)
def test_what_comes_plain_is_sent_on_compressed_where_that_is_asked_for(place, way):
    hop = place.web()
    auditor = place.auditor(hop, compression="gzip")
    body = body_of(way, "traces")

    assert send(auditor, way, "traces", body).accepted
    assert hop.got[0].headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(hop.got[0].body) == body


def test_a_grpc_hop_is_sent_compressed_messages_where_that_is_asked_for(place):
    hop = place.rpc()
    auditor = place.auditor(hop, compression="gzip")
    body = body_of("grpc", "traces")

    assert send(auditor, "grpc", "traces", body).accepted
    assert hop.got[0].body == body


@pytest.mark.parametrize("protocol", HOPS)
def test_bodies_of_a_megabyte_go_on(place, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop, compression="gzip")
    message = REQUESTS["logs"]()
    record = message.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = "x" * 1_500_000
    body = message.SerializeToString()

    for way in ("grpc", "protobuf", "gzip"):
        assert send(auditor, way, "logs", body).accepted
    plain = [
        gzip.decompress(got.body) if "Content-Encoding" in got.headers else got.body
        for got in hop.got
    ]
    assert plain == [body] * 3


@pytest.mark.parametrize("protocol", HOPS)
def test_json_that_never_fits_into_memory_is_sent_on_unread_or_not_asked_for_again(place, protocol):
    hop = place.hop(protocol)
    memory = MemoryBudget(2_000_000, lambda: 1_000_000)
    auditor = place.auditor(hop, memory=memory)
    heavy = b'{"resourceLogs":[' + b"{}," * 10_000 + b"{}]}"

    assert send(auditor, "json", "logs", body_of("json", "logs")).accepted
    answer = send(auditor, "json", "logs", heavy)

    if protocol == "grpc":  # which takes no JSON
        assert (answer.code, answer.retries) == (413, (None, None))
        assert len(hop.got) == 1
        assert auditor.balance() == (1, 1, 0)
    else:
        assert answer.accepted
        assert hop.got[-1].body == heavy
        assert auditor.balance() == (1, 0, 1)


@EVERY
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("rejected", [0, 7])
def test_a_partial_success_comes_back_whole(place, way, protocol, signal, rejected):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    response = RESPONSES[signal]()
    setattr(response.partial_success, REJECTED[signal], rejected)
    response.partial_success.error_message = "seven too many: größer"

    def answer(got):
        if protocol == "grpc":
            return response
        kind, body = written(got, response)
        return 200, {"Content-Type": kind}, body

    hop.answer = answer

    told = send(auditor, way, signal)

    assert told.accepted
    assert told.message == response
    if way == "json" and rejected:
        part = json.loads(told.body)["partialSuccess"]
        assert "7" in part.values()
    assert auditor.outcomes() == {"partial": 1}


@EVERY
def test_an_empty_partial_success_is_a_full_one(place, way, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    response = RESPONSES["traces"]()
    response.partial_success.SetInParent()

    def answer(got):
        if protocol == "grpc":
            return response
        if got.headers["Content-Type"] == JSON:
            return 200, {"Content-Type": JSON}, b'{"partialSuccess":{}}'
        return 200, {"Content-Type": PROTOBUF}, response.SerializeToString()

    hop.answer = answer

    assert send(auditor, way, "traces").accepted
    assert auditor.outcomes() == {"accepted": 1}


@EVERY
def test_a_request_to_try_again_comes_back_with_its_delay_in_all_places(place, way, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    made = status(code_pb2.UNAVAILABLE, "queue is full", waiting(4))
    refusing(hop, grpc.StatusCode.UNAVAILABLE, 503, made, Retry_After="4")

    told = send(auditor, way, "logs")

    assert not told.accepted
    assert told.code in (grpc.StatusCode.UNAVAILABLE, 503)
    assert told.status.message == "queue is full"
    assert told.retries == (4.0, 4.0)
    assert auditor.outcomes() == {"retry": 1}
    assert auditor.balance() == (1, 0, 0)


@EVERY
def test_throttling_is_told_as_throttling(place, way, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    made = status(code_pb2.RESOURCE_EXHAUSTED, "slow down", waiting(2))
    refusing(hop, grpc.StatusCode.RESOURCE_EXHAUSTED, 429, made)

    told = send(auditor, way, "metrics")

    if way == "grpc":  # 429 is retryable as it is; in gRPC only UNAVAILABLE surely is
        assert told.code.name in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
    else:
        assert told.code == 429
    assert told.retries == (2.0, 2.0)


@EVERY
@pytest.mark.parametrize(
    ("code", "http"),
    [("INVALID_ARGUMENT", 400), ("UNAUTHENTICATED", 401), ("PERMISSION_DENIED", 403)],
)
def test_a_refusal_for_good_comes_back_with_its_status(place, way, protocol, code, http):
    hop = place.hop(protocol)
    auditor = place.auditor(hop)
    detail = BadRequest(field_violations=[BadRequest.FieldViolation(field="f", description="d")])
    made = status(code_pb2.Code.Value(code), "not here", detail)
    refusing(hop, grpc.StatusCode[code], http, made)

    told = send(auditor, way, "traces")

    assert told.code == (grpc.StatusCode[code] if way == "grpc" else http)
    assert told.status.message == "not here"
    assert told.status.details[0].Is(BadRequest.DESCRIPTOR)
    assert told.retries == (None, None)
    assert auditor.outcomes() == {"refused": 1}


@pytest.mark.parametrize("way", WAYS)
def test_a_size_that_the_hop_does_not_take_is_no_reason_to_try_again(place, way):
    for hop in (place.rpc(), place.web()):
        auditor = place.auditor(hop)
        made = status(code_pb2.RESOURCE_EXHAUSTED, "larger than 4 MiB")
        refusing(hop, grpc.StatusCode.RESOURCE_EXHAUSTED, 413, made)

        told = send(auditor, way, "traces")

        assert told.code in (grpc.StatusCode.RESOURCE_EXHAUSTED, 413)
        assert told.retries == (None, None)


@pytest.mark.parametrize("way", ["protobuf", "json", "gzip"])
def test_an_http_hop_that_only_sets_retry_info_gets_a_retry_after(place, way):
    hop = place.web()
    auditor = place.auditor(hop)
    refusing(hop, None, 503, status(14, "busy", waiting(2, 500_000_000)))

    told = send(auditor, way, "traces")

    assert told.retries == (2.5, 3.0)


@pytest.mark.parametrize("way", WAYS)
def test_a_grpc_hop_that_only_sets_the_trailer_is_told_in_the_details_too(place, way):
    hop = place.rpc()
    auditor = place.auditor(hop)
    trailers = ((RETRY, waiting(3).SerializeToString()),)
    hop.answer = lambda got: Refusal(grpc.StatusCode.UNAVAILABLE, "busy", trailers)

    told = send(auditor, way, "traces")

    assert told.status.message == "busy"
    assert told.retries == (3.0, 3.0)


@pytest.mark.parametrize("way", WAYS)
def test_a_grpc_hop_that_says_no_more_than_unavailable_is_quoted(place, way):
    hop = place.rpc()
    auditor = place.auditor(hop)
    hop.answer = lambda got: Refusal(grpc.StatusCode.UNAVAILABLE, "data refused, memory is high")

    told = send(auditor, way, "traces")

    assert told.code in (grpc.StatusCode.UNAVAILABLE, 503)
    assert told.status.message == "data refused, memory is high"
    assert auditor.outcomes() == {"retry": 1}


@pytest.mark.parametrize("code", [200, 202, 204])
@pytest.mark.parametrize("way", WAYS)
def test_every_success_of_http_is_one(place, way, code):
    hop = place.web()
    auditor = place.auditor(hop)
    hop.answer = lambda got: (code, {}, b"")

    told = send(auditor, way, "logs")

    assert told.accepted
    assert told.message == RESPONSES["logs"]()
    assert auditor.outcomes() == {"accepted": 1}


@pytest.mark.parametrize(("code", "outcome"), [(502, "retry"), (500, "refused"), (404, "refused")])
@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/json"])
@pytest.mark.parametrize("way", WAYS)
def test_errors_of_what_stands_before_the_hop_come_back_as_a_status(
    place, way, kind, code, outcome
):
    hop = place.web()
    auditor = place.auditor(hop)
    hop.answer = lambda got: (code, {"Content-Type": kind, "Retry-After": "5"}, b"bad gateway\xff")

    told = send(auditor, way, "logs")

    if way != "grpc":
        assert told.code == code
    assert told.retries[1] == (5.0 if outcome == "retry" or way != "grpc" else None)
    if kind == "text/plain":
        assert told.status.message == "bad gateway\ufffd"
    assert auditor.outcomes() == {outcome: 1}


def test_a_date_of_retry_after_is_read(place):
    hop = place.web()
    auditor = place.auditor(hop)
    hop.answer = lambda got: (503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}, b"")

    told = send(auditor, "grpc", "traces")

    assert told.retries == (86_400.0, 86_400.0)


def test_a_signal_that_is_not_sent_on_ends_here(place):
    hop = place.rpc()
    auditor = place.auditor(hop, signals=["traces"])

    for way in WAYS:
        for signal in SIGNALS:
            assert send(auditor, way, signal).accepted

    assert [got.signal for got in hop.got] == ["traces"] * len(WAYS)
    assert auditor.balance() == (len(WAYS) * len(SIGNALS), 0, 0)
    assert {signal for signal, _ in auditor.forwarder.outcomes} == {"traces"}
