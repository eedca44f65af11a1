"""OTLP/JSON to the protobuf messages of OTLP.

The mapping is protobuf's own with OTLP's exceptions: ids are hexadecimal, names of keys are
in lowerCamelCase only, enums are numbers (names are taken too), 64-bit integers are strings
or numbers, unknown keys are ignored. Source: OTLP specification, "JSON Protobuf Encoding".

protobuf's json_format is not used: it reads a twentieth as fast, takes ids for base64 without
an error, and its errors quote what was sent.
"""

from __future__ import annotations

import math
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import msgspec
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collector.decode.messages import REQUESTS, DecodeError, Request
from collector.violation import Signal

#: Messages within messages; protobuf's own bound for the binary encoding.
MAX_DEPTH = 100

_MOST_PADDING = 2
#: Bytes of memory that an object takes as Python's and protobuf's, and what stands before a comma.
_OBJECT_BYTES, _VALUE_BYTES = 96, 64
_HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")
#: As JSON writes it, and leniently "1." and ".5"; Python reads "nan", "1_0" and more as well.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL_DOUBLES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_Read: TypeAlias = Callable[[Any], Any]


class _Invalid(Exception):  # noqa: N818 (becomes a DecodeError with its place)
    """What was expected; the place is put before it on the way up."""

    def __init__(self, expected: str, place: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.place = place

    def within(self, step: str) -> _Invalid:
        """The same, seen from one level up."""
        joint = "" if not self.place or self.place.startswith("[") else "."
        return _Invalid(self.expected, f"{step}{joint}{self.place}")


def _integer(value: Any) -> int:  # noqa: ANN401 (anything can stand in JSON)
    if type(value) is int:
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)  # "1e3" is an integer, quoted or not
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _Invalid("an integer, as a number or a string")


def _double(value: Any) -> float:  # noqa: ANN401
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        if value in _SPECIAL_DOUBLES:
            return _SPECIAL_DOUBLES[value]
        if _NUMBER.fullmatch(value):
            return float(value)
    raise _Invalid("a number")


def _boolean(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, bool):
        return value
    raise _Invalid("true or false")


def _string(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str):
        return value
    raise _Invalid("a string")


def _hexadecimal(value: Any) -> bytes:  # noqa: ANN401
    text = _string(value)
    try:
        made = bytes.fromhex(text)
    except ValueError:
        made = b""
    if 2 * len(made) != len(text):  # fromhex passes over blanks
        raise _Invalid("an id in hexadecimal digits")
    return made


def _base64(value: Any) -> bytes:  # noqa: ANN401
    padded = _string(value)
    text = padded.rstrip("=").replace("-", "+").replace("_", "/")
    if len(padded) - len(text) > _MOST_PADDING:
        raise _Invalid("bytes in base64")
    try:  # padding may be missing, or longer than it should, as other readers have it
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (Base64Error, ValueError):
        raise _Invalid("bytes in base64") from None


def _enumeration(enum: EnumDescriptor) -> _Read:
    names = {name: value.number for name, value in enum.values_by_name.items()}

    def read(value: Any) -> int:  # noqa: ANN401
        if isinstance(value, str):
            if value in names:
                return names[value]
            if not _INTEGER.fullmatch(value):
                raise _Invalid("an integer, as a number or a string")
        return _integer(value)

    return read


_SCALARS: dict[int, _Read] = {
    FieldDescriptor.CPPTYPE_INT32: _integer,
    FieldDescriptor.CPPTYPE_INT64: _integer,
    FieldDescriptor.CPPTYPE_UINT32: _integer,
    FieldDescriptor.CPPTYPE_UINT64: _integer,
    FieldDescriptor.CPPTYPE_DOUBLE: _double,
    FieldDescriptor.CPPTYPE_FLOAT: _double,
    FieldDescriptor.CPPTYPE_BOOL: _boolean,
}


def _scalar(field: FieldDescriptor) -> _Read:
    if field.enum_type is not None:
        return _enumeration(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _hexadecimal if field.name in _HEX_FIELDS else _base64
    return _SCALARS.get(field.cpp_type, _string)


_Field: TypeAlias = tuple[str, bool, _Read | None, Descriptor | None]


@cache
def _fields(message: Descriptor) -> dict[str, _Field]:
    """By name in JSON: name of the field, whether it repeats, and how it is read."""
    return {
        field.json_name: (
            field.name,
            field.is_repeated,
            None if field.message_type else _scalar(field),
            field.message_type,
        )
        for field in message.fields
    }


def _fill(message: Any, value: Any, descriptor: Descriptor, depth: int) -> None:  # noqa: ANN401
    """Set the fields of a message from a JSON object."""
    if not isinstance(value, dict):
        raise _Invalid("an object")
    if depth > MAX_DEPTH:
        raise _Invalid(f"at most {MAX_DEPTH} levels")
    fields = _fields(descriptor)
    for key, item in value.items():
        known = fields.get(key)
        if known is None or item is None:
            continue
        try:
            _set(message, known, item, depth)
        except _Invalid as invalid:
            raise invalid.within(key) from None


def _set(message: Any, field: _Field, item: Any, depth: int) -> None:  # noqa: ANN401
    name, repeated, read, nested = field
    if repeated:
        _extend(getattr(message, name), item, read, nested, depth)
    elif nested is not None:
        child = getattr(message, name)
        child.SetInParent()
        _fill(child, item, nested, depth + 1)
    elif read is not None:
        try:
            setattr(message, name, read(item))
        except (ValueError, OverflowError, UnicodeError):
            raise _Invalid("a value within the range of its type") from None


def _extend(
    container: Any,  # noqa: ANN401
    item: Any,  # noqa: ANN401
    read: _Read | None,
    nested: Descriptor | None,
    depth: int,
) -> None:
    if not isinstance(item, list):
        raise _Invalid("a list")
    for index, one in enumerate(item):
        try:
            if nested is not None:
                _fill(container.add(), one, nested, depth + 1)
            elif read is not None:
                container.append(read(one))
        except _Invalid as invalid:
            raise invalid.within(f"[{index}]") from None
        except (ValueError, OverflowError, UnicodeError):
            raise _Invalid("a value within the range of its type", f"[{index}]") from None


def weight(body: bytes) -> int:
    """Bytes of memory that reading a body takes, about: of ``{},{},`` fifty times its size."""
    values = body.count(b",") + body.count(b"[")
    return body.count(b"{") * _OBJECT_BYTES + values * _VALUE_BYTES


def to_protobuf(signal: Signal, body: bytes) -> Request:
    """Read a request in JSON.

    Args:
        signal: which of the three requests it is.
        body: uncompressed.

    Raises:
        DecodeError: if it is not such a request. The text names a place by OTLP's own names,
            and nothing of what was sent.
    """
    request = REQUESTS[signal]()
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        raise DecodeError("the body is not JSON") from None
    except RecursionError:
        raise DecodeError(f"the body is nested deeper than {MAX_DEPTH} levels") from None
    try:
        _fill(request, value, request.DESCRIPTOR, 1)
    except _Invalid as invalid:
        name = request.DESCRIPTOR.name
        place = f" at {invalid.place}" if invalid.place else ""
        raise DecodeError(f"not a {name}{place}: expected {invalid.expected}") from None
    return request


def to_resource(value: Any) -> Resource:  # noqa: ANN401 (anything can stand in JSON)
    """Read a resource alone, as it stands in a request.

    Args:
        value: as a decoder of JSON gives it.

    Raises:
        DecodeError: if it is none.
    """
    resource = Resource()
    try:
        _fill(resource, {} if value is None else value, Resource.DESCRIPTOR, 1)
    except _Invalid:
        raise DecodeError("not a Resource") from None
    return resource
