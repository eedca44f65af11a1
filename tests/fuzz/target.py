"""What the driver calls: one input at a time, in an interpreter that it embeds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import case
import mutate


def _unraisable(problem: object) -> None:
    """A bound that was met where nothing can be raised would be a line on a terminal, no more."""
    sys.__unraisablehook__(problem)
    os.abort()


sys.unraisablehook = _unraisable


def run(data: bytes) -> None:
    """Raise when the decoders differ; the driver aborts then, and keeps the input."""
    different = case.Case.read(data).differences()
    if different:
        raise AssertionError("\n".join(one[:2000] for one in different[:5]))


def mutated(data: bytes, seed: int, change: Callable[[bytes], bytes]) -> bytes:
    """See `mutate.mutated`."""
    return mutate.mutated(data, seed, change)
