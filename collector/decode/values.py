"""The values view: each distinct string under a key is handed over once, unless it is bad."""

from __future__ import annotations

from typing import NamedTuple

from collector.generations import Generations
from collector.views import Place, Resource, Sighting, Value
from collector.violation import Signal


class Where(NamedTuple):
    """The item in which a string stands."""

    signal: Signal
    resource: Resource
    name: str
    trace_id: str


class ValueTable:
    """Remembers verdicts, not sightings: a clean repeat costs one look-up.

    Only hashes are remembered, so that no value outlives its request here. Python keys its
    string hashes per process, so that a sender cannot make two values collide.

    Args:
        remembered: distinct (key, value) pairs remembered at most.
        max_length: longer strings are cut before they are handed over, and counted in `cut`.
    """

    def __init__(self, remembered: int = 262_144, max_length: int = 1_048_576) -> None:
        self._clean: Generations[int, bool] = Generations(remembered)
        self._bad: Generations[int, bool] = Generations(remembered)
        self._max_length = max_length
        self._pending: dict[tuple[str, str], dict[tuple[Place, int, str], Sighting]] = {}
        self._known_bad: set[tuple[str, str]] = set()
        self.cut = 0

    def see(self, key: str, text: str, place: Place, where: Where) -> None:
        """Note that a string stands somewhere, if it is new or known to be bad."""
        if len(text) > self._max_length:
            text = text[: self._max_length]
            self.cut += 1
        pair = (key, text)
        sightings = self._pending.get(pair)
        if sightings is None:
            hashed = hash(pair)
            if self._clean.get(hashed):
                return
            if self._bad.get(hashed):
                self._known_bad.add(pair)
            sightings = self._pending[pair] = {}
        at = (place, where.resource.identity, where.name)
        before = sightings.get(at)
        if before is None:
            sightings[at] = Sighting(
                where.signal, place, where.resource, where.name, where.trace_id, 1
            )
        else:
            sightings[at] = before._replace(items=before.items + 1)

    def take(self) -> list[Value]:
        """Hand over what was noted since the last call; what is new counts as clean from here."""
        values = [
            Value(key, text, (key, text) not in self._known_bad, tuple(sightings.values()))
            for (key, text), sightings in self._pending.items()
        ]
        for value in values:
            if value.new:
                self._clean[hash((value.key, value.text))] = True
        self._pending = {}
        self._known_bad = set()
        return values

    def remember_bad(self, value: Value) -> None:
        """From now on hand over every occurrence of this value."""
        hashed = hash((value.key, value.text))
        self._clean.pop(hashed)
        self._bad[hashed] = True
