"""How a row of the opt-in tables is written: a value beside a word, a checked number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checks import words
from collector.evaluate.detectors.placeholders import is_placeholder

_FREE_BEFORE = r"(?<![\w.+/-])"
_BEFORE = r"(?<![A-Za-z0-9])(?<!\d[.,])"
_AFTER = r"(?![\w-])(?!\.\d)"
_SEPARATORS = re.compile(r"[ ./+-]")
_COUNTED = re.compile(r"[A-Z]?(?:0?1234567|98765432)")

Judge = Callable[[str], bool]

_WORD_BEGINS = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
_WORD_ENDS = r"(?:(?![A-Za-z])|(?=N(?:um|r|o)|I[Dd]|Code|Value))"
_BETWEEN = "[ -/:-~]{0,30}"  # printable, no digit, and as near as in `shapes`


def beside(word: str, value: str) -> re.Pattern[str]:
    """A value just after a word of its own, with no digit between them.

    Args:
        word: expression, read in any case.
        value: expression.
    """
    return re.compile(
        rf"{_WORD_BEGINS}(?i:{word}){_WORD_ENDS}{_BETWEEN}?(?P<secret>{value})",
    )


def beside_gate(word: str, start: str) -> str:
    """The gate of `beside`.

    Args:
        word: the same expression.
        start: what every value begins with.
    """
    return f"(?i:{word}){_BETWEEN}{start}"


def _confirmed(check: Judge, samples: frozenset[str]) -> Callable[[re.Match[str]], bool]:
    """A check of a match that takes no sample for a person."""

    def confirm(match: re.Match[str]) -> bool:
        text = _SEPARATORS.sub("", secret_of(match)).upper()
        if is_placeholder(text) or text in samples or _COUNTED.match(text):
            return False
        return len(set(text)) > 2 and check(text)  # noqa: PLR2004 (1111111 and 1010101 are none)

    return confirm


def identifier(
    name: str,
    check: Judge,
    *,
    rank: Rank = Rank.HIGH,
    free: str = "",
    word: str = "",
    value: str = "",
    start: str = "[0-9]{2}",
    keys: str = "",
    not_keys: str = "",
    samples: str = "",
) -> Iterator[Detector]:
    """The detectors of one identifier.

    Args:
        name: of the detectors.
        check: of the characters alone, letters in upper case.
        rank: of the detectors.
        free: expression, and gate, of the form that needs no word; empty when there is none.
        word: expression of what stands before the other form.
        value: expression of that form.
        start: gate of what the value begins with.
        keys: segments of a key under which the value needs no word.
        not_keys: segments of a key under which it is none.
        samples: characters of those that nobody has.
    """
    confirm, denied = _confirmed(check, words(samples)), words(not_keys)
    if free:
        alone = re.compile(f"{_FREE_BEFORE}{free}{_AFTER}")
        yield Detector(name, rank, free, alone, confirm, not_words=denied, opt_in=True)
    if word:
        named = f"{_BEFORE}{value}{_AFTER}"
        yield Detector(
            name,
            rank,
            beside_gate(word, start),
            beside(word, named),
            confirm,
            words=words(keys),
            not_words=denied,
            bare=re.compile(named),
            opt_in=True,
        )
