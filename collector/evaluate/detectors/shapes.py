"""How a row of the tables of tokens is written: a prefix and a body, or a value beside a word."""

from __future__ import annotations

import re
from collections.abc import Callable

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checks import entropy
from collector.evaluate.detectors.placeholders import is_placeholder

#: A token is not glued to what stands before or after it.
BEFORE = r"(?<![A-Za-z0-9])"
AFTER = r"(?![A-Za-z0-9_-])"

_NEAR = 30  # characters between a key word and its value; Macie's and Datadog's proximity
_BITS = 3.0  # entropy per character below which a long token is a mask or a sample
_COUNTED = re.compile(r"abcdefghij|1234567890|0123456789", re.IGNORECASE)

Check = Callable[[re.Match[str]], bool]


def plausible(bits: float = _BITS) -> Check:
    """A check that takes what is random enough, and neither a mask nor a sample.

    Args:
        bits: entropy per character, at least.
    """

    def check(match: re.Match[str]) -> bool:
        secret = secret_of(match)
        sample = _COUNTED.search(secret) is not None or is_placeholder(secret)
        return entropy(secret) >= bits and not sample

    return check


def simple(
    name: str,
    rank: Rank,
    prefix: str,
    body: str,
    *,
    gate: str = "",
    public: int = 0,
    bits: float = _BITS,
    confirm: Check | None = None,
) -> Detector:
    """A prefix and a body of a known length and alphabet.

    Args:
        name: of the detector.
        rank: of the detector.
        prefix: expression, which is the gate as well unless one is given.
        body: expression.
        gate: of the detector.
        public: of the detector.
        bits: entropy per character, at least.
        confirm: a check instead of that of the entropy.
    """
    return Detector(
        name,
        rank,
        gate or prefix,
        re.compile(f"{BEFORE}{prefix}{body}{AFTER}"),
        confirm or plausible(bits),
        public=public,
    )


def keyed(
    name: str,
    rank: Rank,
    word: str,
    value: str,
    *,
    gate: str,
    words: frozenset[str] = frozenset(),
    not_words: frozenset[str] = frozenset(),
    public: int = 0,
    bits: float = _BITS,
) -> Detector:
    """A value that nothing tells from an id, but a word just before it or the key above it.

    Args:
        name: of the detector.
        rank: of the detector.
        word: expression, read in any case.
        value: expression.
        gate: of the detector.
        words: of the detector; without any, a key tells nothing.
        not_words: of the detector.
        public: of the detector.
        bits: entropy per character, at least.
    """
    secret = f"(?P<secret>{BEFORE}{value}{AFTER})"
    return Detector(
        name,
        rank,
        gate,
        re.compile(rf"(?i:{word})[^\n]{{0,{_NEAR}}}?{secret}"),
        plausible(bits),
        words=words,
        not_words=not_words,
        bare=re.compile(secret) if words else None,
        public=public,
    )
