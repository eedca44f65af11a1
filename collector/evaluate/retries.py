"""Which spans of a trace are retries, and of what.

There are five ways to know one, by `Way`: HTTP and gRPC clients number their attempts, brokers
their deliveries, a call that follows a failed one like it is a second attempt, and so is the
second request that a server sees for one call of a client.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

from collector import classify, semconv
from collector.classify import SpanKind, TargetKind
from collector.details import IdentityKind
from collector.evaluate.attempts import (
    DEMAND,
    IDENTITY_KEYS,
    LONGEST_SEQUENCE,
    MARKS,
    AttemptSequence,
    Call,
    Retry,
    Way,
    call_of,
)
from collector.evaluate.messages import from_dead_letters
from collector.evaluate.repeats import repeated_servers
from collector.evaluate.resends import Resends
from collector.evaluate.tree import ended
from collector.evaluate.wrapped import Siblings, Wrappers
from collector.views import Span

__all__ = [
    "DEMAND",
    "IDENTITY_KEYS",
    "MARKS",
    "AttemptSequence",
    "Call",
    "Retry",
    "Way",
    "retries",
    "sequences",
]

#: Where nothing tells items apart, a retry waits at least so long (ours), in nanoseconds.
SHORTEST_GAP = 5_000_000

#: Calls that wait for news until their time is up, and then ask again, do not fail by that.
_WAITS = re.compile(
    r"GET .*/(?:(?:long-?)?poll|stream|sse|watch|getUpdates)$"
    r"|[\w.]+/(?:(?:Poll|Watch|Listen|Subscribe)\w*|\w*Stream(?:ing)?)$",
    re.ASCII,
)
_STREAMS = "stream."  # hosts of feature flags and feeds

_SAFE_TO_NAME = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_ATTEMPT = "Attempt."  # gRFC A72 names the span of an attempt so
_Key: TypeAlias = tuple[object, ...]


def sequences(spans: Sequence[Span]) -> list[AttemptSequence]:
    """The attempts of every call of a trace that was retried, each span once, by their start.

    Args:
        spans: of one trace, each id once, in any order.
    """
    by_id = {span.span_id: span for span in spans}
    found = [*_calls(spans, by_id), *_deliveries(spans, by_id), *repeated_servers(spans, by_id)]
    return sorted(found, key=lambda one: (one.spans[0].start, one.spans[0].span_id))


def retries(spans: Sequence[Span]) -> list[Retry]:
    """Every retry of a trace, each span once; for `sequences` that are made already, see there."""
    return [retry for sequence in sequences(spans) for retry in sequence.retries]


class _Group(NamedTuple):
    """Calls that could be attempts of one another, in order of their start.

    Attributes:
        call: what they do.
        tells: whether what they share tells items apart.
        spans: the calls.
        transparent: further attempts, which gRPC made before a server saw the call.
    """

    call: Call
    tells: bool
    spans: list[Span]
    transparent: int


class _Chain(NamedTuple):
    """An attempt sequence that is being found."""

    spans: list[Span]
    retries: list[Retry]


def _numbered(span: Span) -> bool:
    """Whether gRPC numbers a span among the attempts of its call."""
    return "previous-rpc-attempts" in span.attributes


def _identity(span: Span) -> tuple[_Key, bool]:
    """What tells a call from others under the same parent, and whether it tells items apart."""
    if span.details.identity_kind is IdentityKind.KEY:
        return ("key", span.details.identity), True
    target = span.target
    if target.kind is TargetKind.URL:
        method = semconv.text(span.attributes, "http.request.method").upper()
        return ("url", method, target.identity), method in _SAFE_TO_NAME
    if target.kind is TargetKind.NONE:
        return ("operation", span.operation), False
    return ("query", target.identity), target.kind is TargetKind.LITERAL_QUERY


def _attempted(span: Span, by_id: Mapping[bytes, Span]) -> Call:
    """What an attempt of gRPC attempts: its own span has nothing but a name."""
    parent = by_id.get(span.parent_id)
    if parent is not None and parent.kind is SpanKind.CLIENT:
        return call_of(parent)
    return Call(
        span.resource.service, span.peer, classify.mask_name(span.name.removeprefix(_ATTEMPT))
    )


def _groups(spans: Iterable[Span], by_id: Mapping[bytes, Span]) -> Iterator[_Group]:
    """Groups of calls; one without an operation is left out, for nothing tells what it repeats."""
    grouped: dict[tuple[Siblings, Call, _Key], list[Span]] = defaultdict(list)
    tells: dict[_Key, bool] = {}
    transparent: dict[tuple[Siblings, Call], int] = defaultdict(int)
    wrappers = Wrappers(by_id)
    for span in spans:
        identity: _Key = ("attempt",)
        specific = False
        siblings: Siblings = (span.parent_id or span.span_id, "")
        if span.kind is SpanKind.CLIENT and span.operation:
            call = call_of(span)
            identity, specific = _identity(span)
            if not span.attempts.repeated:
                siblings = wrappers.siblings(span, specific=specific)
        elif span.kind is SpanKind.INTERNAL and _numbered(span):
            call = _attempted(span, by_id)
        else:
            continue
        if classify.is_transparent(span.attributes):
            transparent[siblings, call] += 1
            continue
        grouped[siblings, call, identity].append(span)
        tells[identity] = specific
    for (siblings, call, identity), group in grouped.items():
        group.sort(key=lambda span: (span.start, span.end, span.span_id))
        yield _Group(call, tells[identity], group, transparent.get((siblings, call), 0))


def _calls(spans: Sequence[Span], by_id: Mapping[bytes, Span]) -> Iterator[AttemptSequence]:
    resends = Resends(spans)
    for group in _groups(spans, by_id):
        for chain in _chains(group, resends):
            yield AttemptSequence(group.call, tuple(chain.spans), tuple(chain.retries))


def _chains(group: _Group, resends: Resends) -> list[_Chain]:
    """The calls of a group that follow one another as attempts."""
    places: list[tuple[_Chain, int]] = []
    for span, at in zip(group.spans, _before(group.spans), strict=True):
        way, number = _known(span, None if at is None else group.spans[at], group, resends)
        chain, last = _Chain([], []), 0
        if way is not None and at is not None:
            chain, last = places[at]
        chain.spans.append(span)
        number = max(2, number, last + 1) if way else 1
        if way is not None:
            sequence = (chain.spans[0].span_id,)
            chain.retries.append(Retry(span, way, group.call, number, sequence))
        places.append((chain, number))
    distinct = {id(chain): chain for chain, _ in places}
    return [chain for chain in distinct.values() if chain.retries]


def _known(
    span: Span, before: Span | None, group: _Group, resends: Resends
) -> tuple[Way | None, int]:
    """How a call is known to be a retry, and its number where an attribute states one."""
    if _numbered(span) or span.attempts.previous:
        previous = span.attempts.previous
        number = 1 + previous - group.transparent
        return (Way.PREVIOUS_ATTEMPTS, number) if previous else (None, 1)
    if span.attempts.resent:
        excused = resends.excused(span, before)
        return (None, 1) if excused else (Way.RESEND_COUNT, resends.number(span))
    if before is not None and _follows(before, span, group):
        return Way.FAILED_SIBLING, 0
    return None, 1


def _before(group: Sequence[Span]) -> list[int | None]:
    """For each call of a group, the one that ended last before it started.

    A hostile trace can hold thousands of equal calls, so none is compared with all others.
    """
    running: list[tuple[int, int]] = []
    last: tuple[int, int] | None = None
    found: list[int | None] = []
    for index, span in enumerate(group):
        while running and running[0][0] <= span.start:
            one = heappop(running)
            last = one if last is None else max(last, one)
        found.append(None if last is None else last[1])
        heappush(running, (ended(span), index))
    return found


def _follows(before: Span, span: Span, group: _Group) -> bool:
    """Whether a call is an attempt after one that failed."""
    if not before.failed or before.start >= span.start or _waits(group.call):
        return False
    if group.tells:
        return True
    loop = len(group.spans) > LONGEST_SEQUENCE
    return not loop and span.start - ended(before) >= SHORTEST_GAP


def _waits(call: Call) -> bool:
    """Whether a call is a long poll or a stream."""
    return call.peer.startswith(_STREAMS) or _WAITS.match(call.operation[:256]) is not None


def _deliveries(spans: Iterable[Span], by_id: Mapping[bytes, Span]) -> Iterator[AttemptSequence]:
    """Messages that were delivered before; a span below another of the same delivery is none.

    Whoever takes them out of a dead-letter queue is told of the deliveries that led there.
    """
    for span in spans:
        count = span.attempts.delivered
        if span.kind is not SpanKind.CONSUMER or count <= 1 or from_dead_letters(span):
            continue
        above = by_id.get(span.parent_id)
        if above is not None and above is not span and _same_delivery(above, span):
            continue
        call = call_of(span)
        retry = Retry(span, Way.DELIVERY_COUNT, call, count, (span.span_id,))
        yield AttemptSequence(call, (span,), (retry,))


def _same_delivery(above: Span, span: Span) -> bool:
    """Whether two spans, as receive and process, are about one delivery."""
    return (
        above.kind is SpanKind.CONSUMER
        and above.resource.service == span.resource.service
        and above.peer == span.peer
        and above.attempts.delivered == span.attempts.delivered
    )
