"""Finds secrets and personal data in strings: names first, then one automaton for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, cast

from collector.evaluate.detectors import baggage, gates
from collector.evaluate.detectors.base import Detector, Found
from collector.evaluate.detectors.credentials import NAMED
from collector.evaluate.detectors.finds import Find, Fingerprints, settled
from collector.evaluate.detectors.looks import Look, decoded
from collector.evaluate.detectors.names import Name, read
from collector.evaluate.detectors.packing import Listed, pack
from collector.evaluate.detectors.table import DETECTORS, NAMES, OPT_IN, OPT_IN_NAMES
from collector.evaluate.policy import Hit
from collector.views import PackedValues, Value

_SHORTEST = 6  # nothing shorter is found by its form
_ATTEMPTS = 16  # matches that are checked, per match that may be reported
_FINDS = 32  # finds of a value among which those are chosen, per match that may be reported
_LONGEST_NAME = 128


class _Plan(NamedTuple):
    """What a key asks for beside a look at the text."""

    name: Name
    bare: tuple[tuple[int, Detector], ...]
    member: str
    members: bool


class Detectors:
    """All detectors, ready to judge values.

    Pure; two threads may use one at the same time.

    Args:
        key: of the fingerprints, at least one byte.
        disabled: names of detectors that are left out.
        max_matches_per_value: further finds in one value are left out and counted in `capped`
            (ours: 16); where very many stand in it, the rest is not even looked for.
        max_length: of a longer value only the first three quarters of so many characters and
            the last quarter are looked at, and it is counted in `truncated` (ours: 64 KiB).
        plain: use `re` even where hyperscan is installed.
        cache: where compiled automata are kept.
        own: detectors beside the shipped ones, which win over them at equal rank.
        opted: names of opt-in detectors that run as well; the others cost nothing.

    Raises:
        ValueError: if the key is empty or a name is unknown.
    """

    def __init__(
        self,
        key: bytes,
        disabled: frozenset[str] = frozenset(),
        *,
        max_matches_per_value: int = 16,
        max_length: int = 65_536,
        plain: bool = False,
        own: Sequence[Detector] = (),
        opted: frozenset[str] = frozenset(),
        cache: gates.Cache | None = None,
    ) -> None:
        if not opted.issubset(OPT_IN_NAMES):
            raise ValueError(f"opt-in detectors are {', '.join(OPT_IN_NAMES)}")
        everything = (*DETECTORS, *own, *(one for one in OPT_IN if one.name in opted))
        unknown = disabled.difference(NAMES, (one.name for one in own))
        if unknown:
            raise ValueError(
                f"unknown detectors {', '.join(sorted(unknown))}; known are {', '.join(NAMES)}"
            )
        self.opted = opted
        self.names = frozenset(OPT_IN_NAMES).union(one.name for one in everything)
        self._fingerprints = Fingerprints(key)
        self._disabled = disabled
        self._most = max_matches_per_value
        self._room = max_matches_per_value * _FINDS
        self._max_length = max_length
        self._orders = {detector: order for order, detector in enumerate(everything)}
        enabled = [detector for detector in everything if detector.name not in disabled]
        self._gated = [detector for detector in enabled if detector.gate]
        self._bare = [detector for detector in enabled if detector.bare is not None]
        ranks = sorted(enumerate(self._gated), key=lambda one: -one[1].rank)
        self._turns = {gate: turn for turn, (gate, _) in enumerate(ranks)}
        self._gates = gates.best(
            [detector.gate for detector in self._gated], plain=plain, cache=cache
        )
        self._plan = lru_cache(maxsize=16_384)(self._make_plan)
        self.truncated = 0
        self.capped = 0

    @property
    def backend(self) -> str:
        """``hyperscan`` or ``re``."""
        return self._gates.name

    def fingerprint(self, secret: str) -> str:
        """The keyed hash of a secret."""
        return self._fingerprints.of(secret)

    def found(self, values: Sequence[Value]) -> dict[int, tuple[Hit, ...]]:
        """What stands in values, by index, for those in which something does.

        Args:
            values: distinct strings with their keys.
        """
        hits: dict[int, tuple[Hit, ...]] = {}
        packed: PackedValues
        if isinstance(values, list | tuple):  # much sooner told than an abstract class
            packed = Listed([(value.key, value.text) for value in values])
        else:
            packed = cast("PackedValues", values)
        for index, finds in self._finds(packed, self._most * _ATTEMPTS):
            kept = settled(finds)
            if any(len(group) > self._most for group in kept):
                self.capped += 1
            hits[index] = tuple(
                hit for group in kept for hit in self._fingerprints.hits(group, self._most)
            )
        return hits

    def find(self, text: str, key: str = "") -> list[Find]:
        """Every secret in a text, wherever it stands and however many there are.

        Args:
            text: at most `max_length` characters of it are looked at.
            key: the attribute under which it stands.
        """
        for _, finds in self._finds(Listed([(key, text)]), None):
            return [find for group in settled(finds) for find in group]
        return []

    def _finds(
        self, values: PackedValues, attempts: int | None
    ) -> Iterator[tuple[int, list[Find]]]:
        """Finds by index of the value, for values that have any."""
        blobs, alone = values.blobs(self._is_special, _SHORTEST, self._max_length, gates.BLOB)
        finds: dict[int, list[Find]] = {}
        for data, starts, owners in blobs:
            for at, candidates in self._gates.scan(data, starts):
                text = values.pair(owners[at])[1]
                room = None if attempts is None else self._room
                found = list(islice(self._confirmed(text, candidates, None, attempts), room))
                if found:
                    finds[owners[at]] = found
        if alone:
            self._one_by_one(values, alone, attempts, finds)
        for index in sorted(finds):
            placed = self._placed(finds[index], *values.pair(index))
            if placed:
                yield index, placed

    def _one_by_one(
        self,
        values: PackedValues,
        indices: Sequence[int],
        attempts: int | None,
        finds: dict[int, list[Find]],
    ) -> None:
        """Finds in values whose key says something, or which may hold another text."""
        looks: list[Look] = []
        owners: list[int] = []
        for index in indices:
            key, text = values.pair(index)
            plan = self._plan(key)
            if plan is not None and self._told(plan, text, attempts, finds, index):
                continue
            if len(text) < _SHORTEST:
                continue
            ways = self._looks(text)
            looks += ways
            owners += [index] * len(ways)
        numbers = range(len(looks))
        for data, starts, places in pack([look.text for look in looks], numbers, gates.BLOB):
            for at, candidates in self._gates.scan(data, starts):
                look, index = looks[places[at]], owners[places[at]]
                room = None if attempts is None else max(0, self._room - len(finds.get(index, ())))
                found = list(islice(self._confirmed(look.text, candidates, look, attempts), room))
                if found:
                    finds.setdefault(index, []).extend(found)

    def _is_special(self, key: str) -> bool:
        return self._plan(key) is not None

    def _told(
        self,
        plan: _Plan,
        text: str,
        attempts: int | None,
        finds: dict[int, list[Find]],
        index: int,
    ) -> bool:
        """Note what the key gives away; whether that is all there is to say."""
        named = list(self._by_key(plan, text[: self._max_length], attempts))
        if named:
            finds[index] = named
        whole = plan.name not in (Name.PLAIN, Name.COOKIE) and not plan.members
        return whole and not all(find.detector.opt_in for find in named)

    def _looks(self, text: str) -> list[Look]:
        pieces = [Look(text)]
        if len(text) > self._max_length:
            self.truncated += 1
            tail = self._max_length // 4
            pieces = [
                Look(text[: self._max_length - tail]),
                Look(text[len(text) - tail :], base=len(text) - tail),
            ]
        return [look for piece in pieces for look in (piece, *decoded(piece))]

    def _confirmed(
        self, text: str, candidates: set[int], look: Look | None, attempts: int | None
    ) -> Iterator[Find]:
        for gate in sorted(candidates, key=self._turns.__getitem__):
            detector = self._gated[gate]
            for found in detector.find(text, attempts):
                yield self._made(detector, found, text, look)

    def _made(self, detector: Detector, found: Found, text: str, look: Look | None) -> Find:
        start, end, within, expires = found
        secret = text[start:end]
        if look is not None:
            start, end = look.origin(start, end)
        order = self._orders[detector]
        within = within[:_LONGEST_NAME]
        return Find(detector, order, start, end, secret, within, expires=expires)

    def _make_plan(self, key: str) -> _Plan | None:
        known = read(key)
        bare = tuple(
            (order, detector)
            for order, detector in enumerate(self._bare)
            if not detector.words.isdisjoint(known.words)
            and detector.not_words.isdisjoint(known.words)
        )
        if known.name is Name.PLAIN and not (bare or known.members or known.member):
            return None
        return _Plan(known.name, bare, known.member, known.members)

    def _by_key(self, plan: _Plan, text: str, attempts: int | None) -> Iterator[Find]:
        if plan.members:
            yield from self._by_member(text, attempts)
        yield from self._named(plan, Look(text), attempts)

    def _named(self, plan: _Plan, look: Look, attempts: int | None) -> Iterator[Find]:
        found = False
        for _, detector in plan.bare:
            for one in detector.find_bare(look.text, attempts):
                found = found or not detector.opt_in
                yield self._made(detector, one, look.text, look)
        judge = NAMED.get(plan.name)
        if judge is None or found:
            return
        for detector, one in judge(look.text):
            if detector.name not in self._disabled:
                yield self._made(detector, one, look.text, look)

    def _by_member(self, header: str, attempts: int | None) -> Iterator[Find]:
        for member in baggage.members(header):
            plan = self._plan(member.key)
            if plan is None or plan.members:
                continue
            piece = Look(member.value, base=member.value_start)
            for find in self._named(plan, (piece, *decoded(piece))[-1], attempts):
                yield find._replace(within=member.name)

    def _placed(self, finds: list[Find], key: str, text: str) -> list[Find]:
        """Finds that fit the key, those in baggage with the name of their member."""
        known = read(key)
        if self.opted:
            finds = [find for find in finds if not _denied(find.detector, known.words)]
        if known.member:
            name = known.member[:_LONGEST_NAME]
            return [find._replace(within=name, baggage=True) for find in finds]
        if not known.members:
            return finds
        parsed = baggage.members(text[: self._max_length])
        return [
            find._replace(within=baggage.name_at(parsed, find.start), baggage=True)
            for find in finds
        ]


def _denied(detector: Detector, words: frozenset[str]) -> bool:
    """Whether a key says that what an opt-in detector finds under it is something else."""
    return detector.opt_in and not detector.not_words.isdisjoint(words)
