"""Sends on what came in, within bounds, and counts what becomes of it."""

from __future__ import annotations

import logging
import re
from collections import Counter
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Protocol

from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from collector.forward.parcel import Answer, Outcome, Parcel, Untranslatable
from collector.forward.statuses import with_delay
from collector.violation import Signal

_LOG = logging.getLogger("telemetry_auditor")

#: What may stand in a header, of HTTP/1.1 as of gRPC.
HEADER_VALUE = re.compile(r"[\x20-\x7e]*")

#: Of the time that a sender waits, so much is the next hop's.
_SHARE = 0.9

#: Between two lines of the log about a next hop that takes nothing.
_QUIET_SECONDS = 60.0


class Hop(Protocol):
    """Where requests are sent."""

    def start(self) -> None:
        """Be ready to send."""

    def close(self) -> None:
        """Close all connections."""

    def send(self, parcel: Parcel, timeout: float) -> Future[Answer]:
        """Send a request; the answer says what became of it, whatever did."""


#: Why the sender is asked to try again, where the next hop said nothing itself.
_TEXTS = {
    Outcome.FULL: "too many requests are on their way to the next hop; try again later",
    Outcome.UNREACHABLE: "the next hop cannot be reached; try again later",
    Outcome.TIMEOUT: "the next hop did not answer in time; try again later",
    Outcome.GARBAGE: "the next hop gave no answer to OTLP; try again later",
}


class _Line:
    """A hop, and how many requests wait for it."""

    def __init__(self, hop: Hop) -> None:
        self.hop = hop
        self.waiting = 0

    def close(self) -> None:
        """Close the hop's connections, from a thread that is none of its own."""
        Thread(target=self.hop.close, name="old hop", daemon=True).start()


class Forwarder:
    """Sends requests to the next hop.

    Args:
        hop: where they go.
        signals: that are sent on; others end here.
        max_in_flight: requests that wait for an answer of the next hop.
        timeout_seconds: for its answer; less than the 10 s after which senders give up, so that
            they hear why.
        retry_after_seconds: what the sender is told to wait where the next hop said nothing.
        pass_headers: headers of the sender that are sent on, in lower case.
    """

    def __init__(
        self,
        hop: Hop,
        signals: frozenset[Signal],
        *,
        max_in_flight: int = 64,
        timeout_seconds: float = 8.0,
        retry_after_seconds: int = 2,
        pass_headers: frozenset[str] = frozenset(),
    ) -> None:
        self._line = _Line(hop)
        self._old: list[_Line] = []  # that somebody still waits for
        self._signals = signals
        self._max_in_flight = max_in_flight
        self._timeout = timeout_seconds
        self._retry_after = retry_after_seconds
        self._pass = pass_headers
        self._lock = Lock()
        self._closed = False
        self._quiet_until = 0.0
        self.in_flight = 0
        self.outcomes: Counter[tuple[str, str]] = Counter(
            {(str(signal), str(outcome)): 0 for signal in signals for outcome in Outcome}
        )
        self.seconds = {str(signal): 0.0 for signal in signals}

    def start(self) -> None:
        """Be ready to send."""
        self._line.hop.start()

    def replace(self, hop: Hop) -> None:
        """Send to a hop from now on; the one before is closed when it has answered what it has.

        Args:
            hop: that is not yet started.
        """
        hop.start()
        with self._lock:
            old, self._line = self._line, _Line(hop)
            waits, closed = bool(old.waiting), self._closed
            if waits and not closed:
                self._old.append(old)
        if closed:
            hop.close()
        elif not waits:
            old.close()

    def close(self) -> None:
        """Close all connections, once; requests in flight are answered as if the hop were gone."""
        with self._lock:
            closed, self._closed = self._closed, True
            lines, self._old = [*self._old, self._line], []
        for line in () if closed else lines:
            line.hop.close()

    def wants(self, signal: Signal) -> bool:
        """Whether requests of a signal are sent on."""
        return signal in self._signals

    def send(self, parcel: Parcel) -> Future[Answer]:
        """Send a request; beyond the bound it is answered at once.

        Raises:
            Untranslatable: if it cannot be written in the protocol of the next hop.
        """
        began = monotonic()
        answered: Future[Answer] = Future()
        answered.set_running_or_notify_cancel()  # whoever waits for it may go; it is counted
        line = self._enter()
        if line is None:
            self._finish(answered, parcel.signal, Answer(Outcome.FULL), 0.0)
            return answered

        def done(one: Future[Answer]) -> None:
            self._left(line)
            failed = one.cancelled() or one.exception() is not None
            answer = Answer(Outcome.UNREACHABLE) if failed else one.result()
            self._finish(answered, parcel.signal, answer, monotonic() - began)

        try:
            sent = line.hop.send(self._chosen(parcel), self._seconds(parcel))
        except Untranslatable:
            self._left(line)
            raise
        except Exception as error:  # noqa: BLE001 (the sender waits, and must hear of it)
            _LOG.error("a request could not be sent on: %s", type(error).__name__)
            sent = Future()
            sent.set_exception(error)
        sent.add_done_callback(done)
        return answered

    def _chosen(self, parcel: Parcel) -> Parcel:
        """The request with those headers of its sender that are sent on."""
        if not self._pass:
            return parcel._replace(headers={})
        sent = ((name.lower(), value) for name, value in parcel.headers.items())
        chosen = {
            name: value
            for name, value in sent
            if name in self._pass and isinstance(value, str) and HEADER_VALUE.fullmatch(value)
        }
        return parcel._replace(headers=chosen)

    def _seconds(self, parcel: Parcel) -> float:
        """How long to wait: less than the sender does."""
        if parcel.seconds is None:
            return self._timeout
        return min(self._timeout, max(0.0, parcel.seconds * _SHARE))

    def _enter(self) -> _Line | None:
        """The hop to send to; None beyond the bound."""
        with self._lock:
            if self.in_flight >= self._max_in_flight:
                return None
            self.in_flight += 1
            self._line.waiting += 1
            return self._line

    def _left(self, line: _Line) -> None:
        with self._lock:
            self.in_flight -= 1
            line.waiting -= 1
            ended = line in self._old and not line.waiting
            if ended:
                self._old.remove(line)
        if ended:
            line.close()

    def _finish(
        self, answered: Future[Answer], signal: Signal, answer: Answer, seconds: float
    ) -> None:
        now = monotonic()
        with self._lock:
            self.outcomes[str(signal), str(answer.outcome)] += 1
            self.seconds[str(signal)] += seconds
            told = self._closed or answer.outcome not in _TEXTS or now < self._quiet_until
            if not told:
                self._quiet_until = now + _QUIET_SECONDS
        if not told:
            what = _TEXTS[answer.outcome].partition(";")[0]
            _LOG.warning("%s (forward.endpoint); senders are asked to try again", what)
        if answer.outcome in _TEXTS:
            status = Status(code=code_pb2.UNAVAILABLE, message=_TEXTS[answer.outcome])
            answer = answer._replace(status=with_delay(status, self._retry_after), http=None)
        answered.set_result(answer)
