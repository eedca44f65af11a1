"""Two decoders side by side: what one hands over and the other does not, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from collector.classify import TargetKind
from collector.decode.messages import DecodeError
from collector.views import Batch, Span, Trace, Value
from collector.violation import Signal


class Pair:
    """A decoder and its reference, fed with the same requests.

    Args:
        reference: whose answers are right.
        tested: whose answers are compared.
    """

    def __init__(self, reference: Any, tested: Any) -> None:
        self.both = (reference, tested)
        self._hashes = Hashes()

    def deliver(self, signal: Signal, body: bytes, now: float) -> tuple[bool, list[str]]:
        """Whether the reference took a request, and all differences."""
        parsed = [self._parsed(decoder, signal, body) for decoder in self.both]
        if None in parsed:
            same = parsed[0] is None and parsed[1] is None
            return False, [] if same else [f"refused: {[one is None for one in parsed]}"]
        batches = [  # a decoder may finish traces with any slice, so both do it before
            [*_all(decoder.advance, now), *decoder.slices(signal, one, now)]
            for decoder, one in zip(self.both, parsed, strict=True)
        ]
        return True, self._compared(*batches)

    def advance(self, now: float) -> list[str]:
        """Let time pass in both."""
        return self._compared(*(_all(decoder.advance, now) for decoder in self.both))

    def drain(self, now: float) -> list[str]:
        """Close both."""
        return self._compared(*(_all(decoder.drain, now) for decoder in self.both))

    def watch(self, trace_id: bytes) -> None:
        """Have both watch for a trace."""
        for decoder in self.both:
            decoder.watch(trace_id)

    def _compared(self, one: list[Batch], other: list[Batch]) -> list[str]:
        return differences(one, other) + self._hashes.differences(one, other)

    def counters(self) -> list[str]:
        """Differences of their counters."""
        one, other = (decoder.counters() for decoder in self.both)
        return [] if one == other else [f"counters: {one} and {other}"]

    @staticmethod
    def _parsed(decoder: Any, signal: Signal, body: bytes) -> Any:
        try:
            return decoder.parse(signal, body)
        except DecodeError:
            return None


def _all(finish: Callable[[float], Batch], now: float) -> list[Batch]:
    """Every batch that the passing of time brings."""
    batches = [finish(now)]
    while batches[-1].more:
        batches.append(finish(now))
    return batches


def differences(one: list[Batch], other: list[Batch]) -> list[str]:
    """What two ways through one request disagree about."""
    found = []
    for name in ("items", "own_items"):
        sums = [sum(getattr(batch, name) for batch in batches) for batches in (one, other)]
        if sums[0] != sums[1]:
            found.append(f"{name}: {sums}")
    for name, seen in _VIEWS.items():
        all_seen = [list(seen(batches)) for batches in (one, other)]
        if all_seen[0] == all_seen[1]:
            continue
        first, second = (Counter(entries) for entries in all_seen)
        found += [f"{name}, only the first: {entry}" for entry in first - second]
        found += [f"{name}, only the second: {entry}" for entry in second - first]
    return found


def _shapes(batches: Iterable[Batch]) -> Iterable[Any]:
    return ((one.shape, one.items, one.trace_id) for batch in batches for one in batch.shapes)


def _values(batches: Iterable[Batch]) -> Iterable[Any]:
    return (_value(value) for batch in batches for value in batch.values)


def _value(value: Value) -> Any:
    return (value.key, value.text, value.new, frozenset(value.sightings))


def _series(batches: Iterable[Batch]) -> Iterable[Any]:
    return (series for batch in batches for series in batch.series)


def _rows(batches: Iterable[Batch]) -> Iterable[Any]:
    return (
        repr(replace(row, attributes=dict(sorted(row.attributes.items()))))
        for batch in batches
        for row in batch.rows
    )


class Hashes:
    """Which hash of one decoder stands for which of the other: equal ones must stay equal."""

    def __init__(self) -> None:
        self._there: dict[tuple[str, int], int] = {}
        self._back: dict[tuple[str, int], int] = {}

    def differences(self, one: list[Batch], other: list[Batch]) -> list[str]:
        """Hashes of spans that both show, which are equal in one and not in the other."""
        mine, theirs = _hashes(one), _hashes(other)
        found = []
        for place in mine.keys() & theirs.keys():
            kind, here, there = place[-1], mine[place], theirs[place]
            same = self._there.setdefault((kind, here), there) == there
            if not same or self._back.setdefault((kind, there), here) != here:
                found.append(f"{kind} of span {place[:2]}: {here} and {there}")
        return found


def _hashes(batches: Iterable[Batch]) -> dict[tuple[bytes, bytes, str], int]:
    found = {}
    for batch in batches:
        shown = [(one.trace_id, span) for one in batch.traces for span in one.spans]
        shown += [(one.trace_id, one.span) for one in batch.notes]
        for trace_id, span in shown:
            told = {
                "target": span.target.identity,
                "identity": span.details.identity,
                "fingerprint": span.details.fingerprint,
            }
            found |= {(trace_id, span.span_id, kind): one for kind, one in told.items() if one}
    return found


def _traces(batches: Iterable[Batch]) -> Iterable[Any]:
    return (_trace(trace) for batch in batches for trace in batch.traces)


def _trace(trace: Trace) -> Any:
    """A trace as text, and the ids of its missing parents."""
    spans = tuple(_span(span) for span in trace.spans)
    return repr(replace(trace, spans=spans, missing=frozenset())), trace.missing


def _notes(batches: Iterable[Batch]) -> Iterable[Any]:
    notes = [repr(one._replace(span=_span(one.span))) for batch in batches for one in batch.notes]
    return sorted(notes)


def _span(span: Span) -> Span:
    """A span with the presence of hashes for hashes; `Hashes` compares them."""
    told = span.details
    shown = told._replace(identity=told.identity != 0, fingerprint=told.fingerprint != 0)
    attributes = dict(sorted(span.attributes.items()))
    target = (span.target.kind, span.target.kind is not TargetKind.NONE)
    return replace(span, target=target, details=shown, attributes=attributes)


def _tallies(batches: Iterable[Batch]) -> Iterable[Any]:
    return (one for batch in batches for one in batch.tallies.items())


def _oddities(batches: Iterable[Batch]) -> Iterable[Any]:
    total: Counter[str] = Counter()
    for batch in batches:
        total.update(batch.oddities)
    return total.items()


_VIEWS = {
    "shapes": _shapes,
    "values": _values,
    "series": _series,
    "rows": _rows,
    "traces": _traces,
    "orphans": lambda batches: (one for batch in batches for one in batch.orphans),
    "notes": _notes,
    "tallies": _tallies,
    "oddities": _oddities,
    "parents": lambda batches: (one for batch in batches for one in batch.arrived_parents),
}
