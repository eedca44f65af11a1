"""Calls of gRPC whose message does not arrive are ended."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

import grpc

from collector.ledger import Refusal

#: Between two looks at the calls that wait, and what a call may wait while memory is short.
_LOOK_SECONDS = 0.1
_SHORT_SECONDS = 0.5


class Deadlines:
    """Ends calls of which the message does not arrive; gRPC itself would wait for ever.

    While memory is short it ends them soon, for gRPC holds what has arrived of their messages and
    tells nobody how much that is.

    Args:
        seconds: for a message to arrive.
        short: whether memory is short.
    """

    def __init__(self, seconds: float, short: Callable[[], bool]) -> None:
        self._seconds = seconds
        self._short = short
        self._waiting: dict[grpc.ServicerContext, float] = {}
        self._ended: dict[grpc.ServicerContext, Refusal] = {}
        self._stop = Event()
        self._thread = Thread(target=self._run, name="grpc-deadlines", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def begin(self, context: grpc.ServicerContext) -> None:
        """A call waits for its message."""
        self._waiting[context] = monotonic() + self._seconds

    def end(self, context: grpc.ServicerContext) -> Refusal | None:
        """Why the call was ended here; None if it was not."""
        waited = self._waiting.pop(context, None) is not None
        reason = self._ended.pop(context, None)
        return None if waited else reason

    def _run(self) -> None:
        while not self._stop.wait(min(_LOOK_SECONDS, self._seconds / 4)):
            if self._waiting:
                self._look(monotonic())

    def _look(self, now: float) -> None:
        short = self._short()
        soon = now + max(0.0, self._seconds - _SHORT_SECONDS)
        for context, deadline in list(self._waiting.items()):
            late = deadline < now
            if not (late or (short and deadline < soon)):
                continue
            self._ended[context] = Refusal.BODY_TIMEOUT if late else Refusal.MEMORY
            if self._waiting.pop(context, None) is not None:
                context.cancel()
            else:  # its message has just arrived
                self._ended.pop(context, None)
