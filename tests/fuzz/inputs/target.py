"""What a target of the fuzzer is: bytes from outside, and what must hold of whatever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Target(NamedTuple):
    """One reader of bytes.

    Attributes:
        run: raises when what must hold of an input does not; any bytes are an input.
        seeds: inputs to begin with, the same ones every time.
        words: that mean something to the reader.
        longest: bytes of an input.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...]
    longest: int = 4096
