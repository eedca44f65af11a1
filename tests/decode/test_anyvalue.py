"""Every string of a value is found, with the key that leads to it."""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from collector.decode.anyvalue import plain, strings
from collector.semconv import AttributeValue


def nested() -> AnyValue:
    value = AnyValue()
    inner = value.kvlist_value.values
    inner.add(key="a").value.string_value = "one"
    inner.add(key="b").value.array_value.values.add().string_value = "two"
    inner[1].value.array_value.values.add().kvlist_value.values.add(
        key="c"
    ).value.string_value = "three"
    inner.add(key="d").value.int_value = 4
    inner.add(key="e").value.bytes_value = b"five"
    inner.add(key="f").value.bytes_value = b"\xff"
    return value


def test_strings_of_maps_arrays_and_readable_bytes() -> None:
    assert list(strings("body", nested())) == [
        ("body.a", "one"),
        ("body.b", "two"),
        ("body.b.c", "three"),
        ("body.e", "five"),
    ]
    assert next(strings("", nested())) == ("a", "one")


def test_scalars_and_arrays_are_plain_and_a_map_is_not() -> None:
    array = AnyValue()
    array.array_value.values.add().bool_value = True
    array.array_value.values.add().double_value = 0.5
    cases: list[tuple[AnyValue, AttributeValue]] = [
        (AnyValue(string_value=""), ""),
        (AnyValue(int_value=7), 7),
        (array, (True, 0.5)),
        (nested(), None),
        (AnyValue(), None),
    ]
    for value, expected in cases:
        assert plain(value) == expected
