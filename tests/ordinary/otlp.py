"""Attributes as OTLP has them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from collector.testing import any_value


@lru_cache(maxsize=65_536, typed=True)
def _pair(key: str, value: object) -> KeyValue:
    return KeyValue(key=key, value=any_value(list(value) if isinstance(value, tuple) else value))


def pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes in their order; lists are arrays."""
    return [
        _pair(key, tuple(value) if isinstance(value, list) else value)
        for key, value in attributes.items()
        if value is not None
    ]
