"""A sample that fits a bound and is the same whatever the order of arrival."""

from __future__ import annotations

from collections.abc import Hashable

_WHOLE = 2**64


def rank(sampled: Hashable) -> int:
    """A number that is equal for all spans of a trace, or of another thing, and even over them.

    It is keyed per process, so that no sender can choose which of its traces are looked at.
    """
    return hash(sampled) % _WHOLE


class Threshold:
    """The ranks that are in the sample: those below it.

    It is halved while what is kept is more than the bound, so that in the end it is the
    largest share that fits.
    """

    def __init__(self) -> None:
        self._below = _WHOLE

    def takes(self, ranked: int) -> bool:
        """Whether a rank is in the sample."""
        return ranked < self._below

    def halve(self) -> bool:
        """Take half as many; False when nothing is left to halve."""
        if self._below <= 1:
            return False
        self._below //= 2
        return True

    def double(self) -> None:
        """Take twice as many, at most all."""
        self._below = min(_WHOLE, self._below * 2)

    @property
    def share(self) -> float:
        """The share that is taken."""
        return self._below / _WHOLE
