"""Findings in answers, with a next hop and without one, and in the logs of SDKs."""

import json
import logging
import os

import grpc
import pytest
from conformance.samples import JSON, PROTOBUF, REQUESTS, RESPONSES
from conformance.servers import Servers
from forward.hops import Refusal
from forward.senders import WAYS, send
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from requests import Session

from collector.report.collapse import Finding
from collector.report.feedback import Feedback
from collector.violation import Basis, Service, Severity, Signal, Violation

HOPS = ("grpc", "http/protobuf")
TOLD = "telemetry-auditor: critical p in unknown: it is so (s)"


def finding():
    violation = Violation(
        policy="p", kind="k", severity=Severity.CRITICAL, signal=Signal.LOGS,
        service=Service("unknown"), subject="s", basis=Basis.OBSERVED, summary="it is so",
        remedy="",
    )  # fmt: skip
    return Finding.of(violation, 0)


@pytest.fixture
def feedback():
    made = Feedback()
    made.add(finding())
    return made


def body(way, signal):
    return b'{"%b":[{}]}' % _field(signal) if way == "json" else b"\x0a\x00"


def _field(signal):
    return REQUESTS[signal].DESCRIPTOR.fields[0].json_name.encode()


@pytest.mark.parametrize("signal", list(REQUESTS))
@pytest.mark.parametrize("protocol", HOPS)
@pytest.mark.parametrize("way", WAYS)
def test_a_finding_is_told_where_the_hop_took_everything(place, feedback, way, protocol, signal):
    hop = place.hop(protocol)
    auditor = place.auditor(hop, hints=feedback)

    told = [send(auditor, way, signal, body(way, signal)) for _ in range(2)]

    assert all(one.accepted for one in told)
    wanted = RESPONSES[signal]()
    wanted.partial_success.error_message = TOLD
    assert told[0].message == wanted
    assert told[1].message == RESPONSES[signal]()
    if way == "json":
        assert json.loads(told[0].body) == {"partialSuccess": {"errorMessage": TOLD}}


@pytest.mark.parametrize("protocol", HOPS)
@pytest.mark.parametrize("way", WAYS)
def test_a_finding_waits_while_the_hop_has_something_to_say_itself(place, feedback, way, protocol):
    hop = place.hop(protocol)
    auditor = place.auditor(hop, hints=feedback)
    fine = hop.answer
    part = RESPONSES["traces"]()
    part.partial_success.rejected_spans = 1
    part.partial_success.error_message = "one is too old"
    if protocol == "grpc":
        answers = [part.SerializeToString(), Refusal(grpc.StatusCode.INVALID_ARGUMENT)]
        answers += [Refusal(grpc.StatusCode.UNAVAILABLE), b"\xff"]
    else:
        kind = {"Content-Type": PROTOBUF}
        answers = [(200, kind, part.SerializeToString()), (400, {}, b"")]
        answers += [(503, {}, b""), (200, kind, b"\xff")]

    for answer in answers:
        hop.answer = lambda got, answer=answer: answer
        told = send(auditor, way, "traces", body(way, "traces"))
        if told.accepted:
            assert told.message == part
    hop.answer = fine

    assert send(auditor, way, "traces", body(way, "traces")).message.partial_success.error_message


def test_what_was_not_inspected_tells_nobody(place, feedback):
    auditor = place.auditor(place.web(), hints=feedback)
    told = send(auditor, "protobuf", "traces", b"\xff")
    assert told.accepted
    assert not told.message.HasField("partial_success")


def test_a_hop_that_answers_in_another_encoding_is_put_into_the_sender_s(place, feedback):
    hop = place.web()
    auditor = place.auditor(hop, hints=feedback)
    hop.answer = lambda got: (200, {"Content-Type": JSON}, b'{"partialSuccess":{}}')
    for expected in (TOLD, ""):
        told = send(auditor, "protobuf", "logs", body("protobuf", "logs"))
        assert told.headers["content-type"] == PROTOBUF
        assert told.message.partial_success.error_message == expected


class _Logs(grpc.UnaryUnaryClientInterceptor):
    """Logs what an answer says beside OK; the exporter over gRPC has no option for one."""

    def intercept_unary_unary(self, continuation, details, request):
        call = continuation(details, request)
        call.add_done_callback(_log_grpc)
        return call


_LOG = logging.getLogger("shop.telemetry")


def _log_grpc(call):
    if call.code() is grpc.StatusCode.OK and (said := call.result().partial_success.error_message):
        _LOG.warning("OTLP partial success: %s", said)


def _log_http(answer, **_):
    if answer.ok and answer.content:
        said = RESPONSES["traces"].FromString(answer.content).partial_success.error_message
        if said:
            _LOG.warning("OTLP partial success: %s", said)


@pytest.fixture
def servers(tmp_path):
    made = Servers(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_the_python_sdk_takes_it_for_a_success_and_shows_it_where_asked_to(servers, caplog, way):
    program = servers.start({"feedback": {"enabled": True}})
    if way == "grpc":
        exporter = GrpcSpans(
            endpoint=f"http://{program.grpc}",
            insecure=True,
        )
        stub = type(exporter._client)
        channel = grpc.intercept_channel(exporter._channel, _Logs())
        exporter._client = stub(channel)
    else:
        session = Session()
        session.hooks["response"].append(_log_http)
        exporter = HttpSpans(endpoint=f"http://{program.http}/v1/traces", session=session)
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    secret = os.urandom(24).hex()
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            with provider.get_tracer("shop").start_as_current_span("order") as span:
                span.set_attribute("http.request.header.authorization", [f"Bearer {secret}"])
        provider.shutdown()

    shown = [
        one.getMessage() for one in caplog.records if "telemetry-auditor: " in one.getMessage()
    ]
    assert len(shown) == 1
    assert "in shop" in shown[0]
    assert secret not in caplog.text
    assert [one.levelname for one in caplog.records] == ["WARNING"]
