"""What a row of the table is, and how it is run."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import grpc
from conformance import samples, wire
from conformance.samples import JSON, PROTOBUF
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

_MESSAGE_BOUND = 256 * 1024 * 1024


class Level(StrEnum):
    """Where a row comes from."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    COLLECTOR = "as the Collector"
    HARDENING = "hardening"


class FailedRow(AssertionError):  # noqa: N818 (an outcome, not an error)
    """The server did not do what a row asks for."""


class UnknownHere(Exception):  # noqa: N818 (an outcome, not an error)
    """A row needs to know something of the server that was not told."""


@dataclass(frozen=True)
class Target:
    """A server under test.

    Attributes:
        http: HOST:PORT.
        grpc: HOST:PORT.
        limit: bytes of the largest request; None when not told.
        token: a bearer token that it asks for; None when it asks for none.
        facts: what else is known of it and can be done with it, by name; see `servers.py`.
    """

    http: str
    grpc: str
    limit: int | None = None
    token: str | None = None
    facts: Mapping[str, Any] | None = None

    def fact(self, name: str) -> Any:
        """Something about the server.

        Raises:
            UnknownHere: if it was not told.
        """
        if not self.facts or name not in self.facts:
            raise UnknownHere(name)
        return self.facts[name]

    @property
    def bound(self) -> int:
        """Bytes of the largest request.

        Raises:
            UnknownHere: if it was not told.
        """
        if self.limit is None:
            raise UnknownHere("limit")
        return self.limit

    def post(
        self,
        signal: str,
        body: bytes | None,
        content_type: str | None = PROTOBUF,
        *,
        method: str = "POST",
        path: str = "",
        **headers: str,
    ) -> wire.Answer:
        """Send a request on a connection of its own."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            fields["Content-Type"] = content_type
        if self.token and "Authorization" not in fields:
            fields["Authorization"] = f"Bearer {self.token}"
        with wire.Connection(self.http) as connection:
            data = wire.request(path or f"/v1/{signal}", body, fields, method)
            connection.send(data)
            return connection.answer()

    def call(
        self,
        signal: str,
        body: bytes,
        *,
        method: str = "",
        compression: grpc.Compression | None = None,
        token: str | None = None,
        seconds: float = wire.SECONDS,
    ) -> bytes:
        """Call Export with raw bytes; raises `grpc.RpcError` when it is refused."""
        options = [
            ("grpc.max_send_message_length", _MESSAGE_BOUND),
            ("grpc.max_receive_message_length", _MESSAGE_BOUND),
            ("grpc.enable_retries", 0),
        ]
        name = method or f"/{samples.SERVICES[signal]}/Export"
        token = self.token if token is None else token
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        with grpc.insecure_channel(self.grpc, options=options) as channel:
            answered: bytes = channel.unary_unary(name)(
                body, timeout=seconds, compression=compression, metadata=metadata
            )
            return answered


@dataclass(frozen=True)
class Row:
    """One promise.

    Attributes:
        number: by section letter.
        level: how binding it is.
        promise: what the server does, in a line.
        check: raises when it does not.
    """

    number: str
    level: Level
    promise: str
    check: Callable[[Target], None]


ROWS: list[Row] = []


def row(
    number: str, level: Level, promise: str
) -> Callable[[Callable[[Target], None]], Callable[[Target], None]]:
    """Add a function to the table."""

    def add(check: Callable[[Target], None]) -> Callable[[Target], None]:
        ROWS.append(Row(number, level, promise, check))
        return check

    return add


def expect(holds: object, said: str) -> None:
    """Fail a row, saying what was seen instead."""
    if not holds:
        raise FailedRow(said)


def accepted(signal: str, answer: wire.Answer, content_type: str = PROTOBUF) -> Message:
    """A full success, and its message."""
    expect(answer.status == 200, f"answered {answer.status}")
    answered = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    expect(answered == content_type, f"Content-Type {answered!r}")
    body = answer.body
    if answer.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    message = samples.RESPONSES[signal]()
    if content_type == JSON:
        told = json.loads(body)
        expect(isinstance(told, dict), "the body is no JSON object")
        told = {name: value for name, value in told.items() if value}
        Parse(json.dumps(told), message)
    else:
        message.ParseFromString(body)
    return message


def nothing_rejected(signal: str, message: Message) -> None:
    """A full success has no partial success set."""
    part = message.partial_success  # type: ignore[attr-defined] # of the three responses
    rejected = getattr(part, samples.REJECTED[signal])
    expect(not rejected and not part.error_message, f"partial success: {part}")


def refused(answer: wire.Answer, *statuses: int, content_type: str | None = None) -> Status:
    """An error with a Status for a body, in the encoding of the request."""
    wanted = "/".join(map(str, statuses))
    expect(answer.status in statuses, f"answered {answer.status or 'nothing'}, not {wanted}")
    return status_of(answer, content_type)


def status_of(answer: wire.Answer, content_type: str | None = None) -> Status:
    """The Status that stands in an answer."""
    answered = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    expect(answered in (PROTOBUF, JSON), f"{answer.status} with Content-Type {answered!r}")
    expect(content_type in (None, answered), f"Content-Type {answered!r}, not {content_type!r}")
    try:
        if answered == JSON:
            status = Parse(answer.body.decode(), Status())
        else:
            status = Status.FromString(answer.body)
    except Exception as error:
        raise FailedRow(f"the body is no Status: {type(error).__name__}") from error
    expect(status.message, "the Status has no message")
    return status


def grpc_refused(target: Target, signal: str, body: bytes, **options: Any) -> grpc.Call:
    """A call that must fail, and how it did."""
    try:
        target.call(signal, body, **options)
    except grpc.RpcError as error:
        return error  # type: ignore[return-value] # an RpcError of a client is a Call
    raise FailedRow("answered OK")
