"""The one clock: wall time at the start, carried on by the monotonic clock."""

from __future__ import annotations

import time


class Clock:
    """Seconds since 1970 that never run backwards, whatever is done to the wall clock.

    Windows and waits are measured on it, and it is close enough to the wall clock to be
    shown as a time.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """The present time in seconds since 1970."""
        return self._offset + time.monotonic()
