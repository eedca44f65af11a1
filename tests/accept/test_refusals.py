"""Over its bounds, while it stops and when it fails: the sender hears that it may come back."""

import threading

import grpc
import pytest
from accept.server import GOOD, ask, call, inspect, status_of
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.accept.admission import Admission
from collector.accept.grpc import GrpcListener
from collector.accept.http import HttpListener
from collector.accept.reply import JSON
from collector.ledger import Ledger, Refusal
from collector.violation import Signal


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
