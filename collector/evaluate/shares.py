"""Whether the share of errors of one group is really higher than that of another."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple


class Share(NamedTuple):
    """Some of many."""

    some: int
    many: int

    @property
    def value(self) -> float:
        """The share; 0 of none."""
        return self.some / self.many if self.many else 0.0


def z_score(one: Share, other: Share) -> float:
    """By how many standard deviations one share is above another (two-proportion z-test).

    Args:
        one: a share.
        other: of what is not in it.
    """
    many = one.many + other.many
    if not one.many or not other.many:
        return 0.0
    pooled = (one.some + other.some) / many
    variance = pooled * (1 - pooled) * (1 / one.many + 1 / other.many)
    return (one.value - other.value) / sqrt(variance) if variance > 0 else 0.0
