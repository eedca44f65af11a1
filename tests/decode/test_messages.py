"""Invalid UTF-8 costs the string it stands in, and what is not OTLP is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode.messages import REQUESTS, DecodeError, parse
from collector.violation import Signal


def request() -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    for name in ("good", "NAME"):
        span = resource.scope_spans.add().spans.add(name=name, trace_id=b"t" * 16)
        span.attributes.add(key="k").value.string_value = "VALUE"
    return message


def test_a_good_request_is_read_as_it_is() -> None:
    assert parse(Signal.TRACES, request().SerializeToString()) == (request(), 0)


def test_an_invalid_string_is_replaced_and_its_neighbours_stay() -> None:
    broken = request().SerializeToString().replace(b"NAME", b"NA\xffE")
    message, repaired = parse(Signal.TRACES, broken)

    assert repaired == 1
    assert isinstance(message, ExportTraceServiceRequest)
    names = [scope.spans[0].name for scope in message.resource_spans[0].scope_spans]
    assert names == ["good", "NA\ufffdE"]
    assert message.resource_spans[0].scope_spans[1].spans[0].trace_id == b"t" * 16


def test_every_invalid_string_is_counted() -> None:
    broken = request().SerializeToString().replace(b"VALUE", b"\xc3\x28\xfe\xffE")
    assert parse(Signal.TRACES, broken)[1] == 2


@pytest.mark.parametrize("signal", list(Signal))
def test_an_empty_body_is_an_empty_request(signal: Signal) -> None:
    assert parse(signal, b"") == (REQUESTS[signal](), 0)


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\x7f", b"\x0b"])
def test_what_is_not_otlp_is_refused_without_repeating_it(signal: Signal, data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"^the body is not a protobuf Export\w+$"):
        parse(signal, data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for signal in Signal:
        try:
            parse(signal, data)
        except DecodeError:
            continue


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_group_is_refused_wherever_it_stands(depth, valid):
    group = b"\xfb\x07\xfc\x07"  # start and end of group 127
    name = b"\x2a\x02ok" if valid else b"\x2a\x02o\xff"
    body = b"".join((name, group))
    for _ in range(depth):
        body = b"\x12" + bytes([len(body)]) + body
    body = b"\x0a" + bytes([len(body)]) + body

    with pytest.raises(DecodeError):
        parse(Signal.TRACES, body)


def test_unknown_fields_are_left_out():
    assert parse(Signal.TRACES, b"\xfa\x07\x01x").message == REQUESTS[Signal.TRACES]()
