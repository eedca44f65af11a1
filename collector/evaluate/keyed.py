"""Requests with an idempotency key: which can do harm twice, and how they were answered."""

from __future__ import annotations

from enum import Enum, auto

from pydantic import Field

from collector import semconv
from collector.classify import grpc_status
from collector.details import IdentityKind
from collector.evaluate.policy import Options
from collector.views import Note, Span

#: Attributes that hold an idempotency key: the header as it is captured, and usual names.
IDENTITY_KEYS = (
    "http.request.header.idempotency-key",
    "http.request.header.idempotency_key",
    "http.request.header.x-idempotency-key",
    "rpc.request.metadata.idempotency-key",
    "rpc.grpc.request.metadata.idempotency-key",
    "idempotency.key",
    "idempotency_key",
)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_IDEMPOTENT = _SAFE | {"PUT", "DELETE"}
_ERROR = 2
_SERVER_ERROR = 500


class KeyOptions(Options):
    """Where keys stand, and how long they are remembered."""

    identity_keys: tuple[str, ...] = Field(
        default=IDENTITY_KEYS,
        min_length=1,
        description="attributes that hold an idempotency key (IETF draft Idempotency-Key; ours)",
    )
    valid_seconds: float = Field(
        default=86_400, gt=0, description="how long a key names one request (Stripe, 24 h)"
    )
    max_keys: int = Field(
        default=20_000,
        ge=1,
        description="keys remembered, as hashes, in some 600 bytes each; the oldest are dropped",
    )


class Answer(Enum):
    """How a request was answered.

    ``DONE``: successfully. ``REFUSED``: as one that is in conflict with another.
    ``TURNED_AWAY``: before anything was done. ``FAILED``: at some point. ``UNTOLD``.
    """

    DONE = auto()
    REFUSED = auto()
    TURNED_AWAY = auto()
    FAILED = auto()
    UNTOLD = auto()


_REFUSED_HTTP = frozenset({409, 422})
_GRPC: dict[Answer, str] = {
    Answer.DONE: "0 OK",
    Answer.REFUSED: "6 ALREADY_EXISTS 9 FAILED_PRECONDITION ABORTED",
    Answer.TURNED_AWAY: """3 INVALID_ARGUMENT 5 NOT_FOUND 7 PERMISSION_DENIED RESOURCE_EXHAUSTED
        12 UNIMPLEMENTED 16 UNAUTHENTICATED""",
}
_BY_GRPC = {code: one for one, codes in _GRPC.items() for code in codes.split()}


def has_key(note: Note) -> bool:
    """Whether the note is of a request with an idempotency key that could change something."""
    return note.span.details.identity_kind is IdentityKind.KEY and _method(note.span) not in _SAFE


def repeatable(span: Span) -> bool:
    """Whether HTTP allows the request to be repeated without a key."""
    return _method(span) in _IDEMPOTENT


def _method(span: Span) -> str:
    return semconv.text(span.attributes, "http.request.method").upper()


def answer(span: Span) -> Answer:
    """How a SERVER or CONSUMER span answered."""
    if _method(span):
        return _http(semconv.integer(span.attributes, "http.response.status_code"))
    code = grpc_status(span.attributes)
    if code:
        return _BY_GRPC.get(code, Answer.FAILED)
    return Answer.FAILED if span.failed or span.status == _ERROR else Answer.DONE


def _http(code: int | None) -> Answer:
    if not code:
        return Answer.UNTOLD
    if code in _REFUSED_HTTP:
        return Answer.REFUSED
    if code >= _SERVER_ERROR:
        return Answer.FAILED
    return Answer.TURNED_AWAY if code >= 400 else Answer.DONE  # noqa: PLR2004 (HTTP's own number)
