"""One pass over many texts that tells which detectors may find something in which text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol

hyperscan: Any
try:
    import hyperscan
except ImportError:  # no wheel for this platform
    hyperscan = None

#: Bytes that are scanned at once.
BLOB = 1_048_576
#: Matches that are taken from one blob, per text in it, before texts are scanned alone.
MATCHES_PER_TEXT = 8

Candidates = Iterator[tuple[int, set[int]]]


class Gates(Protocol):
    """Tells which expressions match in which texts."""

    name: str

    def scan(self, data: bytes, starts: Sequence[int]) -> Candidates:
        """Index of a text and the indices of the gates in it, for texts that have any.

        Args:
            data: texts in UTF-8, each followed by a line break.
            starts: where each begins.
        """


def _text(data: bytes, starts: Sequence[int], index: int) -> bytes:
    end = starts[index + 1] if index + 1 < len(starts) else len(data)
    return data[starts[index] : end - 1]


class Cache(Protocol):
    """Keeps what is costly to make, by name."""

    def get(self, name: str) -> bytes | None:
        """What was put; None when nothing was."""

    def put(self, name: str, content: bytes) -> None:
        """Keep bytes."""


class _Automaton:
    """A database of hyperscan, with a scratch space for each scan that runs at a time."""

    def __init__(self, gates: Sequence[str], flag: int, cache: Cache | None) -> None:
        name = _name(gates, flag)
        database = _loaded(cache.get(name)) if cache is not None else None
        if database is None:
            database = _compiled(tuple(gates), flag)
            if cache is not None:
                cache.put(name, hyperscan.dumpb(database))
        self._database: Any = database
        self._idle: list[Any] = []

    def run(self, data: bytes, handler: Callable[..., object]) -> None:
        """Hand over each match until the handler returns something true."""
        try:
            scratch = self._idle.pop()
        except IndexError:  # all of them are in use by other threads
            scratch = self._database.scratch.clone()
        try:
            self._database.scan(data, match_event_handler=handler, scratch=scratch)
        except hyperscan.ScanTerminated:
            pass
        finally:
            self._idle.append(scratch)


def _name(gates: Sequence[str], flag: int) -> str:
    """The name of an automaton in a cache: whatever it is made of, hashed."""
    made_of = "\0".join([hyperscan.__version__, str(flag), *gates])
    return f"hyperscan-{blake2b(made_of.encode(), digest_size=16).hexdigest()}"


@lru_cache(maxsize=4)  # two are in use; after a reload most often the same ones
def _compiled(gates: tuple[str, ...], flag: int) -> Any:  # noqa: ANN401 (hyperscan has no types)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[gate.encode() for gate in gates],
        ids=list(range(len(gates))),
        elements=len(gates),
        flags=[flag] * len(gates),
    )
    return database


def _loaded(data: bytes | None) -> Any:  # noqa: ANN401
    """A database that was compiled before; None when it does not fit this machine."""
    if data is None:
        return None
    try:
        database = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except hyperscan.HyperscanError:
        return None
    return database


class HyperscanGates:
    """All gates as one automaton.

    Args:
        gates: expressions on bytes.
        cache: where compiled automata are kept; None compiles each time.
    """

    name = "hyperscan"

    def __init__(self, gates: Sequence[str], cache: Cache | None = None) -> None:
        self._many = _Automaton(gates, 0, cache)
        self._alone = _Automaton(gates, hyperscan.HS_FLAG_SINGLEMATCH, cache)

    def scan(self, data: bytes, starts: Sequence[int]) -> Candidates:
        """See `Gates.scan`."""
        matches = self._matches(data, MATCHES_PER_TEXT * len(starts) + 256)
        if matches is None:
            for index in range(len(starts)):
                found = self._gates_of(_text(data, starts, index))
                if found:
                    yield index, found
            return
        by_text: dict[int, set[int]] = {}
        for gate, end in matches:
            by_text.setdefault(bisect_right(starts, end - 1) - 1, set()).add(gate)
        for index in sorted(by_text):
            yield index, by_text[index]

    def _matches(self, blob: bytes, most: int) -> list[tuple[int, int]] | None:
        """Gates and ends of matches; None when there are more than is sensible."""
        found: list[tuple[int, int]] = []

        def note(gate: int, _start: int, end: int, *_rest: object) -> bool:
            found.append((gate, end))
            return len(found) > most

        self._many.run(blob, note)
        return found if len(found) <= most else None

    def _gates_of(self, text: bytes) -> set[int]:
        found: set[int] = set()
        self._alone.run(text, lambda gate, *_rest: found.add(gate))
        return found


class RegexGates:
    """The same with `re`: slower, and everywhere.

    Args:
        gates: expressions on bytes.
    """

    name = "re"

    def __init__(self, gates: Sequence[str]) -> None:
        self._each = [re.compile(gate.encode()) for gate in gates]
        self._any = re.compile(b"|".join(b"(?:%s)" % gate.encode() for gate in gates))

    def scan(self, data: bytes, starts: Sequence[int]) -> Candidates:
        """See `Gates.scan`."""
        position = 0
        while match := self._any.search(data, position):
            index = bisect_right(starts, max(match.start(), match.end() - 1)) - 1
            text = _text(data, starts, index)
            yield index, {gate for gate, one in enumerate(self._each) if one.search(text)}
            if index + 1 == len(starts):
                break
            position = starts[index + 1]


def best(gates: Sequence[str], *, plain: bool = False, cache: Cache | None = None) -> Gates:
    """An automaton where hyperscan is installed, else `re`.

    Args:
        gates: expressions on bytes.
        plain: take `re` in any case.
        cache: where compiled automata are kept.
    """
    if plain or hyperscan is None:
        return RegexGates(gates)
    return HyperscanGates(gates, cache)
