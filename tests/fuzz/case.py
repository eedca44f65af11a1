"""One input of the fuzzer: which decoders it asks for, which requests they get, what differs.

An input begins with three bytes: slices and bounds, demand and tables of the decoder, number of
requests. Each request has a byte for its signal and the time that passes, two for its length,
and its body; the last one has all that is left.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from collector.decode.limits import Limits
from collector.decode.native import decoder as native
from collector.decode.native import learned
from collector.decode.reference import ReferenceDecoder
from collector.demand import Bounds, Demand
from collector.views import Batch, Mark, NoteKind, PackedValues
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parents[1] / "decode" / "native"))
from compare import Pair
from demands import EVERYTHING

HEAD = 3
FRAME = 3
MOST_REQUESTS = 4
START = 1_000_000_000.0
SIGNALS = tuple(Signal)

_SLICES = (2000, 1, 2, 7)
_STEPS = (0.0, 1.0, 20.0, 400.0)
_DEMANDS = (
    EVERYTHING,
    Demand(shapes=frozenset(Signal), series=True),
    Demand(places=EVERYTHING.places),
    replace(EVERYTHING, places=frozenset(), probe_routes=frozenset({"/7/livez", "/livez"})),
    replace(EVERYTHING, notes=frozenset(), bounds=Bounds(repeated=1)),
    replace(
        EVERYTHING, marks=Mark.TRANSACTION | Mark.WATCHED, bounds=Bounds(0, 0, 0, 0, 0, 0, 0, 0)
    ),
    replace(EVERYTHING, marks=Mark(0), tallies=frozenset(), notes=frozenset({NoteKind.DUAL_WRITE})),
    replace(EVERYTHING, selected=(), notes=frozenset({NoteKind.KEYED, NoteKind.LATE_MESSAGE})),
)
#: Room for all that an input can hold, as the older half may be forgotten; more takes time.
_WIDE = {
    "remembered_values": 16_384,
    "remembered_series": 16_384,
    "max_spans": 4096,
    "max_producers": 16_384,
}
#: Bounds under which each decoder forgets what the other one may remember.
_TIGHT = {
    "remembered_values": 3,
    "remembered_series": 3,
    "max_spans": 4,
    "max_producers": 2,
    "max_watched": 1,
    "series_refresh": 5.0,
    "max_keys": 4,
    "max_shapes": 4,
    "max_new_profiles": 1,
    "max_values_at_once": 3,
}
#: What differs then, rightly.
_FORGETFUL = (
    "shapes",
    "values",
    "series",
    "traces",
    "orphans",
    "notes",
    "target",
    "identity",
    "fingerprint",
    "tallies",
    "parents",
    "counters",
)
#: Tables of the compiled decoder that make it learn anew all the time, which must not show.
_SMALL = (
    (learned, {"_MOST_PROFILES": 1, "_MOST_RESOURCES": 1}),
    (native, {"_MOST_TALLIES": 1}),
)


class Case(NamedTuple):
    """An input, taken apart.

    Attributes:
        bounds: first byte; two bits choose the slices, then short texts, small traces, tight.
        demand: second byte; two bits choose the demand, one small tables of the decoder, one has
            traces watched for, and one chooses among other demands.
        requests: each with the byte of its signal (modulo 3) and time (from bit 4 on).
    """

    bounds: int
    demand: int
    requests: list[tuple[int, bytes]]

    @classmethod
    def read(cls, data: bytes) -> Case:
        """Any bytes are an input."""
        head = data[:HEAD].ljust(HEAD, b"\0")
        at, requests = HEAD, []
        for left in reversed(range(head[2] % MOST_REQUESTS + 1)):
            frame = data[at : at + FRAME].ljust(FRAME, b"\0")
            at += FRAME
            end = at + int.from_bytes(frame[1:], "little") if left else len(data)
            requests.append((frame[0], data[at:end]))
            at = end
        return cls(head[0], head[1], requests)

    def written(self) -> bytes:
        """The bytes that read as this case."""
        frames = [
            bytes([kind]) + len(body).to_bytes(2, "little") + body for kind, body in self.requests
        ]
        return bytes([self.bounds, self.demand, len(self.requests) - 1]) + b"".join(frames)

    @property
    def tight(self) -> bool:
        """Whether the bounds are such that the decoders may forget different things."""
        return bool(self.bounds & 16)

    def limits(self) -> Limits:
        """The bounds that the first byte asks for."""
        return Limits(
            slice_items=_SLICES[self.bounds & 3],
            max_value_length=5 if self.bounds & 4 else 1_048_576,
            max_spans_per_trace=2 if self.bounds & 8 else 10_000,
            **(_TIGHT if self.tight else _WIDE),
        )

    def differences(self) -> list[str]:
        """What the compiled decoder and the reference disagree about."""
        with ExitStack() as small:
            for module, sizes in _SMALL if self.demand & 4 else ():
                small.enter_context(patch.multiple(module, **sizes))
            found = self._run()
        return [one for one in found if not (self.tight and one.startswith(_FORGETFUL))]

    def _run(self) -> list[str]:
        demand = _DEMANDS[self.demand & 3 | (self.demand & 16) >> 2]
        limits, now = self.limits(), START
        found = []
        kinds = (ReferenceDecoder, native.NativeDecoder)
        pair = Pair(*(_Judge(kind(demand, limits, b"seed")) for kind in kinds))
        for kind, body in self.requests:
            if self.demand & 8:
                pair.watch(bytes([kind % 4]) * 16)
            now += _STEPS[kind >> 4 & 3]
            found += pair.deliver(SIGNALS[kind % len(SIGNALS)], body, now)[1]
        return found + pair.advance(now + 31) + pair.drain(now + 31) + pair.counters()


class _Judge:
    """A decoder whose values are looked at as the detectors do, and some of them found bad.

    Args:
        decoder: the one that is fed.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def slices(self, signal: Signal, parsed: Any, now: float) -> Iterator[Batch]:
        for batch in self._decoder.slices(signal, parsed, now):
            if isinstance(batch.values, PackedValues):
                _search(batch.values)
            for value in batch.values:
                if len(value.text) % 3 == 0:
                    self._decoder.remember_bad(value)
            yield batch


def _search(values: Any) -> None:
    """Every text stands in its blob as it stands in its value."""
    blobs, alone = values.blobs(lambda key: key == "password", 3, 100, 64)
    seen = set(alone)
    for text, starts, owners in blobs:
        for start, owner in zip(starts, owners, strict=True):
            _, expected = values.pair(owner)
            raw = expected.encode()
            assert bytes(text[start : start + len(raw) + 1]) == raw + b"\n"
            seen.add(owner)
    for index, value in enumerate(values):
        assert index in seen or len(value.text.encode()) < 3
