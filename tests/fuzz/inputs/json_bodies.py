"""OTLP/JSON against protobuf's own json_format, which is told OTLP's exceptions beforehand.

An input is a byte for the signal and a body.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from inputs.json_seeds import SIGNALS, seeds
from inputs.target import Target

from collector.decode import best
from collector.decode.identity import service_of
from collector.decode.messages import REQUESTS, DecodeError, Encoding
from collector.decode.otlp_json import MAX_DEPTH, to_protobuf
from collector.decode.senders import senders
from collector.demand import Demand
from collector.violation import Signal

_IDS = {"traceId", "spanId", "parentSpanId"}
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_DECODER = best.decoder(Demand(shapes=frozenset(Signal), series=True))
_MOST_SENDERS = 100
_NANOSECONDS = 10**9


_NUMBER = r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?"
_INTEGERS = (
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_SINT32,
    FieldDescriptor.TYPE_FIXED32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
)
#: What json_format reads more leniently than any other reader: it takes blanks, underscores and
#: digits of every script for numbers, and passes over what is no base64.
_LENIENT = {
    FieldDescriptor.TYPE_BYTES: re.compile(r"[A-Za-z0-9+/_-]*={0,2}"),
    FieldDescriptor.TYPE_DOUBLE: re.compile(rf"-?Infinity|NaN|{_NUMBER}"),
    **dict.fromkeys(_INTEGERS, re.compile(_NUMBER)),
}


_ANYTHING = re.compile("(?s:.*)")


class _Refused(Exception):  # noqa: N818 (an outcome)
    """The oracle does not take it; `sure` where nobody may."""

    def __init__(self, sure: bool) -> None:
        super().__init__()
        self.sure = sure


def _names(message: Descriptor, seen: set[str]) -> set[str]:
    """The JSON names of all fields of a message and of those within it."""
    if message.full_name not in seen:
        seen.add(message.full_name)
        for field in message.fields:
            seen.add(field.json_name)
            if field.message_type:
                _names(field.message_type, seen)
    return seen


_STEP = "|".join(set().union(*(_names(REQUESTS[one].DESCRIPTOR, set()) for one in SIGNALS)))
#: All that an error may say: nothing in it comes from the body but numbers of list items.
_ERROR = re.compile(
    r"the body is not JSON"
    rf"|the body is nested deeper than {MAX_DEPTH} levels"
    rf"|not a Export\w+ServiceRequest(?: at (?:\.?(?:{_STEP})|\[\d+\])+)?: expected "
    r"(?:an object|a list|a string|a number|true or false|bytes in base64"
    r"|an integer, as a number or a string|an id in hexadecimal digits"
    rf"|a value within the range of its type|at most {MAX_DEPTH} levels)"
)


def run(data: bytes) -> None:
    """Where both take a body they read the same; where one refuses, there is a reason."""
    signal, body = SIGNALS[data[0] % len(SIGNALS)] if data else Signal.TRACES, data[1:]
    try:
        ours = to_protobuf(signal, body)
    except DecodeError as error:
        _is_rightly_refused(signal, body, str(error))
        return
    try:
        expected = _reference(signal, body)
    except _Refused as refused:
        if refused.sure:
            raise AssertionError(f"taken, and is none: {refused.__cause__}") from refused
    else:
        assert _written(ours) == _written(expected), f"{ours} is not {expected}"
    _go_on(signal, body, ours)


def _is_rightly_refused(signal: Signal, body: bytes, text: str) -> None:
    assert _ERROR.fullmatch(text), text
    assert not _taken(signal, body), f"refused: {text}"
    senders(signal, body, Encoding.JSON)


def _go_on(signal: Signal, body: bytes, request: Any) -> None:
    """What was taken is a request for all that comes after."""
    for _ in _DECODER.slices(signal, _DECODER.adopt(request), 1e9):
        pass
    blocks = getattr(request, request.DESCRIPTOR.fields[0].name)[:_MOST_SENDERS]
    expected = dict.fromkeys(service_of(block.resource) for block in blocks)
    assert senders(signal, body, Encoding.JSON) == list(expected)


def _taken(signal: Signal, body: bytes) -> bool:
    """Whether the oracle takes a body, and nothing is known against it."""
    try:
        _reference(signal, body)
    except _Refused:
        return False
    return True


def _written(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def _reference(signal: Signal, body: bytes) -> Message:
    """What json_format makes of a body."""
    try:
        text = body.decode()
        value = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_whole
        )
        adapted = _adapted(value, REQUESTS[signal].DESCRIPTOR, 1)
    except RecursionError:
        raise _Refused(sure=False) from None
    except ValueError as error:
        raise _Refused(sure=True) from error
    try:
        return ParseDict(adapted, REQUESTS[signal](), True, max_recursion_depth=2 * MAX_DEPTH)
    except (ParseError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise _Refused(sure="oneof" not in str(error)) from error


def _whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which no part is half a surrogate pair, which is no text."""
    json.dumps(pairs, ensure_ascii=False).encode()
    return dict(pairs)


def _finite(text: str) -> float:
    """A number that a double holds."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _adapted(value: Any, message: Descriptor, depth: int) -> Any:
    """JSON of OTLP as JSON of protobuf: ids in base64, no nulls, no other names."""
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        raise _Refused(sure=True)
    fields = {field.json_name: field for field in message.fields}
    made: dict[str, Any] = {}
    for name, item in value.items():
        field = fields.get(name)
        if field is None or item is None:
            continue
        if field.is_repeated:
            if not isinstance(item, list):
                raise _Refused(sure=True)
            made[name] = [_one(one, field, depth) for one in item]
        else:
            made[name] = _one(item, field, depth)
    return made


def _one(value: Any, field: Any, depth: int) -> Any:
    if field.message_type:
        return _adapted(value, field.message_type, depth + 1)
    if field.json_name in _IDS:
        if not isinstance(value, str) or _HEX.fullmatch(value) is None:
            raise _Refused(sure=True)
        return b64encode(bytes.fromhex(value)).decode()
    if field.enum_type and isinstance(value, float) and not value.is_integer():
        raise _Refused(sure=True)  # json_format cuts it off
    if field.enum_type and isinstance(value, str):
        if value not in field.enum_type.values_by_name and not re.fullmatch("[+-]?[0-9]+", value):
            raise _Refused(sure=True)  # json_format leaves it out
    elif isinstance(value, str) and not _LENIENT.get(field.type, _ANYTHING).fullmatch(value):
        raise _Refused(sure=True)
    return value


WORDS = tuple(
    sorted(
        {f'"{name}":'.encode() for name in _STEP.split("|") if "." not in name}
        | {
            b"null", b"true", b"false", b"{}", b"[]", b'""', b"1e400", b"-0", b"1.0", b'"NaN"',
            b'"-Infinity"', b'"1_000"', b'" 1"', b'"0x1"', b"18446744073709551616", b"\\ud800",
            b"\\u0000", b'"AP8="', b'"ab cd"', b'"+1"', b'"1e3"', b"[[", b'{"a":{', b"\xef\xbb\xbf",
        }
    )
)  # fmt: skip

TARGET = Target(run, seeds, WORDS, longest=6000)
