"""One request from bytes to answer: parse, decode, evaluate, report, then acknowledge.

There is no queue: whoever is answered was inspected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from collector.decode.messages import Encoding, Request
from collector.decode.otlp_json import to_protobuf
from collector.evaluate.engine import Engine
from collector.evaluate.policy import AnyPolicy, Reading
from collector.turns import Turns
from collector.views import Batch, Value
from collector.violation import Signal, Violation

#: What a failure of the decoder itself is counted under, beside the policies' ids.
DECODER = "decoder"


#: Whoever looks waits so long for a request that is being judged, and then sees what was so before.
_PATIENCE_SECONDS = 0.5

#: A request after `Decoder.parse`; each decoder has its own.
Parsed: TypeAlias = Any


class Decoder(Protocol):
    """Turns requests into batches, and keeps what must be kept between them."""

    name: str

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

    def settle(self, until: float) -> None:
        """Take nothing for missing in traces that arrive before a time."""

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


@dataclass(slots=True)
class _Stage:
    """What requests are judged with until policies change.

    Attributes:
        engine: with the policies.
        decoder: made for its demand.
        users: requests that are being judged with it.
    """

    engine: Engine
    decoder: Decoder
    users: int = 0


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
        self._stage = _Stage(engine, decoder)
        self._ending: list[_Stage] = []
        self._retired: Counter[str] = Counter()
        self._sink = sink
        self._now = now
        self._failed = failed
        self._lock = Turns()
        self._watermark = float("-inf")
        self._seen_readings: list[tuple[str, Reading]] = []
        self._seen_counters: dict[str, int] = {}

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
        with self._entered() as stage:
            if encoding is Encoding.JSON:
                parsed = stage.decoder.adopt(to_protobuf(signal, body))
            else:
                parsed = stage.decoder.parse(signal, body)
            now = self._now()
            items = number = 0
            slices = stage.decoder.slices(signal, parsed, now)
            while (batch := self._slice(stage, slices, now)) is not None:
                items += batch.items
                number += 1
                if number > 1:  # most requests have one slice, and leave anyway
                    self._lock.give_way()
            return items

    def replace(self, engine: Engine, decoder: Decoder | None) -> None:
        """Judge with other policies from the next request on.

        Args:
            engine: with the new policies.
            decoder: made for the engine's demand; None keeps the present one, whose demand is the
                same. Traces that are open in the present one are judged when their wait ends.
        """
        with self._lock:
            before = self._stage
            self._stage = _Stage(engine, decoder or before.decoder)
        if decoder is None:
            return
        for one in list(self._ending):  # so that no more than two decoders hold many traces
            self._end(one)
        self._ending.append(before)

    def tick(self) -> None:
        """Let time pass: finish traces, close windows."""
        now = self._now()
        try:
            watermark = min([self._finish(one, one.decoder.advance, now) for one in self._stages()])
            self._watermark = watermark
            for one in list(self._ending):
                if one.users == 0 and one.decoder.open_spans == 0:
                    self._end(one)
        finally:  # windows close whatever becomes of traces
            self._close(now, self._watermark, final=False)

    def drain(self) -> None:
        """Judge what is proven of all that was still waiting; nothing may come after."""
        now = self._now()
        try:
            for one in self._stages():
                self._finish(one, one.decoder.drain, now)
        finally:
            self._close(now, float("inf"), final=True)

    def _stages(self) -> list[_Stage]:
        return [*self._ending, self._stage]

    def _finish(self, stage: _Stage, finish: Callable[[float], Batch], now: float) -> float:
        """Finish traces a few at a time, so that no request waits long; what is left open."""
        more = True
        watermark = float("-inf")
        while more:
            with self._lock:
                batch = finish(now)
                found = self._judge(self._stage.engine, stage.decoder, batch, now)
            watermark, more = batch.watermark, batch.more
            self._tell(batch, found, now)
            if more:
                self._lock.give_way()
        return watermark

    def _end(self, stage: _Stage) -> None:
        """Judge what a decoder still holds, and let it go."""
        self._finish(stage, stage.decoder.drain, self._now())
        with self._lock:
            if stage.users == 0:
                self._ending.remove(stage)
                self._retired.update(stage.decoder.counters())

    def _close(self, now: float, watermark: float, *, final: bool) -> None:
        with self._lock:
            found = self._stage.engine.close(now, watermark, final=final)
        if found:
            self._sink.violations(found, now)

    @contextmanager
    def _entered(self) -> Iterator[_Stage]:
        """What a request is judged with, from its first slice to its last."""
        with self._lock:
            stage = self._stage
            stage.users += 1
        try:
            yield stage
        finally:
            with self._lock:
                stage.users -= 1

    def saved(self, most: int) -> dict[str, tuple[AnyPolicy, object]]:
        """What policies have seen and would miss after a restart, by policy id.

        The lock is taken for one policy at a time: requests wait for none of them long.

        Args:
            most: bytes of all together, about.
        """
        found = {}
        for policy in self._stage.engine.policies:
            with self._lock:
                state = self._stage.engine.saved(policy, most)
            if state is not None:
                found[policy.terms.id] = (policy, state)
        return found

    def readings(self) -> list[tuple[str, Reading]]:
        """The gauges of all policies; those seen last while a request takes long."""
        with self._lock.patiently(_PATIENCE_SECONDS) as held:
            if held:
                self._seen_readings = self._stage.engine.readings()
        return self._seen_readings

    def counters(self) -> dict[str, int]:
        """How often each of the decoder's bounds was met; as `readings`."""
        with self._lock.patiently(_PATIENCE_SECONDS) as held:
            if held:
                total = dict(self._retired)
                for one in self._stages():
                    for name, count in one.decoder.counters().items():
                        total[name] = total.get(name, 0) + count
                self._seen_counters = total
        return self._seen_counters

    @property
    def open_spans(self) -> int:
        """Spans that wait for their trace."""
        return sum(one.decoder.open_spans for one in self._stages())

    def _slice(self, stage: _Stage, slices: Iterator[Batch], now: float) -> Batch | None:
        """Decode and judge one slice under the lock; report it outside."""
        try:
            with self._lock:
                batch = next(slices, None)
                if batch is None:
                    return None
                found = self._judge(stage.engine, stage.decoder, batch, now)
        except Exception as error:  # noqa: BLE001 (an auditor never costs its user telemetry)
            stage.engine.failures.counts[DECODER] += 1
            self._failed(type(error).__name__)
            return None
        self._tell(batch, found, now)
        return batch

    def _judge(self, engine: Engine, decoder: Decoder, batch: Batch, now: float) -> list[Violation]:
        verdict = engine.evaluate(batch, now)
        for value in verdict.bad:
            decoder.remember_bad(value)
        for trace_id in verdict.watched:
            decoder.watch(trace_id)
        return verdict.violations

    def _tell(self, batch: Batch, found: list[Violation], now: float) -> None:
        self._sink.batch(batch, now)
        if found:
            self._sink.violations(found, now)
