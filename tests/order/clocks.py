"""Clocks that are wrong: what they make of the times of a span."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from order.rearranged import Request, Sent, taken_apart, together

from collector.testing import START

_LARGEST = 2**64 - 1
_START = int(START) * 10**9
_HOUR = 3600 * 10**9
_YEAR = 365 * 24 * _HOUR

_NAMES_ONE = re.compile(r"message[._]id|idempotency", re.IGNORECASE)

Clock = Callable[[Span], tuple[int, int]]


def _shifted(by: int) -> Clock:
    return lambda span: (
        _told_as(span.start_time_unix_nano + by),
        _told_as(span.end_time_unix_nano + by),
    )


def _told_as(time: int) -> int:
    return min(max(time, 0), _LARGEST)


#: Clocks that are wrong by the same time for all: nothing that is compared changes.
SHIFTED: Mapping[str, Clock] = {
    "in 1970": _shifted(_HOUR - _START),
    "in 2100": _shifted(73 * _YEAR),
}

#: Clocks that make durations and orders of which nothing can be concluded.
BROKEN: Mapping[str, Clock] = {
    "at zero": lambda _: (0, 0),
    "at the largest number": lambda _: (_LARGEST, _LARGEST),
    "started at zero": lambda span: (0, span.end_time_unix_nano),
    "ends at zero": lambda span: (span.start_time_unix_nano, 0),
    "ends at the largest number": lambda span: (span.start_time_unix_nano, _LARGEST),
    "runs backwards": lambda span: (span.end_time_unix_nano, span.start_time_unix_nano),
    "ends an hour before": lambda span: (
        span.start_time_unix_nano,
        _told_as(span.start_time_unix_nano - _HOUR),
    ),
}


def changing(seed: int) -> Clock:
    """A clock that is wrong in another way for each span."""
    random = Random(seed)
    every = [*SHIFTED.values(), *BROKEN.values()]

    def clock(span: Span) -> tuple[int, int]:
        return random.choice(every)(span)

    return clock


def told_by(
    clock: Clock, telemetry: Sequence[Mapping[str, Any]], *, other: str = "", mark: int = 0
) -> list[Request]:
    """A case as it comes from a sender with such a clock.

    Args:
        clock: of all its spans.
        telemetry: of the case.
        other: added to the names of services.
        mark: makes other traces, messages and requests of them; other signals are left out.
    """
    spans, others = taken_apart(telemetry)
    requests = [together([_told(one, clock, other, mark)]) for one in spans]
    return sorted([*requests, *(() if mark else others)], key=lambda one: one.at)


def is_right(telemetry: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all clocks of a case are."""
    spans, _ = taken_apart(telemetry)
    times = [t for s in spans for t in (s.span.start_time_unix_nano, s.span.end_time_unix_nano)]
    return all(abs(time - _START) < _YEAR for time in times)


def _told(one: Sent, clock: Clock, other: str, mark: int) -> Sent:
    changed = Span()
    changed.CopyFrom(one.span)
    changed.start_time_unix_nano, changed.end_time_unix_nano = clock(one.span)
    if changed.trace_id:
        changed.trace_id = _marked(changed.trace_id, mark)
    for pair in changed.attributes:
        if mark and _NAMES_ONE.search(pair.key):
            for value in (pair.value, *pair.value.array_value.values):
                if value.string_value:
                    value.string_value += f"-{mark}"
    for link in changed.links:
        link.trace_id = _marked(link.trace_id, mark)
    resource = type(one.resource)()
    resource.CopyFrom(one.resource)
    for pair in resource.attributes:
        if pair.key == "service.name":
            pair.value.string_value += other
    return one._replace(span=changed, resource=resource)


def _marked(trace_id: bytes, mark: int) -> bytes:
    return trace_id[:-1] + bytes([trace_id[-1] ^ mark]) if len(trace_id) == 16 else trace_id
