"""From spans that end to requests that arrive: batches, Collectors, samplers, delays, resends."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, TypeAlias

from ordinary.tracing import Ended
from ordinary.world import Process

from collector.decode.messages import REQUESTS
from collector.violation import Signal

_Key: TypeAlias = tuple[object, Signal, int]

#: Seconds for which a Collector gathers before it sends.
_GATHERS = 0.2

#: Items of a request: what the SDKs' batch processors send at most, and Collectors are told to.
_MOST = 512

_LATE, _LATEST = 0.01, 20.0
_RESENT = 0.005


class Request(NamedTuple):
    """An OTLP request as it comes in.

    Attributes:
        at: seconds.
        signal: what it holds.
        body: protobuf.
        items: spans or log records in it.
    """

    at: float
    signal: Signal
    body: bytes
    items: int


@dataclass
class _Batch:
    key: _Key
    arrival: float
    items: dict[Process, list[Any]] = field(default_factory=dict)
    count: int = 0


class Exporters:
    """Everything between the processes and the auditor.

    Args:
        random: of delays and resends.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._batches: dict[_Key, _Batch] = {}
        self._due: list[tuple[float, int, _Batch | Request]] = []
        self._number = 0

    def ended(self, one: Ended, held_until: float = 0.0) -> None:
        """Take a span or log record.

        Args:
            one: the item.
            held_until: a sampler lets it go no earlier.
        """
        process = one.process
        interval = process.stack.interval
        tick = int((one.at - process.phase) // interval) + 1
        sent = process.phase + tick * interval
        key: _Key = (process, one.signal, tick)
        if held_until:
            tick = int(max(sent, held_until) // _GATHERS) + 1
            sent, key = tick * _GATHERS, ("sampler", one.signal, tick)
        elif process.collected:
            tick = int(sent // _GATHERS) + 1
            sent, key = tick * _GATHERS, ("collector", one.signal, tick)
        if key not in self._batches or self._batches[key].count == _MOST:
            batch = self._batches[key] = _Batch(key, sent + self._delay())
            self._wait(batch.arrival, batch)
        batch = self._batches[key]
        batch.items.setdefault(process, []).append(one.item)
        batch.count += 1

    def arrived(self, until: float) -> Iterator[Request]:
        """The requests that arrive up to a time, in order."""
        while self._due and self._due[0][0] <= until:
            at, _, due = heapq.heappop(self._due)
            if isinstance(due, Request):
                yield due
                continue
            if self._batches.get(due.key) is due:
                del self._batches[due.key]
            request = _request(at, due)
            if self._random.random() < _RESENT:
                again = at + self._random.uniform(1, 11)
                self._wait(again, request._replace(at=again))
            yield request

    def _delay(self) -> float:
        if self._random.random() < _LATE:
            return self._random.uniform(1, _LATEST)
        return 0.005 + min(self._random.lognormvariate(-4.5, 0.8), 1.0)

    def _wait(self, at: float, due: _Batch | Request) -> None:
        self._number += 1
        heapq.heappush(self._due, (at, self._number, due))


def _request(at: float, batch: _Batch) -> Request:
    signal = batch.key[1]
    request: Any = REQUESTS[signal]()
    for process, items in batch.items.items():
        if signal is Signal.TRACES:
            block = request.resource_spans.add(resource=process.resource)
            scope = block.scope_spans.add()
            scope.spans.extend(items)
        else:
            block = request.resource_logs.add(resource=process.resource)
            scope = block.scope_logs.add()
            scope.log_records.extend(items)
        scope.scope.name = f"instrumentation.{process.stack.language}"
    return Request(at, signal, request.SerializeToString(), batch.count)
