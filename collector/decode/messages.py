"""Bytes to the protobuf messages of OTLP, with the one leniency that saves a batch.

protobuf refuses a whole message for one string of invalid UTF-8. Here such a string costs
nothing but itself: a twin of OTLP's descriptors, in which every string is declared as bytes,
reads the message, and what is invalid is read with replacement characters and counted.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError as _ProtobufError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from collector.decode.wire import DELIMITED, FIXED, GROUPS, VARINT, varint
from collector.violation import Signal

Request: TypeAlias = (
    trace_service_pb2.ExportTraceServiceRequest
    | logs_service_pb2.ExportLogsServiceRequest
    | metrics_service_pb2.ExportMetricsServiceRequest
)

REQUESTS: dict[Signal, type[Request]] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceRequest,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceRequest,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceRequest,
}

RESPONSES: dict[Signal, type[Any]] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceResponse,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceResponse,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceResponse,
}

#: Names of the services of gRPC.
SERVICES = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
}

_FILES = (
    common_pb2,
    resource_pb2,
    trace_pb2,
    logs_pb2,
    metrics_pb2,
    trace_service_pb2,
    logs_service_pb2,
    metrics_service_pb2,
)


class Encoding(StrEnum):
    """How a request is written."""

    PROTOBUF = "protobuf"
    JSON = "json"


class DecodeError(ValueError):
    """A request that is not OTLP. The text is safe to show: it holds nothing of the request."""


class Parsed(NamedTuple):
    """A request, and how many of its strings were not valid UTF-8."""

    message: Request
    repaired: int = 0


def _strings_as_bytes(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        if field.type == descriptor_pb2.FieldDescriptorProto.TYPE_STRING:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
    for nested in message.nested_type:
        _strings_as_bytes(nested)


def _twins() -> dict[Signal, type[Message]]:
    pool = descriptor_pool.DescriptorPool()
    for module in _FILES:
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            _strings_as_bytes(message)
        pool.Add(file)
    return {
        signal: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(request.DESCRIPTOR.full_name)
        )
        for signal, request in REQUESTS.items()
    }


_TWINS = _twins()


def _repair(source: Any, original: Descriptor) -> int:  # noqa: ANN401 (protobuf fields are untyped)
    """Make every string of a twin valid UTF-8, in place; return how many were not."""
    repaired = 0
    for field, value in source.ListFields():
        declared = original.fields_by_name[field.name]
        if declared.message_type is not None:
            for child in value if field.is_repeated else (value,):
                repaired += _repair(child, declared.message_type)
        elif declared.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                mended = [_readable(item) for item in value]
                repaired += sum(a != b for a, b in zip(mended, value, strict=True))
                value[:] = mended
            elif (readable := _readable(value)) != value:
                setattr(source, field.name, readable)
                repaired += 1
    return repaired


def _readable(raw: bytes) -> bytes:
    return raw.decode("utf-8", "replace").encode()


def _holds_group(data: memoryview, descriptor: Descriptor) -> bool:
    """Whether there is a group in a message, even in a part of it that a later one replaces.

    No OTLP ever had one.

    Args:
        data: what protobuf could read.
        descriptor: of the message.
    """
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire in GROUPS:
            return True
        size = FIXED.get(wire)
        if size is None:
            size, at = varint(data, at)
        if wire == DELIMITED:
            field = descriptor.fields_by_number.get(tag >> 3)
            inner = None if field is None else field.message_type
            if inner is not None and _holds_group(data[at : at + size], inner):
                return True
        at += size if wire != VARINT else 0
    return False


def parse(signal: Signal, data: bytes) -> Parsed:
    """Parse a request.

    Args:
        signal: which of the three requests it is.
        data: the uncompressed body.

    Raises:
        DecodeError: if it is not such a message, or holds a group.
    """
    request = REQUESTS[signal]()
    try:
        request.ParseFromString(data)
    except _ProtobufError:
        pass
    else:
        return _known(request, 0, data)
    twin = _TWINS[signal]()
    try:
        twin.ParseFromString(data)
        repaired = _repair(twin, request.DESCRIPTOR)
        request.ParseFromString(twin.SerializeToString())
    except (_ProtobufError, RecursionError):
        raise _refusal(request) from None
    return _known(request, repaired, data)


def canonical(signal: Signal, data: bytes) -> bytes:
    """The same request as protobuf writes it: fields in order, each singular one once.

    Args:
        signal: which of the three requests it is.
        data: a body that protobuf accepts, strings apart.

    Raises:
        DecodeError: if it does not.
    """
    try:
        return _TWINS[signal].FromString(data).SerializeToString()
    except _ProtobufError:
        raise _refusal(REQUESTS[signal]()) from None


def _known(request: Request, repaired: int, data: bytes) -> Parsed:
    """Take unknown fields out; refuse a group."""
    unusual = request.ByteSize() != len(data)
    request.DiscardUnknownFields()
    unusual = unusual or request.ByteSize() != len(data)
    if unusual and _holds_group(memoryview(data), request.DESCRIPTOR):
        raise _refusal(request)
    return Parsed(request, repaired)


def _refusal(request: Request) -> DecodeError:
    return DecodeError(f"the body is not a protobuf {request.DESCRIPTOR.name}")
