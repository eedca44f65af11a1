"""What is sent on, and what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from google.rpc.status_pb2 import Status

from collector.violation import Signal

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


class Untranslatable(Exception):  # noqa: N818 (an outcome, not an error)
    """A request cannot be written in the protocol of the next hop."""


class Parcel(NamedTuple):
    """A request as it came.

    Attributes:
        signal: which it is.
        body: as received.
        content_type: protobuf or JSON.
        coding: its Content-Encoding, or empty.
        protobuf: makes the uncompressed protobuf message of it; raises `Untranslatable`.
        headers: those of the sender, of which some are sent on.
    """

    signal: Signal
    body: bytes
    content_type: str
    coding: str
    protobuf: Callable[[], bytes]
    headers: Mapping[str, str]


class Outcome(StrEnum):
    """What became of a request that was sent on."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    REFUSED = "refused"
    """For good: the sender drops it."""
    RETRY = "retry"
    """The next hop asks to try again."""
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    GARBAGE = "garbage"
    """What came back is no answer to OTLP."""
    FULL = "full"
    """Too many are in flight; it was not sent."""


class HttpAnswer(NamedTuple):
    """What an HTTP hop answered, to be passed on as it is.

    Attributes:
        status: of HTTP.
        headers: those that matter to an OTLP client.
        body: as received.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What the sender is to be told.

    Attributes:
        outcome: what it amounts to.
        response: protobuf message of a success; else empty.
        status: of a refusal, with its details; its code is one of gRPC.
        http: the answer of an HTTP hop.
        trailers: of a gRPC hop's refusal, those that OTLP clients read.
    """

    outcome: Outcome
    response: bytes = b""
    status: Status = Status()
    http: HttpAnswer | None = None
    trailers: tuple[tuple[str, bytes], ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the next hop has taken it, as a whole or in part."""
        return self.outcome in (Outcome.ACCEPTED, Outcome.PARTIAL)
