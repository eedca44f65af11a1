"""Who sent a request, read without the items in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collector.decode.identity import LONGEST_RESOURCE, service_of
from collector.decode.messages import DecodeError, Encoding
from collector.decode.otlp_json import to_resource
from collector.decode.wire import fields, head
from collector.violation import Service, Signal

_BLOCKS = {
    Signal.TRACES: "resourceSpans",
    Signal.LOGS: "resourceLogs",
    Signal.METRICS: "resourceMetrics",
}


class _Block(msgspec.Struct):
    """Of what one resource sent, the resource."""

    resource: Any = None


_DECODERS = {
    signal: msgspec.json.Decoder(msgspec.defstruct(name, [(name, list[_Block] | None, None)]))
    for signal, name in _BLOCKS.items()
}


def senders(signal: Signal, body: bytes, encoding: Encoding, most: int = 100) -> list[Service]:
    """The services that a request comes from.

    Args:
        signal: which request it is.
        body: uncompressed, and found to be good.
        encoding: protobuf or JSON.
        most: resources that are looked at; with more, the rest is left out.
    """
    read = _of_json if encoding is Encoding.JSON else _of_protobuf
    try:
        found = [
            service_of(resource)
            for resource, _ in zip(read(signal, body), range(most), strict=False)
        ]
    except (
        ProtobufError,
        DecodeError,
        msgspec.MsgspecError,
        ValueError,
        RecursionError,
        IndexError,
    ):
        return []
    return list(dict.fromkeys(found))


def _of_protobuf(_signal: Signal, body: bytes) -> Iterator[Resource]:
    """Field 1 of field 1, in each of the three requests; parts of a message join."""
    for block in fields(memoryview(body), 1):
        yield Resource.FromString(head(b"".join(fields(block, 1)), LONGEST_RESOURCE))


def _of_json(signal: Signal, body: bytes) -> Iterator[Resource]:
    for block in getattr(_DECODERS[signal].decode(body), _BLOCKS[signal]) or ():
        yield to_resource(block.resource)
