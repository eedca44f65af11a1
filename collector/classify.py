"""What a span is: its peer, its operation, how it ended, which attempt it was.

Every kind that relates spans to each other asks these questions, so they are answered
once, here, from attributes alone. Names and definitions follow the OpenTelemetry
semantic conventions 1.44; deprecated spellings are accepted throughout.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from collector import semconv, wholes
from collector.semconv import Attributes


class SpanKind(IntEnum):
    """``SpanKind`` of opentelemetry-proto."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5

    @classmethod
    def of(cls, number: int) -> SpanKind:
        """The kind with this number; proto3 enums are open, so any other is UNSPECIFIED."""
        return _KINDS.get(number, cls.UNSPECIFIED)


_KINDS = {int(kind): kind for kind in SpanKind}

#: First present one names the peer of a CLIENT or PRODUCER span.
_PEER_NAMES = (
    "server.address",
    "service.peer.name",
    "net.peer.name",
    "db.namespace",
    "messaging.destination.name",
    "network.peer.address",
)

_SERVER_ERRORS = range(500, 600)

#: Statuses after which a client may try the same call again.
RETRYABLE_HTTP = frozenset({408, 425, 429})
_RETRYABLE_GRPC_NUMBERS = {
    4: "DEADLINE_EXCEEDED",
    8: "RESOURCE_EXHAUSTED",
    10: "ABORTED",
    14: "UNAVAILABLE",
}
RETRYABLE_GRPC = frozenset(_RETRYABLE_GRPC_NUMBERS.values())

#: ``error.type`` of a call that got no answer: timeouts, resets, refused connections.
_NO_RESPONSE = re.compile(
    r"time[d_]?\s?out|timeout|deadline|reset|refused|unreachable|aborted|closed|broken.?pipe"
    r"|connect(?:ion|or)?.?(?:error|exception|failed|failure)|disconnected|dns|unknown.?host"
    r"|no.?route|econn|etimedout|enotfound|epipe|eof|eai_again|name.?resolution"
    r"|no.?http.?response|premature.?close|response.?ended|incomplete.?read|chunked.?encoding"
    r"|remote.?protocol.?error|\bread.?error|socket.?(?:error|exception|hang)|err.?socket"
    r"|net\.operror",
    re.IGNORECASE,
)

#: What the classification reads and what repeats from span to span: a decoder keeps these.
CALL_KEYS = semconv.families(
    (
        *_PEER_NAMES,
        "server.port",
        "http.request.method",
        "http.response.status_code",
        "http.request.resend_count",
        "http.route",
        "url.template",
        "db.system.name",
        "db.query.summary",
        "db.operation.name",
        "db.collection.name",
        "db.response.status_code",
        "rpc.system.name",
        "rpc.service",
        "rpc.method",
        "rpc.response.status_code",
        "messaging.system",
        "messaging.operation.type",
        "messaging.gcp_pubsub.message.delivery_attempt",
        "messaging.servicebus.message.delivery_count",
        "error.type",
    )
) | {
    "previous-rpc-attempts",
    "transparent-retry",
    "ApproximateReceiveCount",
    "aws.sqs.approximate_receive_count",
    "messaging.aws_sqs.message.approximate_receive_count",
}

#: What names the peer of a call; on a SERVER span these tell of its clients.
PEER_KEYS = semconv.families((*_PEER_NAMES, "server.port"))

#: What the classification reads and what is often new: a decoder keeps a hash of it at most.
TARGET_KEYS = semconv.families(("url.full", "url.path", "url.query", "db.query.text"))

CLASSIFICATION_KEYS = CALL_KEYS | TARGET_KEYS

_DELIVERY_COUNTS = (
    "messaging.gcp_pubsub.message.delivery_attempt",
    "messaging.servicebus.message.delivery_count",
    "ApproximateReceiveCount",
    "aws.sqs.approximate_receive_count",
    "messaging.aws_sqs.message.approximate_receive_count",
)

#: Methods by which SQS, SNS, EventBridge and Kinesis are sent something.
_AWS = "aws-api"
_AWS_SENDS = frozenset(
    {"SendMessage", "SendMessageBatch", "Publish", "PublishBatch"}
    | {"PutEvents", "PutRecord", "PutRecords"}
)

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_ID_SEGMENT = re.compile(
    rf"(?<=/)(?:{_UUID}|[0-9]+|[0-9a-fA-F]{{16,}}|(?=[^/]*[0-9])[A-Za-z0-9_\-]{{20,}}|[^/]*@[^/]*)(?=/|$)"
)
_HEX_WORD = re.compile(rf"{_UUID}|(?<![A-Za-z0-9])[0-9a-fA-F]{{16,}}(?![A-Za-z0-9])")
#: Without its digits, a mailbox would no longer be known for one.
_MAILBOX = re.compile(r"(?<![^\s/])(?:[^\s/@%]|%(?!40))++(?:@|%40)[^\s/@]+\.[^\s/@]+")
_LONGEST_MASKED = 512  # characters of a path or name that are looked at


_LONGEST_SCHEME = 61
_LONGEST_URL = 2048  # characters of a URL in which its host is looked for


class TargetKind(IntEnum):
    """What a target was made of."""

    NONE = 0
    URL = 1
    QUERY = 2
    LITERAL_QUERY = 3


class Target(NamedTuple):
    """What tells a call from others with the same peer and operation.

    Attributes:
        kind: a query is LITERAL when values and no placeholders stand in its text, or its
            parameters are told, so that it names one item.
        identity: equal for equal URLs or query texts, within one process.
    """

    kind: TargetKind
    identity: int


NO_TARGET = Target(TargetKind.NONE, 0)

_LITERAL = re.compile(r"'[^']*'|\b[0-9]+\b", re.ASCII)
_PLACEHOLDER = re.compile(r"\?|%[s(]|(?<![\w:\"])[$:@]\w", re.ASCII)
_LONGEST_QUERY = 4096  # characters of a query in which a literal is looked for


def target(attributes: Attributes) -> Target:
    """The target of a call: its URL with the query, else its database query and parameters."""
    url = _string(attributes, "url.full")
    if url:
        return Target(TargetKind.URL, hash(url))
    path = _string(attributes, "url.path")
    if path:
        return Target(TargetKind.URL, hash((path, _string(attributes, "url.query"))))
    query = _string(attributes, "db.query.text")
    if not query:
        return NO_TARGET
    # As they are written: 1, 1.0 and True are equal in Python alone.
    parameters = frozenset((k, repr(v)) for k, v in attributes.items() if is_parameter(k))
    literal = _LITERAL.search(query[:_LONGEST_QUERY]) and not _PLACEHOLDER.search(query)
    kind = TargetKind.LITERAL_QUERY if literal or parameters else TargetKind.QUERY
    return Target(kind, hash((query, parameters)))


#: Attributes that hold the parameters of a query begin with one of these.
PARAMETERS = ("db.query.parameter.", "db.operation.parameter.")


def is_parameter(key: str) -> bool:
    """Whether an attribute holds a parameter of a query."""
    return key.startswith(PARAMETERS)


def _string(attributes: Attributes, name: str) -> str:
    value = semconv.first(attributes, name)
    return value if isinstance(value, str) else ""


def host_of(url: str) -> str:
    """The host of a URL, or empty."""
    try:
        parts = urlsplit(url[:_LONGEST_URL])
    except ValueError:
        return ""
    if len(url) > _LONGEST_URL and not any(parts[2:]):
        return ""  # it goes on, and what stands here may be the name of a user
    return parts.hostname or ""


def path_of(target: str) -> str:
    """The path of a URL or request target, without scheme, host, query and fragment."""
    target = target.partition("?")[0].partition("#")[0]
    scheme, separator, rest = target.partition("://")
    if separator and len(scheme) <= _LONGEST_SCHEME and "/" not in scheme:
        slash = rest.find("/")
        return rest[slash:] if slash >= 0 else "/"
    return target


@lru_cache(maxsize=8192)
def mask_path(path: str) -> str:
    """A path whose segments that look like ids (numbers, UUIDs, long hex) read ``{id}``."""
    return _ID_SEGMENT.sub("{id}", wholes.cut(path_of(path), _LONGEST_MASKED))


@lru_cache(maxsize=8192)
def mask_name(name: str) -> str:
    """A span name with ids replaced, so that names made from data still fold together."""
    known = _MAILBOX.sub("{id}", wholes.cut(name, _LONGEST_MASKED))
    known = _HEX_WORD.sub("{id}", known)
    return wholes.without_numbers(wholes.without_tokens(known, "{id}"), "{id}")


def peer(attributes: Attributes) -> str:
    """The peer of an outgoing call, ``host:port`` where a port is known, else empty."""
    for name in _PEER_NAMES:
        value = semconv.first(attributes, name)
        if value is None or value == "":
            continue
        if name == "server.address":
            port = semconv.first(attributes, "server.port")
            return str(value) if port in (None, "", 0) else f"{value}:{port}"
        return str(value)
    return host_of(semconv.text(attributes, "url.full"))


def operation(name: str, attributes: Attributes) -> str:
    """What a call does, in words that repeat: a method and route, a query summary, an RPC.

    Args:
        name: the span's name, used when no attribute tells.
        attributes: the span's attributes.
    """
    method = semconv.first(attributes, "http.request.method")
    if method:
        route = (
            semconv.text(attributes, "url.template")
            or semconv.text(attributes, "http.route")
            or mask_path(
                semconv.text(attributes, "url.path") or semconv.text(attributes, "url.full")
            )
        )
        return f"{method} {route}" if route else str(method)
    if semconv.first(attributes, "db.system.name"):
        summary = semconv.text(attributes, "db.query.summary")
        verb = semconv.text(attributes, "db.operation.name")
        collection = semconv.text(attributes, "db.collection.name")
        return summary or " ".join(filter(None, (verb, collection))) or mask_name(name)
    rpc = semconv.text(attributes, "rpc.method")
    if rpc:
        service = semconv.text(attributes, "rpc.service")
        return f"{service}/{rpc}" if service and not rpc.startswith(service) else rpc
    return mask_name(name)


def publishes(kind: SpanKind, attributes: Attributes) -> bool:
    """Whether a span sends a message.

    SDKs for the cloud tell many of their sends as calls like any other.
    """
    if kind is not SpanKind.CLIENT:
        return kind is SpanKind.PRODUCER
    if semconv.text(attributes, "rpc.system.name") != _AWS:
        return False
    return semconv.text(attributes, "rpc.method").rpartition("/")[2] in _AWS_SENDS


def grpc_status(attributes: Attributes) -> str:
    """The gRPC status by name; empty when the span has none that matters to a retry."""
    value = semconv.first(attributes, "rpc.response.status_code")
    if value is None:
        return ""
    number = semconv.integer(attributes, "rpc.response.status_code")
    return (
        _RETRYABLE_GRPC_NUMBERS.get(number, str(number))
        if number is not None
        else str(value).upper()
    )


def failed(attributes: Attributes) -> bool:
    """Whether a call failed in a way that its caller may retry.

    True for HTTP 408, 425, 429 and 5xx, for no response at all (a timeout, reset or
    connection error without a status code), and for gRPC UNAVAILABLE, DEADLINE_EXCEEDED,
    RESOURCE_EXHAUSTED and ABORTED. A span status of ERROR alone does not count: the HTTP
    conventions set it on a CLIENT span for every 4xx.
    """
    http = semconv.integer(attributes, "http.response.status_code")
    if http:
        return http in RETRYABLE_HTTP or http in _SERVER_ERRORS
    grpc = grpc_status(attributes)
    if grpc:
        return grpc in RETRYABLE_GRPC
    error = semconv.text(attributes, "error.type")
    return error in RETRYABLE_GRPC or bool(error and _NO_RESPONSE.search(error[:256]))


class Attempts(NamedTuple):
    """What the attributes of a span say of attempts before it; 0 when they say nothing.

    Attributes:
        resent: ``http.request.resend_count``: redirects and auth challenges are counted too.
        previous: gRPC attempts before this one, without transparent retries (gRFC A45, A72).
        delivered: how often a message was delivered, this delivery included.
    """

    resent: int = 0
    previous: int = 0
    delivered: int = 0

    @property
    def repeated(self) -> bool:
        """Whether they say that it was not the first."""
        return self.resent > 0 or self.previous > 0 or self.delivered > 1


NO_ATTEMPTS = Attempts()


def attempts(attributes: Attributes) -> Attempts:
    """What the attributes of a span say of attempts before it."""
    return Attempts(_resent(attributes), _previous_rpc_attempts(attributes), _delivered(attributes))


def _resent(attributes: Attributes) -> int:
    return max(0, semconv.integer(attributes, "http.request.resend_count") or 0)


def is_transparent(attributes: Attributes) -> bool:
    """Whether gRPC made an attempt that no server saw before; C++ and Python write 1 for true."""
    told = attributes.get("transparent-retry")
    return told is True or str(told).lower() in ("true", "1")


def _previous_rpc_attempts(attributes: Attributes) -> int:
    if is_transparent(attributes):
        return 0
    return max(0, semconv.integer(attributes, "previous-rpc-attempts") or 0)


def _delivered(attributes: Attributes) -> int:
    counts = (semconv.integer(attributes, name) or 0 for name in _DELIVERY_COUNTS)
    return max(0, *counts)
