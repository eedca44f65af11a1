"""Which spans of a trace are retries, and how that is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from collector import semconv
from collector.classify import SpanKind, TargetKind
from collector.views import Mark, Span
from collector.violation import Basis, Service

#: Marks of the traces in which a retry can be.
MARKS = Mark.RETRY_ATTRIBUTE | Mark.FAILED_SIBLING | Mark.REPEATED_SERVER

#: Where nothing tells items apart, more calls in a row are a loop over items (ours).
LONGEST_SEQUENCE = 10

#: Where nothing tells items apart, a retry waits at least so long (ours), in nanoseconds.
SHORTEST_GAP = 5_000_000

_REDIRECTS = range(300, 400)
_CHALLENGES = frozenset({401, 407})
_SAFE_TO_NAME = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


class Way(StrEnum):
    """How a retry is known."""

    RESEND_COUNT = "resend_count"
    PREVIOUS_ATTEMPTS = "previous_attempts"
    DELIVERY_COUNT = "delivery_count"
    FAILED_SIBLING = "failed_sibling"
    REPEATED_SERVER = "repeated_server"


_INFERRED = frozenset({Way.FAILED_SIBLING, Way.REPEATED_SERVER})


class Call(NamedTuple):
    """What is retried: who calls whom for what."""

    service: Service
    peer: str
    operation: str

    @property
    def subject(self) -> str:
        """Peer and operation, as a finding names them."""
        return f"{self.peer} {self.operation}".strip()


class Retry(NamedTuple):
    """A span that is not the first attempt.

    Attributes:
        span: the attempt.
        way: how it is known.
        call: what is retried.
        attempt: its number, the original being 1.
        sequence: equal for the attempts of one call.
    """

    span: Span
    way: Way
    call: Call
    attempt: int
    sequence: tuple[object, ...]

    @property
    def basis(self) -> Basis:
        """Whether telemetry states it."""
        return Basis.INFERRED if self.way in _INFERRED else Basis.OBSERVED

    @property
    def is_call(self) -> bool:
        """Whether it is itself a call of its service, and so counted among them."""
        return self.way is not Way.REPEATED_SERVER


_Group: TypeAlias = list[Span]


def retries(spans: Sequence[Span]) -> list[Retry]:
    """Every retry of a trace, each span once.

    Args:
        spans: of one trace, each id once, in any order.
    """
    found: dict[bytes, Retry] = {}
    for retry in (*_calls(spans), *_deliveries(spans), *_servers(spans)):
        found.setdefault(retry.span.span_id, retry)
    return list(found.values())


def _call(span: Span) -> Call:
    return Call(span.resource.service, span.peer, span.operation)


def _end(span: Span) -> int:
    return max(span.start, span.end)


def _method(span: Span) -> str:
    return semconv.text(span.attributes, "http.request.method").upper()


def _identity(span: Span) -> tuple[tuple[object, ...], bool]:
    """What tells a call from others under the same parent, and whether it tells items apart."""
    target = span.target
    if target.kind is TargetKind.URL:
        method = _method(span)
        return ("url", method, target.identity), method in _SAFE_TO_NAME
    if target.kind is TargetKind.NONE:
        return ("operation", span.operation), False
    return ("query", target.identity), target.kind is TargetKind.LITERAL_QUERY


def _groups(spans: Iterable[Span]) -> Iterator[tuple[tuple[object, ...], bool, _Group]]:
    """Calls that could be attempts of one another, in order of their start.

    A span without an operation is known by its kind alone; nothing tells what it repeats.
    """
    grouped: dict[tuple[object, ...], _Group] = defaultdict(list)
    specific: dict[tuple[object, ...], bool] = {}
    for span in spans:
        if span.kind is SpanKind.CLIENT and span.operation:
            identity, tells = _identity(span)
            key: tuple[object, ...] = (span.parent_id or span.span_id, _call(span), identity)
            grouped[key].append(span)
            specific[key] = tells
    for key, group in grouped.items():
        yield key, specific[key], sorted(group, key=lambda span: (span.start, span.end))


def _calls(spans: Sequence[Span]) -> Iterator[Retry]:
    for key, specific, group in _groups(spans):
        attempts: list[int] = []
        loop = not specific and len(group) > LONGEST_SEQUENCE
        for span, before in zip(group, _before(group), strict=True):
            way = _stated(span, None if before is None else group[before])
            attempt = 1
            if way is Way.RESEND_COUNT:
                attempt = 1 + span.attempts.resent
            elif way is Way.PREVIOUS_ATTEMPTS:
                attempt = 1 + span.attempts.previous
            elif before is not None and not loop and _follows(group[before], span, specific):
                way = Way.FAILED_SIBLING
            if way is not None and before is not None:
                attempt = max(attempt, attempts[before] + 1)
            attempts.append(attempt)
            if way is not None:
                yield Retry(span, way, _call(span), max(2, attempt), key)


def _before(group: _Group) -> list[int | None]:
    """For each call of a group, the one that ended last before it started.

    A hostile trace can hold thousands of equal calls, so none is compared with all others.
    """
    running: list[tuple[int, int]] = []
    ended: tuple[int, int] | None = None
    found: list[int | None] = []
    for index, span in enumerate(group):
        while running and running[0][0] <= span.start:
            one = heappop(running)
            ended = one if ended is None else max(ended, one)
        found.append(None if ended is None else ended[1])
        heappush(running, (_end(span), index))
    return found


def _stated(span: Span, before: Span | None) -> Way | None:
    """A retry that an attribute states."""
    if span.attempts.previous >= 1:
        return Way.PREVIOUS_ATTEMPTS
    if span.attempts.resent >= 1:
        status = None
        if before is not None:
            status = semconv.integer(before.attributes, "http.response.status_code")
        excused = status is not None and (status in _REDIRECTS or status in _CHALLENGES)
        return None if excused else Way.RESEND_COUNT
    return None


def _follows(before: Span, span: Span, specific: bool) -> bool:
    """Whether a call is an attempt after one that failed."""
    return before.failed and (specific or span.start - _end(before) >= SHORTEST_GAP)


def _deliveries(spans: Iterable[Span]) -> Iterator[Retry]:
    for span in spans:
        count = span.attempts.delivered
        if span.kind is SpanKind.CONSUMER and count > 1:
            yield Retry(span, Way.DELIVERY_COUNT, _call(span), count, (span.span_id,))


def _servers(spans: Sequence[Span]) -> Iterator[Retry]:
    """Retries that the client, or a proxy after it, hides under one CLIENT span."""
    clients = {span.span_id: span for span in spans if span.kind is SpanKind.CLIENT}
    grouped: dict[tuple[object, ...], _Group] = defaultdict(list)
    for span in spans:
        if span.kind is SpanKind.SERVER and span.operation and span.parent_id in clients:
            grouped[span.parent_id, span.resource.service, span.operation].append(span)
    for key, group in grouped.items():
        if len(group) > LONGEST_SEQUENCE:
            continue
        group.sort(key=lambda span: (span.start, span.end))
        client = clients[group[0].parent_id]
        attempt = 1
        for before, span in pairwise(group):
            if before.failed or _end(before) <= span.start:
                attempt += 1
                yield Retry(span, Way.REPEATED_SERVER, _call(client), attempt, key)
