"""The program itself between real exporters and real hops."""

import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from conformance.samples import REQUESTS, as_json
from conformance.wire import SECONDS
from faults.scene import until
from forward.senders import WAYS, send
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SPANS = 40
LOAD = 12


def listens(address):
    host, port = address.rsplit(":", 1)
    with socket.socket() as one:
        return one.connect_ex((host, int(port))) == 0


def ledger(program):
    """Received, inspected, refused and uninspected requests, by the metrics that it shows."""
    _, page = program.page("/metrics")
    found = re.findall(r"telemetry_auditor_requests_(\w+)_total\{.*\} ([0-9.e+]+)", page)
    counts = {}
    for name, value in found:
        counts[name] = counts.get(name, 0) + int(float(value))
    assert counts["received"] == counts["inspected"] + counts["refused"] + counts["uninspected"]
    return counts


def spans_at(hop):
    found = []
    for got in hop.got:
        if got.signal == "traces":
            for block in REQUESTS["traces"].FromString(got.body).resource_spans:
                for scope in block.scope_spans:
                    found += [one.name for one in scope.spans]
    return found


def exporter(program, way):
    if way == "grpc":
        return GrpcSpans(endpoint=f"http://{program.grpc}", insecure=True)
    return HttpSpans(endpoint=f"http://{program.http}/v1/traces")


@pytest.mark.parametrize("way", ["grpc", "http"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_spans_of_the_sdk_arrive_at_the_hop_though_it_fails_at_first(place, servers, way, protocol):
    hop = place.hop(protocol)
    fails = iter([True, True])
    fine = hop.answer

    def answer(got):
        if next(fails, False):
            raise RuntimeError
        return fine(got)

    if protocol != "grpc":
        hop.answer = lambda got: (503, {}, b"") if next(fails, False) else fine(got)
    program = servers.start({"forward": {"endpoint": hop.endpoint, "protocol": protocol}})
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter(program, way)))
    tracer = provider.get_tracer("shop")
    for number in range(SPANS):
        with tracer.start_as_current_span(f"span {number}"):
            pass
    provider.force_flush()
    provider.shutdown()

    assert set(spans_at(hop)) == {f"span {number}" for number in range(SPANS)}
    counts = ledger(program)
    assert counts["inspected"] == len(hop.got)
    assert counts["uninspected"] == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [("grpc", "http/protobuf"), ("http/protobuf", "grpc"), ("grpc", "grpc")],
)
def test_two_auditors_stand_one_behind_the_other(place, servers, first, second):
    hop = place.hop(second)
    last = servers.start({"forward": {"endpoint": hop.endpoint, "protocol": second}})
    address = last.grpc if first == "grpc" else last.http
    near = {"endpoint": f"http://{address}", "protocol": first, "max_in_flight": 8}
    program = servers.start({"forward": near})

    for way in WAYS:
        for signal in ("traces", "logs", "metrics"):
            assert send(program, way, signal).accepted
    told = send(program, "protobuf", "traces", b"\xff\xff\xff")

    assert told.accepted  # the hop takes what it cannot read either
    for one in (program, last):
        assert ledger(one) == {"received": 13, "inspected": 12, "refused": 0, "uninspected": 1}
    assert len(hop.got) == 13


def test_an_auditor_behind_another_refuses_for_it(servers):
    last = servers.start()
    program = servers.start({"forward": {"endpoint": f"http://{last.grpc}"}})

    told = send(program, "json", "traces", as_json("traces"))
    bad = send(program, "protobuf", "traces", b"\xff\xff\xff")

    assert told.accepted
    assert bad.code == 400
    assert "not a protobuf" in bad.status.message
    assert ledger(last)["refused"] == 1
    assert ledger(program)["uninspected"] == 1


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_slow_hop_is_waited_for_at_the_end(place, servers, protocol):
    hop = place.hop(protocol)
    held = place.held(hop)
    forward = {"endpoint": hop.endpoint, "protocol": protocol}
    program = servers.start({"forward": forward})

    def one(number):
        return send(program, WAYS[number % len(WAYS)], "traces", seconds=SECONDS)

    with ThreadPoolExecutor(LOAD) as pool:
        sent = [pool.submit(one, number) for number in range(LOAD)]
        held.has(LOAD)
        stopper = threading.Thread(target=program.stop)
        stopper.start()
        until(lambda: not listens(program.http), "it still listens")
        until(lambda: not listens(program.grpc), "it still listens")
        held.release()
        assert all(one.result().accepted for one in sent)
        stopper.join(30)

    assert program.process.returncode == 0
    assert len(hop.got) == LOAD
    assert "ERROR" not in program.said
    assert "Traceback" not in program.said


def test_a_hop_that_never_answers_is_given_up_inside_the_grace(place, servers):
    hop = place.web()
    held = place.held(hop)
    forward = {"endpoint": hop.endpoint, "protocol": "http/protobuf", "timeout_seconds": 2}
    program = servers.start({"forward": forward})

    with ThreadPoolExecutor(len(WAYS)) as pool:
        sent = [pool.submit(send, program, way, "logs") for way in WAYS]
        held.has(len(WAYS))
        assert program.stop(8) == 0
        told = [one.result() for one in sent]

    assert [one.accepted for one in told] == [False] * len(WAYS)
    assert all(one.retries == (2.0, 2.0) for one in told)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_hop_that_may_take_longer_than_the_grace_does_not_hold_the_end_up(
    place, servers, protocol
):
    hop = place.hop(protocol)
    held = place.held(hop)
    forward = {"endpoint": hop.endpoint, "protocol": protocol, "timeout_seconds": 60}
    program = servers.start({"forward": forward, "admission": {"grace_seconds": 1}})

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send, program, "grpc", "logs")
        held.has(1)
        assert program.stop(10) == 0
        told = sent.result()

    assert not told.accepted
    assert told.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    for noise in ("ERROR", "Traceback", "Task was destroyed"):
        assert noise not in program.said


def test_the_next_hop_must_not_be_the_auditor_itself(servers):
    with pytest.raises(RuntimeError, match="a circle"):
        servers.start(
            {
                "grpc": {"address": "127.0.0.1:45671"},
                "forward": {"endpoint": "http://127.0.0.1:45671"},
            }
        )
