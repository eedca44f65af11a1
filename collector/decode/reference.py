"""The reference decoder: protobuf objects to the four views, slowly and plainly.

What it hands over defines what any faster decoder must hand over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from collector.decode import items
from collector.decode.identity import Resources, is_own
from collector.decode.limits import Limits
from collector.decode.logs import LogReader
from collector.decode.messages import Parsed, Request, parse
from collector.decode.points import PointReader
from collector.decode.spans import SpanReader
from collector.decode.tables import Tables
from collector.decode.traces import Finished
from collector.decode.values import Where
from collector.demand import Demand
from collector.views import Batch, Place, Value
from collector.violation import Signal

#: A message with one of these fields holds items in it: (list of scopes, list of items).
_LEVELS = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
}


class ReferenceDecoder:
    """Turns requests into batches, and remembers what must be remembered between them.

    Not safe for threads: its caller takes one lock around every call and every step of
    the iterator that `slices` returns.

    Args:
        demand: the union of what the policies need.
        limits: bounds.
        seed: keys the sampling of traces; at most 64 bytes.
    """

    name = "reference"

    def __init__(self, demand: Demand, limits: Limits | None = None, seed: bytes = b"") -> None:
        limits = limits or Limits()
        self._slice_items = limits.slice_items
        self._settled = float("-inf")
        self._resources = Resources(demand.resource_keys)
        self._tables = Tables(demand, limits, seed)
        self._readers: dict[Signal, Any] = {
            Signal.TRACES: SpanReader(self._tables),
            Signal.LOGS: LogReader(self._tables),
            Signal.METRICS: PointReader(self._tables),
        }

    def parse(self, signal: Signal, body: bytes) -> Parsed:
        """See `collector.decode.messages.parse`; needs no lock."""
        return parse(signal, body)

    def adopt(self, request: Request) -> Parsed:
        """A request that is a message already; needs no lock."""
        return Parsed(request)

    def slices(self, signal: Signal, parsed: Parsed, now: float) -> Iterator[Batch]:
        """Go through a request, one batch for every so many items; at least one.

        Args:
            signal: which request it is.
            parsed: by `parse` or `adopt`.
            now: arrival time in seconds since 1970.
        """
        tables = self._tables
        request, repaired = parsed
        if repaired:
            tables.oddities["invalid_utf8"] += repaired
        for block in getattr(request, _LEVELS[signal][0]):
            resource = self._resources.intern(block.resource)
            if is_own(resource):
                tables.own += _count(block, signal)
                continue
            tables.texts(
                items.attribute_texts(block.resource.attributes, Place.RESOURCE_ATTRIBUTE),
                Where(signal, resource, "", ""),
            )
            for _ in self._readers[signal].walk(block, resource, now):
                if tables.items >= self._slice_items:
                    yield tables.take(signal, now)
        yield tables.take(signal, now)

    def advance(self, now: float) -> Batch:
        """What time alone brought: traces whose wait has ended."""
        return self._finished(self._tables.traces.advance(now), now)

    def drain(self, now: float) -> Batch:
        """All open traces, whatever their age."""
        return self._finished(self._tables.traces.drain(now), now)

    def remember_bad(self, value: Value) -> None:
        """From now on hand over every occurrence of a value."""
        self._tables.values.remember_bad(value)

    def settle(self, until: float) -> None:
        """Take nothing for missing in traces that arrive before a time.

        Another decoder may have taken the first spans of them.
        """
        self._settled = until

    def watch(self, trace_id: bytes) -> None:
        """Mark a trace that is open or yet to come with `Mark.WATCHED`."""
        self._tables.traces.watch(trace_id)

    def counters(self) -> dict[str, int]:
        """How often each bound was met, by name."""
        tables = self._tables
        return {
            "keys_over_bound": 0,  # it remembers neither
            "shapes_over_bound": 0,
            "profiles_over_bound": 0,
            "statements_over_bound": 0,
            "values_over_bound": 0,
            "values_cut": tables.values.cut,
            "series_forgotten": tables.shown.turns,
            "spans_sampled_out": tables.traces.sampled_out,
            "spans_over_trace_bound": tables.traces.over_trace_bound,
            "spans_not_shown": tables.traces.not_shown,
            "spans_repeated": tables.traces.repeated,
            "producers_forgotten": tables.traces.producers_forgotten,
            "watched_forgotten": tables.traces.watched_forgotten,
        }

    @property
    def open_spans(self) -> int:
        """Spans that wait for their trace."""
        return self._tables.traces.open_spans

    def _finished(self, finished: Finished, now: float) -> Batch:
        traces = self._tables.traces
        settled = self._settled
        return Batch(
            traces=[one if one.arrived >= settled else one.unsettled() for one in finished.traces],
            orphans=[one for one in finished.orphans if one.arrived >= settled],
            notes=finished.notes,
            tallies=finished.tallies,
            watermark=traces.watermark(now),
            trace_share=traces.share,
        )


def _count(block: Message, signal: Signal) -> int:
    """Items of a block that is left out."""
    _, scopes, fields = _LEVELS[signal]
    found = (item for scope in getattr(block, scopes) for item in getattr(scope, fields))
    if signal is Signal.METRICS:
        return sum(len(list(items.points(metric))) for metric in found)
    return sum(1 for _ in found)
