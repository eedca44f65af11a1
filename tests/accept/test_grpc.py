"""OTLP over gRPC: call in, status out, and the ledger beside it."""

import threading
import time

import grpc
import pytest
from accept.server import GOOD, LIMIT, SIGNALS, call, inspect, padded
from grpc_health.v1 import health_pb2, health_pb2_grpc

from collector.accept.admission import Admission
from collector.accept.grpc import GrpcListener
from collector.accept.memory import MemoryBudget
from collector.decode.messages import SERVICES
from collector.ledger import Refusal
from collector.violation import Signal


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
    reason = Refusal.TOO_LARGE if compression else Refusal.INCOMPLETE  # of what gRPC reads not
    assert rpc.refusals() == [reason]
    assert rpc.balance() == 1


@pytest.mark.parametrize("room", [300_000, 150_000])
def test_grpc_messages_are_counted_with_what_they_inflate_to(serve, room):
    """Many small messages cannot take together what none of them may take alone."""
    admission, (signal, body) = Admission(max_bytes=room), padded(100_000)
    held = []

    def hold(*_request):
        held.append(admission.in_flight[1])
        return 1

    server = serve(GrpcListener, hold, admission, max_bytes=200_000)
    assert call(server, signal, body, grpc.Compression.Gzip) == b""
    assert held == [len(body)]
    assert admission.grow(room - len(body) + 1, [0])  # others take all the room but a byte too much
    with pytest.raises(grpc.RpcError) as refused:
        call(server, signal, body, grpc.Compression.Gzip)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert server.refusals() == [Refusal.OVERLOADED]
    assert len(held) == 1


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


def test_while_memory_is_short_no_grpc_call_waits_long_for_its_message(serve):
    """What has arrived of it is held by gRPC, and counted by nobody."""
    held = [0]
    memory = MemoryBudget(1_000, lambda: held[0])
    server = serve(GrpcListener, inspect, Admission(memory=memory), body_timeout_seconds=600)
    begun, ended = threading.Event(), threading.Event()

    def never():
        begun.set()
        ended.wait(60)
        yield b""

    with grpc.insecure_channel(server.address) as channel:
        try:
            export = channel.stream_unary(f"/{SERVICES[Signal.LOGS]}/Export")
            waiting = export.future(never(), timeout=60)
            assert begun.wait(60)
            deadline = time.monotonic() + 60
            while server.admission.in_flight[0] == 0:
                assert time.monotonic() < deadline
            held[0] = 1_001
            assert waiting.exception().code() is grpc.StatusCode.CANCELLED
        finally:
            ended.set()
    server.listener.stop(5)

    assert server.refusals() == [Refusal.MEMORY]
    assert server.balance() == 1


def test_grpc_health_is_serving_for_the_server_and_each_service(rpc):
    with grpc.insecure_channel(rpc.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES.values()):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert rpc.balance() == 0
