"""Words around numbers in what people read."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """A number with the name of what it counts.

    Args:
        number: of things.
        thing: the name of one, whose plural ends in -s.
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
