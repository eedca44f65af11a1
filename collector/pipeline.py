"""One request from bytes to answer: parse, decode, evaluate, report, then acknowledge.

There is no queue: whoever is answered was inspected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, Protocol, TypeAlias

from collector.decode.messages import Encoding, Request
from collector.decode.otlp_json import to_protobuf
from collector.evaluate.engine import Engine
from collector.evaluate.policy import Reading
from collector.views import Batch, Value
from collector.violation import Signal, Violation

#: What a failure of the decoder itself is counted under, beside the policies' ids.
DECODER = "decoder"


#: A request after `Decoder.parse`; each decoder has its own.
Parsed: TypeAlias = Any


class Decoder(Protocol):
    """Turns requests into batches, and keeps what must be kept between them."""

    def parse(self, signal: Signal, body: bytes) -> Parsed:
        """A request as this decoder wants it; needs no lock; `DecodeError` if it is none."""

    def adopt(self, request: Request) -> Parsed:
        """The same from a message; needs no lock."""

    def slices(self, signal: Signal, parsed: Parsed, now: float) -> Iterator[Batch]:
        """A request in batches of bounded size."""

    def advance(self, now: float) -> Batch:
        """What time alone brought."""

    def drain(self, now: float) -> Batch:
        """All that was still waiting."""

    def remember_bad(self, value: Value) -> None:
        """From now on hand over every occurrence of a value."""

    def watch(self, trace_id: bytes) -> None:
        """Show a trace that is open or yet to come when it has finished."""

    def counters(self) -> dict[str, int]:
        """How often each bound was met."""

    @property
    def open_spans(self) -> int:
        """Spans that wait for their trace."""


class Sink(Protocol):
    """Where violations go, and what was seen of a batch beside them."""

    def violations(self, found: list[Violation], now: float) -> None:
        """Violations, in the order in which they were found."""

    def batch(self, batch: Batch, now: float) -> None:
        """Counts of a batch: items, own items, oddities, share of traces."""


class Pipeline:
    """Inspects requests from any number of threads, one slice at a time.

    Args:
        decoder: made for the engine's demand.
        engine: the loaded policies.
        sink: told of everything outside of the lock.
        now: the clock.
        failed: told of a failure of the decoder: the type of the exception, no more.
    """

    def __init__(
        self,
        decoder: Decoder,
        engine: Engine,
        sink: Sink,
        now: Callable[[], float],
        failed: Callable[[str], None],
    ) -> None:
        self._decoder = decoder
        self._engine = engine
        self._sink = sink
        self._now = now
        self._failed = failed
        self._lock = Lock()
        self._watermark = float("-inf")

    def inspect(self, signal: Signal, body: bytes, encoding: Encoding) -> int:
        """Inspect a request.

        Args:
            signal: by the path or method under which it came.
            body: uncompressed.
            encoding: protobuf or JSON.

        Returns:
            How many items it held, own telemetry left out.

        Raises:
            DecodeError: if it is not OTLP; nothing of it was inspected.
        """
        if encoding is Encoding.JSON:
            parsed = self._decoder.adopt(to_protobuf(signal, body))
        else:
            parsed = self._decoder.parse(signal, body)
        now = self._now()
        items = 0
        slices = self._decoder.slices(signal, parsed, now)
        while (batch := self._slice(slices, now)) is not None:
            items += batch.items
        return items

    def tick(self) -> None:
        """Let time pass: finish traces, close windows."""
        self._pass(self._decoder.advance, final=False)

    def drain(self) -> None:
        """Judge what is proven of all that was still waiting; nothing may come after."""
        self._pass(self._decoder.drain, final=True)

    def _pass(self, finish: Callable[[float], Batch], *, final: bool) -> None:
        """Finish traces a few at a time, so that no request waits long; then close windows."""
        now = self._now()
        more = True
        try:
            while more:
                with self._lock:
                    batch = finish(now)
                    found = self._judge(batch, now)
                self._watermark, more = batch.watermark, batch.more
                self._tell(batch, found, now)
        finally:  # windows close whatever becomes of traces
            with self._lock:
                watermark = float("inf") if final else self._watermark
                found = self._engine.close(now, watermark, final=final)
            if found:
                self._sink.violations(found, now)

    def readings(self) -> list[tuple[str, Reading]]:
        """The gauges of all policies."""
        with self._lock:
            return self._engine.readings()

    def counters(self) -> dict[str, int]:
        """How often each of the decoder's bounds was met."""
        with self._lock:
            return self._decoder.counters()

    @property
    def open_spans(self) -> int:
        """Spans that wait for their trace."""
        return self._decoder.open_spans

    def _slice(self, slices: Iterator[Batch], now: float) -> Batch | None:
        """Decode and judge one slice under the lock; report it outside."""
        try:
            with self._lock:
                batch = next(slices, None)
                if batch is None:
                    return None
                found = self._judge(batch, now)
        except Exception as error:  # noqa: BLE001 (an auditor never costs its user telemetry)
            self._engine.errors[DECODER] += 1
            self._failed(type(error).__name__)
            return None
        self._tell(batch, found, now)
        return batch

    def _judge(self, batch: Batch, now: float) -> list[Violation]:
        verdict = self._engine.evaluate(batch, now)
        for value in verdict.bad:
            self._decoder.remember_bad(value)
        for trace_id in verdict.watched:
            self._decoder.watch(trace_id)
        return verdict.violations

    def _tell(self, batch: Batch, found: list[Violation], now: float) -> None:
        self._sink.batch(batch, now)
        if found:
            self._sink.violations(found, now)
