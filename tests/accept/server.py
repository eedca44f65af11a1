"""A listener over a real socket, with the ledger beside it."""

import http.client
from contextlib import closing, suppress

import grpc
from google.protobuf.json_format import Parse
from google.rpc.status_pb2 import Status

from collector import testing
from collector.accept.admission import Admission
from collector.accept.reply import JSON, PROTOBUF
from collector.decode.messages import SERVICES, Encoding, parse
from collector.decode.otlp_json import to_protobuf
from collector.ledger import Ledger
from collector.violation import Signal

LIMIT = 200_000
GOOD = dict(
    testing.requests({"service": "shop", "spans": [{}], "logs": [{}], "metrics": [{"name": "m"}]})
)
SIGNALS = list(Signal)


def inspect(signal, body, encoding):
    """Reads the request as the pipeline does, and counts one item."""
    if encoding is Encoding.JSON:
        message = to_protobuf(signal, body)
    else:
        message, _ = parse(signal, body)
    return len(message.ListFields())


class Server:
    """A listener with what it counted."""

    def __init__(self, listener, reader=inspect, admission=None, **options):
        self.ledger = Ledger()
        self.admission = admission or Admission()
        self.listener = listener("127.0.0.1:0", reader, self.ledger, self.admission, **options)
        self.address = self.listener.start()

    def refusals(self):
        return [reason for _, _, reason in self.ledger.snapshot().refused.elements()]

    def balance(self):
        entries = self.ledger.snapshot()
        received, inspected, refused = (
            sum(counts.values())
            for counts in (entries.received, entries.inspected, entries.refused)
        )
        assert received == inspected + refused
        return received


def ask(server, path, body=b"", content_type=PROTOBUF, method="POST", **headers):
    with closing(http.client.HTTPConnection(server.address, timeout=10)) as connection:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            fields["Content-Type"] = content_type
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, fields)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def status_of(headers, body):
    if headers["Content-Type"] == PROTOBUF:
        return Status.FromString(body)
    assert headers["Content-Type"] == JSON
    return Parse(body.decode(), Status())


def call(server, signal, body, compression=None, method="Export"):
    with grpc.insecure_channel(server.address) as channel:
        run = channel.unary_unary(f"/{SERVICES[signal]}/{method}")
        return run(body, timeout=10, compression=compression)


def padded(size):
    """A good request of exactly so many bytes."""
    (name, body) = (Signal.LOGS, GOOD[Signal.LOGS])
    rest = size - len(body)
    unknown = b"\xba\x3e"  # field 999, length-delimited; ignored by whoever does not know it
    for digits in range(1, 5):
        length, varint = rest - 2 - digits, b""
        value = length
        for index in range(digits):
            varint += bytes([(value & 0x7F) | (0x80 if index < digits - 1 else 0)])
            value >>= 7
        if value == 0:
            return name, body + unknown + varint + b"x" * length
    raise AssertionError
