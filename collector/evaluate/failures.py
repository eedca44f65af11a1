"""Failures inside a policy, and inside what stands around policies: counted, and told once each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

#: What failures of the parts around the policies are counted under.
DETECTORS = "detectors"
SCRUBBER = "scrubber"
PICKS = "picks"


class Failures:
    """Counts exceptions by where they came from.

    Args:
        told: called once for each place at which something raised, with what it is counted under,
            the name of the exception's type and the place in the code. Never the message, which
            may hold telemetry.
        before: whose counts go on.
    """

    def __init__(
        self,
        told: Callable[[str, str, str], None] | None = None,
        before: Failures | None = None,
    ) -> None:
        self._told = told
        self._known: set[tuple[str, str]] = set()
        #: By what they are counted under: the id of a policy, or one of the names above.
        self.counts: Counter[str] = before.counts if before else Counter()

    def note(self, name: str, error: Exception) -> None:
        """Count one.

        Args:
            name: what it is counted under.
            error: as it was raised.
        """
        self.counts[name] += 1
        place = _place(error)
        if self._told is not None and (name, place) not in self._known:
            self._known.add((name, place))
            self._told(name, type(error).__name__, place)


def _place(error: Exception) -> str:
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    return f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "unknown"
