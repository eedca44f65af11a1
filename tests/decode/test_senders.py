"""Who sent a request, read without its items, is who the decoder says it is."""

import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.identity import Resources
from collector.decode.messages import REQUESTS, Encoding
from collector.decode.senders import senders
from collector.violation import UNKNOWN_SERVICE, Service, Signal

KEYS = st.sampled_from(["service.name", "service.namespace", "deployment.environment", "host.name"])
PAIRS = st.lists(st.tuples(KEYS, st.text(max_size=5)), max_size=5)


@given(blocks=st.lists(PAIRS, max_size=5), signal=st.sampled_from(list(Signal)))
def test_services_are_those_of_the_decoder(blocks, signal):
    message = REQUESTS[signal]()
    field = message.DESCRIPTOR.fields[0].name
    for pairs in blocks:
        block = getattr(message, field).add(schema_url="https://schema")
        for key, value in pairs:
            block.resource.attributes.add(key=key).value.string_value = value
    known = Resources(frozenset())
    wanted = [known.intern(block.resource).service for block in getattr(message, field)]
    wanted = list(dict.fromkeys(wanted))

    assert senders(signal, message.SerializeToString(), Encoding.PROTOBUF) == wanted
    assert senders(signal, MessageToJson(message).encode(), Encoding.JSON) == wanted


def test_a_resource_in_two_parts_is_one():
    name = b"\x0a\x1a\x0a\x18\x0a\x0cservice.name\x12\x08\x0a\x06shop-a"
    message = REQUESTS[Signal.TRACES]()
    message.ParseFromString(b"")
    block = message.resource_spans.add()
    block.resource.attributes.add(key="service.name").value.string_value = "shop-a"
    one = block.SerializeToString()
    block.Clear()
    block.resource.attributes.add(key="service.namespace").value.string_value = "eu"
    both = one + block.SerializeToString()
    assert one == name
    sent = b"\x0a" + bytes([len(both)]) + both

    assert senders(Signal.TRACES, sent, Encoding.PROTOBUF) == [Service("shop-a", "eu")]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"\xff\xff", Encoding.PROTOBUF),
        (b"\x0a\x7f", Encoding.PROTOBUF),
        (b"\x0a\x04\x0a\x02\x0a\xff", Encoding.PROTOBUF),
        (b"[", Encoding.JSON),
        (b"[]", Encoding.JSON),
        (b'{"resourceSpans":[{"resource":7}]}', Encoding.JSON),
        (b"\xff", Encoding.JSON),
    ],
)
def test_what_cannot_be_read_has_no_senders(body, encoding):
    assert senders(Signal.TRACES, body, encoding) in ([], [Service(UNKNOWN_SERVICE)])


@pytest.mark.parametrize("body", [b"{}", b'{"resourceSpans":null}', b'{"resourceSpans":[]}'])
def test_an_empty_request_has_none(body):
    assert senders(Signal.TRACES, body, Encoding.JSON) == []


def test_only_so_many_resources_are_looked_at():
    message = REQUESTS[Signal.LOGS]()
    for number in range(150):
        block = message.resource_logs.add()
        block.resource.attributes.add(key="service.name").value.string_value = str(number)
    sent = message.SerializeToString()

    assert len(senders(Signal.LOGS, sent, Encoding.PROTOBUF)) == 100
    assert len(senders(Signal.LOGS, sent, Encoding.PROTOBUF, most=200)) == 150
