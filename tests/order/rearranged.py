"""Telemetry of a case, taken apart into spans and put together to arrive otherwise.

What is held is what a judgement may depend on: when the first span of each trace arrives (its
window), that all others arrive within the wait (or as late as before, where a case has them
later), and that messages are sent before the same traces have finished as before.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector import testing
from collector.decode.messages import REQUESTS
from collector.violation import Signal

WAIT = 30.0
_LAST_MOMENT = 0.25
_AGAIN_WITHIN = 70.0


class Request(NamedTuple):
    """An OTLP request: when it arrives, what it holds."""

    at: float
    signal: Signal
    body: bytes


class Sent(NamedTuple):
    """A span as it arrives."""

    at: float
    resource: Resource
    scope: InstrumentationScope
    span: Span


@dataclass(frozen=True)
class Plan:
    """How spans arrive otherwise.

    Attributes:
        seed: of what the other fields leave open.
        order: of spans that arrive at one time: as they came, reversed, or shuffled.
        delayed: share of spans that arrive some time within the wait of their trace.
        together: spans of one request at most; those that arrive at one time share requests.
        again: share of requests that are sent twice.
    """

    seed: int
    order: str = "as it was"
    delayed: float = 0.0
    together: int = 1000
    again: float = 0.0

    def requests(self, telemetry: Sequence[Mapping[str, Any]]) -> list[Request]:
        """The requests of a case, so arranged, in order of arrival."""
        random = Random(self.seed)
        spans, others = taken_apart(telemetry)
        arriving = self._delayed(spans, random)
        if self.order == "reversed":
            arriving.reverse()
        if self.order == "shuffled":
            random.shuffle(arriving)
        arriving.sort(key=lambda one: one.at)
        requests = [*others, *self._joined(arriving)]
        requests += [
            one._replace(at=one.at + random.uniform(0, _AGAIN_WITHIN))
            for one in requests
            if one.signal is Signal.TRACES and random.random() < self.again
        ]
        return sorted(requests, key=lambda one: one.at)

    def _delayed(self, spans: Sequence[Sent], random: Random) -> list[Sent]:
        lives = _lives(spans)
        ends = sorted(life.first + WAIT for life in lives)
        arriving = []
        for life in lives:
            movable = [one for one in life.spans if id(one) not in life.held]
            keeps = random.choice(movable) if movable else None
            arriving += [one for one in life.spans if id(one) in life.held]
            for one in movable:
                at = one.at
                if one is keeps and not life.held_first:
                    at = life.first
                elif random.random() < self.delayed:
                    at = _moved(one, life.first, ends, random)
                arriving.append(one._replace(at=at))
        return arriving

    def _joined(self, arriving: Sequence[Sent]) -> Iterator[Request]:
        """Spans that arrive at one time in as few requests as the plan allows."""
        at_once: list[Sent] = []
        for one in arriving:
            if at_once and (one.at != at_once[0].at or len(at_once) >= self.together):
                yield together(at_once)
                at_once = []
            at_once.append(one)
        if at_once:
            yield together(at_once)


@dataclass
class _Life:
    """Spans that a trace table holds together: from the first of a trace until the wait ends.

    Attributes:
        first: when the first arrived.
        spans: all of them.
        held: by identity, those that must not move.
    """

    first: float
    spans: list[Sent] = field(default_factory=list)
    held: set[int] = field(default_factory=set)

    @property
    def held_first(self) -> bool:
        """Whether the first is one of those that do not move."""
        return any(one.at == self.first for one in self.spans if id(one) in self.held)


def _moved(one: Sent, first: float, ends: Sequence[float], random: Random) -> float:
    at = first + random.uniform(0, WAIT - _LAST_MOMENT)
    sends = one.span.kind == Span.SPAN_KIND_PRODUCER
    return one.at if sends and bisect(ends, at) != bisect(ends, one.at) else at


def _lives(spans: Iterable[Sent]) -> list[_Life]:
    """Spans by trace and life; what comes twice or has no id stays where it is."""
    copies = Counter((one.span.trace_id, one.span.span_id) for one in spans)
    open_lives: dict[bytes, _Life] = {}
    lives = []
    for one in sorted(spans, key=lambda one: one.at):
        life = open_lives.get(one.span.trace_id)
        if life is None or one.at >= life.first + WAIT:
            life = open_lives[one.span.trace_id] = _Life(one.at)
            lives.append(life)
        life.spans.append(one)
        whole = one.span.trace_id and one.span.span_id
        if not whole or copies[one.span.trace_id, one.span.span_id] > 1:
            life.held.add(id(one))
    return lives


def taken_apart(
    telemetry: Sequence[Mapping[str, Any]],
) -> tuple[list[Sent], list[Request]]:
    """The spans of a case, and its requests of other signals."""
    spans, others = [], []
    for delivery in telemetry:
        at = float(delivery.get("at", 0))
        for signal, body in testing.requests(delivery):
            if signal is not Signal.TRACES:
                others.append(Request(at, signal, body))
                continue
            for block in REQUESTS[signal].FromString(body).resource_spans:  # type: ignore[union-attr]
                for scope in block.scope_spans:
                    spans += [Sent(at, block.resource, scope.scope, one) for one in scope.spans]
    return spans, others


def together(spans: Sequence[Sent]) -> Request:
    """One request of spans, in their order, with a block for each sender."""
    blocks: dict[bytes, list[Sent]] = defaultdict(list)
    for one in spans:
        key = one.resource.SerializeToString(deterministic=True)
        blocks[key + one.scope.SerializeToString(deterministic=True)].append(one)
    request: Any = REQUESTS[Signal.TRACES]()
    for sent in blocks.values():
        block = request.resource_spans.add(resource=sent[0].resource)
        block.scope_spans.add(scope=sent[0].scope, spans=[one.span for one in sent])
    return Request(spans[0].at, Signal.TRACES, request.SerializeToString())
