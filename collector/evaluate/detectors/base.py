"""What a detector is: a gate for the automaton, an expression, and a check of what it matched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

from collector.violation import Severity


class Rank(IntEnum):
    """How much a find of a detector is worth to whoever steals it."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def severity(self) -> Severity:
        """The severity of a violation that rests on a detector of this rank."""
        return _SEVERITIES[self]


_SEVERITIES = {
    Rank.LOW: Severity.INFO,
    Rank.MEDIUM: Severity.WARNING,
    Rank.HIGH: Severity.CRITICAL,
    Rank.CRITICAL: Severity.CRITICAL,
}


class Found(NamedTuple):
    """Where in a text a detector found something.

    Attributes:
        start: index of the first character.
        end: index after the last character.
        within: the name beside it in the text (a parameter, a key), or empty.
        expires: when it opens nothing any more, in seconds since 1970; None for never.
    """

    start: int
    end: int
    within: str = ""
    expires: float | None = None


def always(match: re.Match[str]) -> bool:  # noqa: ARG001 (the signature of a check)
    """The check of a detector whose expression says it all."""
    return True


def never(match: re.Match[str]) -> float | None:  # noqa: ARG001 (the signature of an expiry)
    """The expiry of a secret that does not say when it ends."""
    return None


@dataclass(frozen=True, slots=True)
class Detector:
    r"""One way in which one kind of secret or personal datum shows.

    Several detectors may share a name. Every text in which `expression` matches what
    `confirm` accepts must contain a match of `gate`.

    Attributes:
        name: of the kind of secret, as options, findings and metrics spell it.
        rank: what it is worth.
        gate: a cheap expression on UTF-8 bytes that hyperscan and `re` read alike: no look
            around, no line breaks, no ``\w``; empty when only `bare` finds anything.
        expression: where it stands; the group ``secret`` when there is one, else all; a
            group ``name`` names what stands beside it.
        confirm: checksum, structure, placeholders.
        words: segments of an attribute's key under which `bare` is tried as well.
        not_words: segments that say that `words` mean something else; under a key with one of
            them a detector that is `opt_in` finds nothing at all.
        bare: like `expression`, for texts without a key word of their own.
        public: characters of the secret that every secret of this kind starts with.
        silent: not even the secret's length may be shown.
        expires: when what was matched opens nothing any more, in seconds since 1970.
        finder: finds what no expression can tell; takes the place of `expression`.
        opt_in: off unless a policy names it.
    """

    name: str
    rank: Rank
    gate: str
    expression: re.Pattern[str]
    confirm: Callable[[re.Match[str]], bool] = always
    words: frozenset[str] = frozenset()
    not_words: frozenset[str] = frozenset()
    bare: re.Pattern[str] | None = None
    public: int = 0
    silent: bool = False
    expires: Callable[[re.Match[str]], float | None] = never
    finder: Callable[[str], Iterator[Found]] | None = None
    opt_in: bool = False

    def find(self, text: str, attempts: int | None) -> Iterator[Found]:
        """Every confirmed match.

        Args:
            text: to look into.
            attempts: matches that are checked at most; None for all of them.
        """
        if self.finder is not None:
            return islice(self.finder(text), attempts)
        return self._confirmed(self.expression, text, attempts)

    def find_bare(self, text: str, attempts: int | None) -> Iterator[Found]:
        """Every confirmed match, given that the key already says what it is."""
        if self.bare is None:
            return iter(())
        return self._confirmed(self.bare, text, attempts)

    def _confirmed(
        self, expression: re.Pattern[str], text: str, attempts: int | None
    ) -> Iterator[Found]:
        group = expression.groupindex.get("secret", 0)
        named = "name" in expression.groupindex
        for match in islice(expression.finditer(text), attempts):
            if self.confirm(match):
                start, end = match.span(group)
                yield Found(start, end, match["name"] if named else "", self.expires(match))


def secret_of(match: re.Match[str]) -> str:
    """The part of a match that is the secret."""
    found: str = match["secret"] if "secret" in match.re.groupindex else match[0]
    return found
