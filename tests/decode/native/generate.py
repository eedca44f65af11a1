"""Random OTLP requests and damaged copies of them, from a seed alone."""

from __future__ import annotations

import random
import string

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from lifelike import fill
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from collector.decode.messages import REQUESTS
from collector.violation import Signal

KEYS = (
    "service.name", "http.request.method", "http.method", "http.route", "url.path", "url.full",
    "url.query", "http.response.status_code", "http.request.resend_count", "server.address",
    "server.port", "db.system.name", "db.query.text", "db.operation.name", "rpc.method", "le",
    "rpc.service", "error.type", "messaging.system", "messaging.destination.name", "user.email",
    "http.request.header.baggage", "otel.metric.overflow", "code", "password", "", "k" * 300,
    "telemetry_auditor.self", "ApproximateReceiveCount", "previous-rpc-attempts", "net.peer.name",
    "rpc.grpc.status_code", "http.target", "db.statement", "http.url", "deployment.environment",
)  # fmt: skip
TEXTS = (
    "", "GET", "POST", "503", "200", "pay", "shop", "/livez", "/orders/1234/items", "timeout",
    "http://pay:8080/charge/77?x=1", "/login?next=https://pay/a/77", "https://u:p@shop.example",
    "postgresql", "x" * 9000,
    "AKIA" + "Q3EGRIJ7TPZKVU4M", "ann@shop.example", "SELECT * FROM t WHERE id = 7", "SELECT ?",
    "ключ", "a\nb", "%41%4b", "user.email=ann%40shop.example,region=eu", "UNAVAILABLE", "0", "2",
    "true", "\u00e9" * 8200, "order 12345 of 0f8fad5b-d9cb-469f-a165-70867728950e",
    "deadbeefdeadbeef01", "/a//b/ABCDEFGHIJKLMNOPQRST1", "/livez/", "/livez?probe", "/7/livez",
    "/**", "*",
    "SELECT * FROM t WHERE id = $1", "SELECT * FROM t WHERE id=:id LIMIT 5", '{"find":"t","n":5}',
    "SELECT * FROM t WHERE id = %s LIMIT 5", "SELECT 1 FROM t WHERE at > '12:30'::time", "id = @p1",
)  # fmt: skip
_WHOLE = (0, 1, 2, 14, 200, 503, -1, 2**62)
_TIMES = (0, 1, 10**18, *(10**18 + n * 10**7 for n in range(10)), 2**64 - 1)
_NUMBERS: dict[int, tuple[object, ...]] = {
    FieldDescriptor.TYPE_BOOL: (False, True),
    FieldDescriptor.TYPE_DOUBLE: (0.0, -0.0, 1.5, 200.0, float("inf"), -2.0),
    FieldDescriptor.TYPE_FLOAT: (0.0, 1.5),
    FieldDescriptor.TYPE_ENUM: tuple(range(7)),
    FieldDescriptor.TYPE_FIXED32: (0, 1, 0x100, 0x101, 0x300, 0x301, 2**32 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 1, 2**32 - 1),
    FieldDescriptor.TYPE_INT32: (0, 1, -1, 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (0, 1, -1, 2**31 - 1),
    FieldDescriptor.TYPE_FIXED64: _TIMES,
    FieldDescriptor.TYPE_UINT64: _TIMES,
}
_IDS = [bytes([n]) * size for n in range(5) for size in (8, 16)] + [b"", b"\x01", b"\0" * 8]


#: Share of requests of spans of which the spans are of traces that hang together.
LIFELIKE = 0.6


class Generator:
    """Requests of all signals.

    Args:
        seed: equal seeds give equal requests.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def request(self, signal: Signal) -> bytes:
        """A valid request, as protobuf writes it."""
        message = REQUESTS[signal]()
        if signal is Signal.TRACES and self.random.random() < LIFELIKE:
            fill(message, self.random)
        else:
            self._fill(message, 0)
        return message.SerializeToString()

    def damaged(self, body: bytes) -> bytes:
        """A copy with some bytes changed, left out, moved or repeated."""
        rng = self.random
        data = bytearray(body)
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(data) + 1)
            way = rng.randrange(6)
            if way == 0 and at < len(data):
                data[at] = rng.randrange(256)
            elif way == 1:
                data[at : at + rng.randrange(4)] = b""
            elif way == 2:
                data[at:at] = rng.randbytes(rng.randrange(4))
            elif way == 3 and at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            elif way == 4:
                data[at:at] = data[at : at + rng.randrange(40)]
            else:
                del data[at:]
        return bytes(data)

    def rearranged(self, body: bytes, depth: int = 0) -> bytes:
        """The same fields in another order, some twice, some unknown, lengths padded."""
        rng = self.random
        fields = fields_of(body)
        if fields is None:
            return body
        made = []
        for tag, value in fields:
            inner = value
            if tag & 7 == 2 and depth < 6 and rng.random() < 0.7:
                inner = self.rearranged(value, depth + 1)
            made.append(field_of(tag, inner, rng.choice((0, 0, 0, 1, 3))))
            if rng.random() < 0.1:
                made.append(field_of(tag, value, 0))
            if rng.random() < 0.05:
                made.append(field_of(rng.choice((1000 << 3 | 2, 31 << 3 | 2)), b"unknown", 0))
        if rng.random() < 0.3:
            rng.shuffle(made)
        return b"".join(made)

    def _fill(self, message: Message, depth: int) -> None:
        for field in message.DESCRIPTOR.fields:
            if field.containing_oneof is None and self.random.random() < self._chance(field, depth):
                self._set(message, field, depth)
        for oneof in message.DESCRIPTOR.oneofs:
            if self.random.random() < 0.95:
                self._set(message, self.random.choice(oneof.fields), depth)

    def _chance(self, field: FieldDescriptor, depth: int) -> float:
        if field.message_type is None or depth < 4:
            return 0.85
        return 0.6 if depth < 8 else 0.1

    def _set(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        many = range(self.random.choice((0, 1, 1, 2, 3, 6) if depth > 3 else (1, 1, 2, 3)))
        if field.message_type is not None:
            if field.is_repeated:
                for _ in many:
                    child = getattr(message, field.name).add()
                    self._fill_child(child, depth)
            else:
                child = getattr(message, field.name)
                child.SetInParent()
                self._fill_child(child, depth)
        elif field.is_repeated:
            getattr(message, field.name).extend(self._scalar(field) for _ in many)
        else:
            setattr(message, field.name, self._scalar(field))

    def _fill_child(self, child: Message, depth: int) -> None:
        if depth > 12:
            return
        self._fill(child, depth + 1)
        if isinstance(child, KeyValue):
            child.key = self.random.choice(KEYS)

    def _scalar(self, field: FieldDescriptor) -> object:
        rng = self.random
        if field.type == FieldDescriptor.TYPE_STRING:
            known = rng.random() < 0.8
            text = "".join(rng.choices(string.printable, k=rng.randrange(20)))
            return rng.choice(TEXTS) if known else text
        if field.type == FieldDescriptor.TYPE_BYTES:
            return rng.choice(_IDS) if rng.random() < 0.9 else rng.randbytes(rng.randrange(20))
        return rng.choice(_NUMBERS.get(field.type, _WHOLE))


def fields_of(body: bytes) -> list[tuple[int, bytes]] | None:
    """Tags and raw values; None when it is not a message."""
    found, at = [], 0
    try:
        while at < len(body):
            tag, at = _varint(body, at)
            start = at
            if tag < 8:
                return None
            if tag & 7 == 0:
                _, at = _varint(body, at)
                found.append((tag, body[start:at]))
            elif tag & 7 == 2:
                size, at = _varint(body, at)
                if at + size > len(body):
                    return None
                found.append((tag, body[at : at + size]))
                at += size
            elif tag & 7 in (1, 5):
                at += 8 if tag & 7 == 1 else 4
                if at > len(body):
                    return None
                found.append((tag, body[start:at]))
            else:
                return None
    except IndexError:
        return None
    return found


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _number(value: int, padding: int) -> bytes:
    made = bytearray()
    while value >= 128 or padding > 0:
        made.append(value & 127 | 128)
        value >>= 7
        padding -= 1
    made.append(value)
    return bytes(made) if len(made) <= 5 else _number_short(value, made)


def _number_short(_value: int, made: bytearray) -> bytes:
    while len(made) > 1 and made[-1] == 0:
        made.pop()
    made[-1] &= 127
    return bytes(made)


def field_of(tag: int, value: bytes, padding: int) -> bytes:
    if tag & 7 == 2:
        return _number(tag, 0) + _number(len(value), padding) + value
    return _number(tag, 0) + value
