"""What is read of a message without protobuf."""

from __future__ import annotations

import pytest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collector.decode.wire import head

MOST = 1_000


def resource(count: int, first: str = "") -> Resource:
    made = Resource(dropped_attributes_count=7)
    if first:
        made.attributes.add(key="long").value.string_value = first
    made.attributes.add(key="service.name").value.string_value = "shop"
    for _ in range(count):
        made.attributes.add()
    return made


def test_a_message_within_the_bound_is_whole() -> None:
    raw = resource(10).SerializeToString()
    assert head(raw, MOST) is raw


@pytest.mark.parametrize("first", ["", "x" * 2 * MOST])
def test_of_a_longer_one_the_first_fields_are_left(first: str) -> None:
    """Empty attributes take fifty times their bytes in memory, so no more are read."""
    read = Resource.FromString(head(resource(1_000_000, first).SerializeToString(), MOST))
    assert read.attributes[0].key == "service.name"
    assert MOST // 2 - 100 < len(read.attributes) <= MOST // 2
