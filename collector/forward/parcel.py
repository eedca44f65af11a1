"""What is sent on, and what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from google.protobuf.message import Message
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
        seconds: until the sender gives up, where it said so.
    """

    signal: Signal
    body: bytes
    content_type: str
    coding: str
    protobuf: Callable[[], bytes]
    headers: Mapping[str, str]
    seconds: float | None = None


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

    @property
    def kind(self) -> str:
        """The media type of the body, in lower case and without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def without_kind(self) -> HttpAnswer:
        """The same, where the body is not what its headers say."""
        kept = {name: value for name, value in self.headers.items() if name != "Content-Type"}
        return self._replace(headers=kept)


class Answer(NamedTuple):
    """What the sender is to be told.

    Attributes:
        outcome: what it amounts to.
        response: protobuf message of a success; else empty.
        status: of a refusal, with its details; its code is one of gRPC.
        http: the answer of an HTTP hop.
    """

    outcome: Outcome
    response: bytes = b""
    status: Status = Status()
    http: HttpAnswer | None = None

    @property
    def accepted(self) -> bool:
        """Whether the next hop has taken it, as a whole or in part."""
        return self.outcome in (Outcome.ACCEPTED, Outcome.PARTIAL)


_REJECTED = {
    Signal.TRACES: "rejected_spans",
    Signal.LOGS: "rejected_log_records",
    Signal.METRICS: "rejected_data_points",
}


def success(signal: Signal, response: Message) -> Outcome:
    """Whether a response says that everything was taken; some set an empty partial success.

    Args:
        signal: of the request.
        response: the message that belongs to it.
    """
    part = response.partial_success  # type: ignore[attr-defined] # each of the three has it
    told = getattr(part, _REJECTED[signal]) or part.error_message
    return Outcome.PARTIAL if told else Outcome.ACCEPTED
