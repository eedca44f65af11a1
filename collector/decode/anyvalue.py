"""Attribute values of OTLP as Python values, and the strings that stand in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.semconv import AttributeValue

#: Characters of a string that is kept; a sender could otherwise fill the table of traces.
LONGEST_TEXT = 8192

#: Characters of a name (of a key, metric, service or span) that is kept.
LONGEST_NAME = 256

#: Keys of one item, or of one resource, that are looked at.
MOST_KEYS = 1000


def names_of(pairs: Sequence[KeyValue]) -> list[str]:
    """The keys of a list of attributes, within bounds."""
    return [bounded(pair.key) for pair in pairs[:MOST_KEYS]]


def bounded(name: str) -> str:
    """A name of any length in bounded room.

    One that is too long is replaced as a whole: half a token would pass the detectors.
    """
    if len(name) <= LONGEST_NAME:
        return name
    return f"[{len(name)} characters, {hash(name) & 0xFFFFFFFF:08x}]"


def plain(value: AnyValue) -> AttributeValue:
    """A value as policies see it: scalars and tuples; maps and bytes read as None."""
    which = value.WhichOneof("value")
    if which == "string_value":
        return value.string_value[:LONGEST_TEXT]
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

    Keys of nested maps are joined to the outer one by dots, each within the bound of a name;
    items of an array stand under the array's own key. Depth is bounded by protobuf, which
    refuses deeper messages.
    """
    which = value.WhichOneof("value")
    if which == "string_value":
        yield key, value.string_value
    elif which == "array_value":
        for item in value.array_value.values:
            yield from strings(key, item)
    elif which == "kvlist_value":
        for entry in value.kvlist_value.values:
            inner = f"{key}.{entry.key}" if key else entry.key
            yield from strings(bounded(inner), entry.value)
    elif which == "bytes_value":
        yield from _readable_bytes(key, value.bytes_value)


def _readable_bytes(key: str, raw: bytes) -> Iterator[tuple[str, str]]:
    """Bytes that are text: a secret does not become harmless by its declared type."""
    try:
        yield key, raw.decode()
    except UnicodeDecodeError:
        return
