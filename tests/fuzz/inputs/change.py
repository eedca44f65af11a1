"""Changes to inputs that need no fuzzer: a few in a row, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_MOST_CHANGES = 6
_LONGEST_PIECE = 64
_INTERESTING = (0, 1, 10, 13, 32, 34, 37, 127, 128, 255)


class Changer:
    """Changes inputs of one target.

    Args:
        seeds: inputs, which lend pieces to each other.
        words: that are put into them.
        seed: equal seeds change the same.
    """

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes], seed: int) -> None:
        self._rng = random.Random(seed)
        self._seeds = seeds
        self._words = words or (b"\0",)
        self._ways: tuple[Callable[[bytes, int], bytes], ...] = (
            self._other_byte,
            self._flipped,
            self._word,
            self._word_over,
            self._without,
            self._twice,
            self._cut,
            self._joined,
        )

    def next(self, longest: int) -> bytes:
        """A further input.

        Args:
            longest: bytes of it.
        """
        data = self._rng.choice(self._seeds)
        for _ in range(self._rng.randrange(_MOST_CHANGES + 1)):
            data = self._rng.choice(self._ways)(data, self._rng.randrange(len(data) + 1))
        return data[:longest]

    def _other_byte(self, data: bytes, at: int) -> bytes:
        byte = self._rng.choice((self._rng.randrange(256), *_INTERESTING))
        return data[:at] + bytes([byte]) + data[at + 1 :]

    def _flipped(self, data: bytes, at: int) -> bytes:
        return (
            data[:at]
            + bytes(one ^ 1 << self._rng.randrange(8) for one in data[at : at + 1])
            + data[at + 1 :]
        )

    def _word(self, data: bytes, at: int) -> bytes:
        return data[:at] + self._rng.choice(self._words) + data[at:]

    def _word_over(self, data: bytes, at: int) -> bytes:
        word = self._rng.choice(self._words)
        return data[:at] + word + data[at + len(word) :]

    def _without(self, data: bytes, at: int) -> bytes:
        return data[:at] + data[at + self._rng.randrange(_LONGEST_PIECE) :]

    def _twice(self, data: bytes, at: int) -> bytes:
        return data[:at] + data[at : at + self._rng.randrange(_LONGEST_PIECE)] * 2 + data[at:]

    def _cut(self, data: bytes, at: int) -> bytes:
        return data[:at]

    def _joined(self, data: bytes, at: int) -> bytes:
        other = self._rng.choice(self._seeds)
        return data[:at] + other[self._rng.randrange(len(other) + 1) :]
