"""A bounded memory of identities over time: idempotency keys and message ids, as hashes alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from collector.evaluate.tree import ended
from collector.views import Note

V = TypeVar("V")

_SAVED_BYTES = 160  # of an identity with two uses


def identity_of(*parts: object) -> int:
    """The hash by which an identity is remembered, the same in every process.

    Args:
        parts: texts and numbers, one of them a keyed hash of the decoder: from what is remembered
            nobody can tell a key or an id, even by trying all that there are.
    """
    return int.from_bytes(blake2b(msgspec.msgpack.encode(parts), digest_size=8).digest())


class Identities(Generic[V]):
    """What is known of each identity, for as long as the identity is valid.

    An identity is valid from its first use on, and then new again. Beyond the bound the oldest
    are forgotten and counted: two uses of one identity mostly stand close together.

    Args:
        seconds: how long an identity is valid.
        bound: identities remembered at most.
        make: makes what is known of a new one.
    """

    def __init__(self, seconds: float, bound: int, make: Callable[[], V]) -> None:
        self._seconds = seconds
        self._bound = bound
        self._make = make
        self._known: dict[int, tuple[float, V]] = {}
        self.overflow = 0

    def at(self, identity: int, time: float) -> V:
        """What is known of an identity, which may be new."""
        known = self.known(identity, time)
        if known is None:
            self._known.pop(identity, None)
            self._make_room(time)
            known = self._make()
            self._known[identity] = (time, known)
        return known

    def known(self, identity: int, time: float) -> V | None:
        """What is known of an identity; None when it is new, too old, or was forgotten."""
        since, known = self._known.get(identity, (time, None))
        return known if abs(time - since) <= self._seconds else None

    def __len__(self) -> int:
        return len(self._known)

    def saved(self, most: int, plain: Callable[[V], object]) -> list[tuple[int, float, object]]:
        """Those that were used first last, for `restore`.

        Args:
            most: bytes that they should not exceed, about.
            plain: makes a value for MessagePack of what is known of one.
        """
        count = min(len(self._known), most // _SAVED_BYTES)
        latest = islice(self._known.items(), len(self._known) - count, None)
        return [(identity, since, plain(known)) for identity, (since, known) in latest]

    def restore(self, state: object, known: Any, now: float) -> None:  # noqa: ANN401
        """Go on from where another process was.

        Args:
            state: what `saved` gave.
            known: type of what is known of one.
            now: arrival time.

        Raises:
            msgspec.ValidationError: if it is anything else.
        """
        saved = msgspec.convert(state, list[tuple[int, float, Any]])
        valid = [one for one in saved if 0 <= now - one[1] <= self._seconds]
        latest = valid[max(0, len(valid) - self._bound) :]
        found = {each: (since, msgspec.convert(what, known)) for each, since, what in latest}
        self._known = found

    def _make_room(self, time: float) -> None:
        """The map is in the order of first uses, so its head is the oldest."""
        while self._known:
            oldest = next(iter(self._known))
            expired = self._known[oldest][0] < time - self._seconds
            if not expired and len(self._known) < self._bound:
                return
            self.overflow += not expired
            del self._known[oldest]


class Use(NamedTuple):
    """A span that used an identity.

    Attributes:
        trace_id: 16 bytes.
        span_id: 8 bytes.
        parent_id: 8 bytes, or empty.
        start: nanoseconds, as its sender gave it.
        end: nanoseconds, not before the start.
        arrived: when its trace arrived.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    start: int
    end: int
    arrived: float

    @classmethod
    def of(cls, note: Note) -> Use:
        """The use that a note shows."""
        span = note.span
        return cls(
            note.trace_id, span.span_id, span.parent_id, span.start, ended(span), note.arrived
        )

    def repeats(self, other: Use) -> bool:
        """Whether this is the other again: its exporter sent it twice, or it was passed on.

        A sidecar and the process behind it, or a service that calls itself, use an identity
        twice within one request: in one trace and at the same time, though not as siblings.
        """
        if self.trace_id != other.trace_id:
            return False
        if self.span_id == other.span_id:
            return True
        siblings = self.parent_id == other.parent_id != b""
        return not siblings and self.start <= other.end and other.start <= self.end


class Uses:
    """Spans that used identities, until time passes: then each request's own, in one order.

    Of a gateway that is passed several times in one request, only the outermost span counts. It
    is exported last, so that none can be judged before its trace has come in whole.
    """

    def __init__(self) -> None:
        self._notes: dict[tuple[Hashable, int, bytes], list[Note]] = defaultdict(list)

    def add(self, note: Note, within: Hashable) -> None:
        """Keep a span until its trace has come in.

        Args:
            note: with an identity.
            within: what the identity belongs to, such as a service.
        """
        self._notes[within, note.span.details.identity, note.trace_id].append(note)

    def take(self) -> list[tuple[Note, Use]]:
        """Those that came since the last time, by arrival of the trace and start."""
        found = [one for notes in self._notes.values() for one in _first_hand(notes)]
        self._notes.clear()
        return sorted(found, key=lambda one: (one[1].arrived, one[1].trace_id, *_from_start(one)))


def _from_start(one: tuple[Note, Use]) -> tuple[int, int, bytes]:
    use = one[1]
    return use.start, -use.end, use.span_id


def _first_hand(notes: Iterable[Note]) -> Iterator[tuple[Note, Use]]:
    """Uses of one identity in one trace that repeat none before them.

    Whether a use repeats any is seen by the two that end last, of which one is no sibling.
    """
    last: Use | None = None
    other: Use | None = None
    for note, use in sorted(((note, Use.of(note)) for note in notes), key=_from_start):
        if not any(one is not None and use.repeats(one) for one in (last, other)):
            yield note, use
        if last is None or use.end > last.end:
            if last is not None and last.parent_id != use.parent_id:
                other = last
            last = use
        elif use.parent_id != last.parent_id and (other is None or use.end > other.end):
            other = use


def seconds_between(one: Use, other: Use) -> float:
    """How far apart two uses arrived, in seconds."""
    return abs(one.arrived - other.arrived)
