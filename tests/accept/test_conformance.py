"""OTLP over real sockets: request in, answer out, and the ledger beside it."""

import gzip
import http.client
import json
import socket
import threading
import zlib
from contextlib import closing, suppress
from typing import NamedTuple

import grpc
import pytest
from google.protobuf.json_format import Parse
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc

from collector import testing
from collector.accept.admission import Admission
from collector.accept.grpc import GrpcListener
from collector.accept.http import HttpListener
from collector.accept.reply import JSON, PROTOBUF
from collector.decode.messages import SERVICES, Encoding, parse
from collector.decode.otlp_json import to_protobuf
from collector.ledger import Ledger, Refusal, Transport
from collector.violation import Signal

LIMIT = 200_000
GOOD = dict(
    testing.requests({"service": "shop", "spans": [{}], "logs": [{}], "metrics": [{"name": "m"}]})
)
SIGNALS = list(Signal)


def inspect(signal, body, encoding):
    """Reads the request as the pipeline does, and counts one item."""
    if encoding is Encoding.JSON:
        message = to_protobuf(signal, body)
    else:
        message, _ = parse(signal, body)
    return len(message.ListFields())


class Server:
    """A listener with what it counted."""

    def __init__(self, listener, reader=inspect, admission=None, **options):
        self.ledger = Ledger()
        self.admission = admission or Admission()
        self.listener = listener("127.0.0.1:0", reader, self.ledger, self.admission, **options)
        self.address = self.listener.start()

    def refusals(self):
        return [reason for _, _, reason in self.ledger.snapshot().refused.elements()]

    def balance(self):
        entries = self.ledger.snapshot()
        received, inspected, refused = (
            sum(counts.values())
            for counts in (entries.received, entries.inspected, entries.refused)
        )
        assert received == inspected + refused
        return received


@pytest.fixture
def serve():
    running = []

    def start(listener, *arguments, **options):
        running.append(Server(listener, *arguments, **options))
        return running[-1]

    yield start
    for server in running:
        server.listener.stop(1)


@pytest.fixture
def web(serve):
    return serve(HttpListener, max_bytes=LIMIT)


@pytest.fixture
def rpc(serve):
    return serve(GrpcListener, max_bytes=LIMIT)


def ask(server, path, body=b"", content_type=PROTOBUF, method="POST", **headers):
    with closing(http.client.HTTPConnection(server.address, timeout=10)) as connection:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            fields["Content-Type"] = content_type
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, fields)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def status_of(headers, body):
    if headers["Content-Type"] == PROTOBUF:
        return Status.FromString(body)
    assert headers["Content-Type"] == JSON
    return Parse(body.decode(), Status())


def call(server, signal, body, compression=None, method="Export"):
    with grpc.insecure_channel(server.address) as channel:
        run = channel.unary_unary(f"/{SERVICES[signal]}/{method}")
        return run(body, timeout=10, compression=compression)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("coding", [None, "gzip", "GZIP", "x-gzip", "deflate", "identity"])
def test_http_takes_protobuf_in_every_coding(web, signal, coding):
    encode = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}
    body = encode.get((coding or "").lower(), bytes)(GOOD[signal])
    headers = {"Content_Encoding": coding} if coding else {}

    status, answered, answer = ask(web, f"/v1/{signal}", body, **headers)

    assert (status, answered["Content-Type"], answer) == (200, PROTOBUF, b"")
    assert +web.ledger.snapshot().items == {(str(signal), "http"): 1}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    "content_type", [JSON, "application/json; charset=utf-8", "APPLICATION/JSON"]
)
def test_http_takes_json_and_answers_an_empty_object(web, signal, content_type):
    status, answered, answer = ask(web, f"/v1/{signal}", b"{}", content_type)

    assert (status, answered["Content-Type"], json.loads(answer)) == (200, JSON, {})


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_empty_protobuf_body_is_an_empty_request(web, rpc, signal):
    assert ask(web, f"/v1/{signal}")[0] == 200
    assert call(rpc, signal, b"") == b""


def test_both_encodings_alternate_on_one_connection(web):
    with closing(http.client.HTTPConnection(web.address, timeout=10)) as connection:
        for content_type in (JSON, PROTOBUF, JSON):
            body = b"{}" if content_type == JSON else GOOD[Signal.TRACES]
            connection.request("POST", "/v1/traces", body, {"Content-Type": content_type})
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Content-Type")) == (200, content_type)
            answer.read()


def test_chunked_bodies_and_expect_continue(web):
    with closing(http.client.HTTPConnection(web.address, timeout=10)) as connection:
        pieces = iter([GOOD[Signal.LOGS][:5], GOOD[Signal.LOGS][5:]])
        connection.request("POST", "/v1/logs", pieces, {"Content-Type": PROTOBUF})
        assert connection.getresponse().status == 200
    host, port = web.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 100")
        raw.sendall(b"{}")
        assert raw.recv(1000).startswith(b"HTTP/1.1 200")


class Bad(NamedTuple):
    body: bytes
    content_type: str | None
    coding: str
    status: int
    reason: Refusal


GZIPPED = gzip.compress(b"x" * 99, mtime=0)
BOMB = gzip.compress(b"\n" * 50_000_000, mtime=0)
BAD = {
    "not protobuf": Bad(b"\xff\xff\xff", PROTOBUF, "", 400, Refusal.UNDECODABLE),
    "not JSON": Bad(b"{", JSON, "", 400, Refusal.UNDECODABLE),
    "text": Bad(b"{}", "text/plain", "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "no type": Bad(b"{}", "invalid", "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "absent type": Bad(b"{}", None, "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "other type": Bad(b"", "application/protobuf", "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "plain as gzip": Bad(b"x", PROTOBUF, "gzip", 400, Refusal.UNDECODABLE),
    "truncated gzip": Bad(GZIPPED[:-9], PROTOBUF, "gzip", 400, Refusal.UNDECODABLE),
    "unknown coding": Bad(b"", PROTOBUF, "foo", 415, Refusal.UNSUPPORTED_ENCODING),
    "zstd": Bad(b"", PROTOBUF, "zstd", 415, Refusal.UNSUPPORTED_ENCODING),
    "large": Bad(b"\n" * (LIMIT + 1), PROTOBUF, "", 413, Refusal.TOO_LARGE),
    "bomb": Bad(BOMB, PROTOBUF, "gzip", 413, Refusal.TOO_LARGE),
}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", BAD)
def test_http_refuses_with_a_status_body(web, signal, name):
    bad = BAD[name]
    headers = {"Content_Encoding": bad.coding} if bad.coding else {}

    answered = ask(web, f"/v1/{signal}", bad.body, bad.content_type, **headers)

    assert answered[0] == bad.status
    assert status_of(*answered[1:]).message
    assert answered[1]["Content-Type"] == (PROTOBUF if bad.content_type == PROTOBUF else JSON)
    assert web.refusals() == [bad.reason]
    assert web.balance() == 1


def test_a_bad_request_names_what_was_bad_in_its_details(web):
    _, headers, body = ask(web, "/v1/traces", b'{"resourceSpans": 5}', JSON)

    detail = BadRequest()
    assert status_of(headers, body).details[0].Unpack(detail)
    assert "resourceSpans" in detail.field_violations[0].description


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_told_what_is_allowed(web, method):
    status, headers, body = ask(web, "/v1/traces", b"", method=method)

    assert (status, headers["Allow"]) == (405, "POST")
    assert status_of(headers, body).message
    assert web.refusals() == [Refusal.METHOD_NOT_ALLOWED]


@pytest.mark.parametrize(
    "path", ["/", "/v1/traces/", "/v1/none", "/v1development/profiles", "//v1/traces"]
)
def test_other_paths_are_not_found_and_counted_without_a_signal(web, path):
    status, headers, body = ask(web, path)

    assert status == 404
    assert status_of(headers, body).message
    assert +web.ledger.snapshot().refused == {("unknown", "http", "not_found"): 1}


def padded(size):
    """A good request of exactly so many bytes."""
    (name, body) = (Signal.LOGS, GOOD[Signal.LOGS])
    rest = size - len(body)
    unknown = b"\xba\x3e"  # field 999, length-delimited; ignored by whoever does not know it
    for digits in range(1, 5):
        length, varint = rest - 2 - digits, b""
        value = length
        for index in range(digits):
            varint += bytes([(value & 0x7F) | (0x80 if index < digits - 1 else 0)])
            value >>= 7
        if value == 0:
            return name, body + unknown + varint + b"x" * length
    raise AssertionError


def test_a_body_of_exactly_the_limit_is_taken(web, rpc):
    signal, body = padded(LIMIT)
    assert len(body) == LIMIT

    assert ask(web, f"/v1/{signal}", body)[0] == 200
    assert ask(web, f"/v1/{signal}", gzip.compress(body), Content_Encoding="gzip")[0] == 200
    assert call(rpc, signal, body) == b""
    signal, body = padded(LIMIT + 1)
    assert ask(web, f"/v1/{signal}", body)[0] == 413


def test_a_chunked_body_over_the_limit_is_refused_before_its_end(web):
    with closing(http.client.HTTPConnection(web.address, timeout=10)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            pieces = (b"\n" * 10_000 for _ in range(10_000))
            connection.request("POST", "/v1/logs", pieces, {"Content-Type": PROTOBUF})
        assert connection.getresponse().status == 413


def test_a_body_that_stalls_is_given_up(serve):
    server = serve(HttpListener, body_timeout_seconds=0.2)
    host, port = server.address.split(":")

    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = raw.recv(1000)

    assert answer.startswith(b"HTTP/1.1 408")
    assert server.refusals() == [Refusal.BODY_TIMEOUT]


def test_a_client_that_goes_away_is_in_the_ledger(serve):
    server = serve(HttpListener)
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        while not +server.ledger.snapshot().received:
            pass
    server.listener.stop(5)

    assert server.refusals() == [Refusal.INCOMPLETE]
    assert server.balance() == 1


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_grpc_takes_every_signal(rpc, signal, compression):
    assert call(rpc, signal, GOOD[signal], compression) == b""
    assert +rpc.ledger.snapshot().items == {(str(signal), "grpc"): 1}


@pytest.mark.parametrize("signal", SIGNALS)
def test_grpc_answers_invalid_argument_to_what_is_not_otlp(rpc, signal):
    with pytest.raises(grpc.RpcError) as refused:
        call(rpc, signal, b"\xff\xff\xff")

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert rpc.refusals() == [Refusal.UNDECODABLE]
    assert rpc.balance() == 1


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_grpc_answers_resource_exhausted_without_retry_info_to_what_is_too_large(rpc, compression):
    with pytest.raises(grpc.RpcError) as refused:
        call(rpc, Signal.TRACES, b"\n" * (LIMIT + 1), compression)

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in dict(refused.value.trailing_metadata())
    rpc.listener.stop(5)
    assert rpc.refusals() == [Refusal.INCOMPLETE]
    assert rpc.balance() == 1


def test_other_grpc_methods_are_unimplemented(rpc):
    with pytest.raises(grpc.RpcError) as refused:
        call(rpc, Signal.TRACES, b"", method="Other")

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_hundred_calls_at_once_on_one_channel(rpc):
    with grpc.insecure_channel(rpc.address) as channel:
        run = channel.unary_unary(f"/{SERVICES[Signal.LOGS]}/Export")
        answers = [run.future(GOOD[Signal.LOGS], timeout=20) for _ in range(100)]
        assert [answer.result() for answer in answers] == [b""] * 100
    assert rpc.balance() == 100


def test_a_grpc_call_without_a_message_is_given_up(serve):
    server = serve(GrpcListener, body_timeout_seconds=0.2)
    with grpc.insecure_channel(server.address) as channel:
        ended = threading.Event()

        def never():
            ended.wait(20)
            yield b""

        try:
            with pytest.raises(grpc.RpcError):
                channel.stream_unary(f"/{SERVICES[Signal.LOGS]}/Export")(never(), timeout=20)
        finally:
            ended.set()
    server.listener.stop(5)

    assert server.refusals() == [Refusal.BODY_TIMEOUT]
    assert server.balance() == 1


def broken(*_request):
    raise RuntimeError("planted-secret")


def test_a_failure_inside_is_answered_retryably_and_without_its_text(serve, caplog):
    server = serve(HttpListener, broken)
    status, headers, body = ask(server, "/v1/logs", b"{}", JSON)

    assert status == 503
    assert int(headers["Retry-After"]) >= 1
    other = serve(GrpcListener, broken)
    with pytest.raises(grpc.RpcError) as refused:
        call(other, Signal.LOGS, b"")

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert server.refusals() == other.refusals() == [Refusal.INTERNAL]
    for text in (body.decode(), refused.value.details(), caplog.text):
        assert "planted-secret" not in text
    assert "RuntimeError" in caplog.text


def full():
    admission = Admission(max_requests=1, retry_after_seconds=7)
    assert admission.enter() is None
    return admission


def test_over_its_bounds_http_asks_to_come_back(serve):
    server = serve(HttpListener, inspect, full())

    status, headers, body = ask(server, "/v1/logs", b"{}", JSON)

    assert (status, headers["Retry-After"]) == (503, "7")
    delay = RetryInfo()
    assert status_of(headers, body).details[0].Unpack(delay)
    assert delay.retry_delay.seconds == 7
    assert server.refusals() == [Refusal.OVERLOADED]


def test_over_its_bounds_grpc_asks_to_come_back_in_both_places(serve):
    server = serve(GrpcListener, inspect, full())

    with pytest.raises(grpc.RpcError) as refused:
        call(server, Signal.LOGS, b"")

    trailers = dict(refused.value.trailing_metadata())
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"]).retry_delay.seconds == 7
    packed = Status.FromString(trailers["grpc-status-details-bin"]).details[0]
    delay = RetryInfo()
    assert packed.Unpack(delay)
    assert delay.retry_delay.seconds == 7
    assert server.refusals() == [Refusal.OVERLOADED]


@pytest.mark.parametrize("listener", [HttpListener, GrpcListener])
def test_requests_in_flight_are_answered_when_it_stops(serve, listener):
    entered, go = threading.Event(), threading.Event()

    def slow(*request):
        entered.set()
        assert go.wait(10)
        return inspect(*request)

    server = serve(listener, slow)
    answers = []
    send = {
        HttpListener: lambda: answers.append(ask(server, "/v1/logs", GOOD[Signal.LOGS])[0]),
        GrpcListener: lambda: answers.append(call(server, Signal.LOGS, GOOD[Signal.LOGS])),
    }[listener]
    client = threading.Thread(target=send)
    client.start()
    assert entered.wait(10)
    server.admission.drain()
    stopping = threading.Thread(target=server.listener.stop, args=(10,))
    stopping.start()
    go.set()
    client.join(10)
    stopping.join(10)

    assert answers in ([200], [b""])
    assert server.balance() == 1


@pytest.mark.parametrize("listener", [HttpListener, GrpcListener])
def test_while_draining_new_requests_are_sent_away(serve, listener):
    server = serve(listener)
    server.admission.drain()

    if listener is HttpListener:
        assert ask(server, "/v1/logs", b"{}", JSON)[0] == 503
    else:
        with pytest.raises(grpc.RpcError):
            call(server, Signal.LOGS, b"")

    assert server.refusals() == [Refusal.DRAINING]


@pytest.mark.parametrize("listener", [HttpListener, GrpcListener])
def test_a_port_in_use_is_named(serve, listener):
    taken = serve(listener)

    with pytest.raises(OSError, match=taken.address):
        listener(taken.address, inspect, Ledger(), Admission()).start()


def test_grpc_health_is_serving_for_the_server_and_each_service(rpc):
    with grpc.insecure_channel(rpc.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES.values()):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert rpc.balance() == 0


@pytest.mark.parametrize("size", [1, 50, 51])
def test_bytes_in_flight_are_bounded_but_one_request_always_fits(size):
    admission = Admission(max_bytes=100)

    assert admission.enter() is None
    assert admission.grow(150)
    assert not admission.grow(size)
    admission.leave(150)
    assert admission.grow(50)
    assert admission.grow(size) is (size <= 50)


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
