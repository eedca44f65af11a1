"""Attribute values of OTLP as Python values, and the strings that stand in them."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from collector.semconv import AttributeValue


def plain(value: AnyValue) -> AttributeValue:
    """A value as policies see it: scalars and tuples; maps and bytes read as None."""
    which = value.WhichOneof("value")
    if which == "string_value":
        return value.string_value
    if which == "int_value":
        return value.int_value
    if which == "double_value":
        return value.double_value
    if which == "bool_value":
        return value.bool_value
    if which == "array_value":
        return tuple(plain(item) for item in value.array_value.values)
    return None


def strings(key: str, value: AnyValue) -> Iterator[tuple[str, str]]:
    """Every string in a value with the key under which it stands.

    Keys of nested maps are joined to the outer one by dots; items of an array stand under
    the array's own key. Depth is bounded by protobuf, which refuses deeper messages.
    """
    which = value.WhichOneof("value")
    if which == "string_value":
        yield key, value.string_value
    elif which == "array_value":
        for item in value.array_value.values:
            yield from strings(key, item)
    elif which == "kvlist_value":
        for entry in value.kvlist_value.values:
            yield from strings(f"{key}.{entry.key}" if key else entry.key, entry.value)
    elif which == "bytes_value":
        yield from _readable_bytes(key, value.bytes_value)


def _readable_bytes(key: str, raw: bytes) -> Iterator[tuple[str, str]]:
    """Bytes that are text: a secret does not become harmless by its declared type."""
    try:
        yield key, raw.decode()
    except UnicodeDecodeError:
        return
