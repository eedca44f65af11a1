"""What the fuzzer found, and what it should try first, with the decoder as it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")

sys.path.insert(0, str(Path(__file__).parents[1] / "decode" / "native"))
sys.path.insert(0, str(Path(__file__).parent))
from case import START, Case
from compare import Pair
from demands import EVERYTHING
from generate import field_of
from mutate import mutated

from collector.decode.native.decoder import NativeDecoder
from collector.decode.reference import ReferenceDecoder
from collector.violation import Signal

FOUND = sorted(
    path
    for path in (Path(__file__).parent / "found").iterdir()
    if path.is_file() and path.suffix != ".md"
)

#: The fields in which attributes stand: of a span, of a log record, of a point of a gauge.
ATTRIBUTE_OF = {Signal.TRACES: (9,), Signal.LOGS: (6,), Signal.METRICS: (7, 1, 5)}


def _inside(body: bytes, *numbers: int) -> bytes:
    """A message in a field of a message in a field, the last number outermost."""
    for number in numbers:
        body = field_of(number << 3 | 2, body, 0)
    return body


def _any(depth: int) -> bytes:
    """A value in an array in a value, and so on."""
    body = AnyValue(string_value="GET").SerializeToString()
    for _ in range(depth):
        body = _inside(body, 1, 5)
    return body


def _pair(key: bytes, value: bytes) -> bytes:
    return _inside(key, 1) + _inside(value, 2)


#: What stands in an attribute of an item, and whether the request is taken.
ATTRIBUTES = {
    "plain": (_pair(b"code", _any(0)), True),
    "nested 40 times": (_pair(b"code", _any(40)), True),
    "nested beyond what protobuf reads": (_pair(b"code", _any(60)), False),
    "value before key": (_inside(_any(0), 2) + _inside(b"code", 1), True),
    "two keys": (_inside(b"old", 1) + _pair(b"code", _any(0)), True),
    "two values": (_pair(b"code", _any(0)) + _inside(b"\x18\x05", 2), True),
    "two kinds of value": (_pair(b"code", b"\x18\x05" + _any(0)), True),
    "array in two parts": (_pair(b"code", _any(1) + _any(1)), True),
    "key of invalid UTF-8": (_pair(b"co\xffde", _any(0)), True),
    "text cut within a character": (_pair(b"code", _inside(b"GET\xe2\x82", 1)), True),
    "surrogate": (_pair(b"code", _inside(b"\xed\xa0\x80", 1)), True),
    "no key, no value": (b"", True),
    "key of another wire type": (b"\x08\x01" + _inside(_any(0), 2), True),
    "number of ten bytes": (_pair(b"code", b"\x18" + b"\xff" * 9 + b"\x01"), True),
    "number of ten bytes, beyond 64 bits": (_pair(b"code", b"\x18" + b"\xff" * 9 + b"\x7f"), True),
    "number of eleven bytes": (_pair(b"code", b"\x18" + b"\xff" * 10 + b"\x01"), False),
    "number that is cut off": (_pair(b"code", b"\x18\xff"), False),
    "double that is cut off": (_pair(b"code", b"\x21" + b"\0" * 7), False),
    "unknown field": (_pair(b"code", _any(0)) + _inside(b"x", 31), True),
    "field number of a large tag": (_pair(b"code", _any(0)) + b"\xfa\xff\xff\xff\x0f\x01x", True),
}

#: What stands in a request as such, and whether it is taken.
BODIES = {
    "empty": (b"", True),
    "one byte": (b"\x0a", False),
    "tag of field 0": (b"\x02\x00", False),
    "tag that is cut off": (b"\x8a", False),
    "tag of six bytes": (b"\x8a\x80\x80\x80\x80\x00\x00", False),
    "tag of five bytes": (b"\x8a\x80\x80\x80\x00\x00", True),
    "tag beyond 32 bits": (b"\xfa\xff\xff\xff\x7f\x00", False),
    "length that is cut off": (b"\x0a\x80", False),
    "length of five bytes": (b"\x0a\x80\x80\x80\x80\x00", True),
    "length of six bytes": (b"\x0a\x80\x80\x80\x80\x80\x00", False),
    "length beyond the end": (b"\x0a\x05\x0a\x00", False),
    "length of 2^31 - 1": (b"\x0a\xff\xff\xff\xff\x07", False),
    "length of 2^31": (b"\x0a\x80\x80\x80\x80\x08", False),
    "length of 2^32 + 2": (b"\x0a\x82\x80\x80\x80\x10\x0a\x00", False),
    "group": (b"\x0b\x0c", False),
    "unknown group": (b"\xa3\x06\xa4\x06", False),
    "group that is not closed": (b"\x0b", False),
    "end of no group": (b"\x0c", False),
    "wire type 6": (b"\x0e", False),
    "wire type 7": (b"\x0f", False),
    "resource after its scopes": (_inside(_inside(b"", 2) + _inside(b"", 1), 1), True),
    "two resources": (_inside(_inside(b"\x10\x01", 1) * 2, 1), True),
    "two scopes": (_inside(_inside(_inside(_inside(b"a", 1), 1) * 2, 2), 1), True),
    "number where a message stands": (b"\x08\x01", True),
}


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found_stays_mended(path):
    assert Case.read(path.read_bytes()).differences() == []


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(("attribute", "taken"), ATTRIBUTES.values(), ids=list(ATTRIBUTES))
def test_an_attribute_of_an_item(signal, attribute, taken):
    item = _inside(attribute, *ATTRIBUTE_OF[signal])

    assert _delivered(signal, _inside(item, 2, 2, 1)) == (taken, [])


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(("body", "taken"), BODIES.values(), ids=list(BODIES))
def test_a_request(signal, body, taken):
    assert _delivered(signal, body) == (taken, [])


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 40, bytes(range(256))])
def test_any_bytes_are_an_input_and_can_be_changed(data):
    case = Case.read(data)

    assert case.differences() == []
    assert Case.read(case.written()) == case
    assert Case.read(mutated(data, 7, bytes.upper)).differences() == []


def _delivered(signal, body):
    pair = Pair(ReferenceDecoder(EVERYTHING), NativeDecoder(EVERYTHING))
    taken, different = pair.deliver(signal, body, START)
    return taken, different + pair.drain(START) + pair.counters()
