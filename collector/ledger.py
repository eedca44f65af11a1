"""The ledger of requests: received = inspected + refused + uninspected, each counted on its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import TypeAlias

from collector.violation import Signal


class Transport(StrEnum):
    """How a request came."""

    GRPC = "grpc"
    HTTP = "http"


class Refusal(StrEnum):
    """Why a request was not inspected."""

    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    UNAUTHENTICATED = "unauthenticated"
    BODY_TIMEOUT = "body_timeout"
    OVERLOADED = "overloaded"
    MEMORY = "memory"
    """The process holds as much memory as it may."""
    DRAINING = "draining"
    INCOMPLETE = "incomplete"
    """The body did not arrive as a whole: its sender went away, or gRPC refused its size."""
    MALFORMED = "malformed"
    """What came over a connection is no HTTP."""
    INTERNAL = "internal"


#: The label of a request that names no signal.
UNKNOWN = "unknown"

#: What gRPC answers by itself, before the listener hears of it.
_HTTP_ALONE = frozenset(
    {
        Refusal.TOO_LARGE,
        Refusal.UNSUPPORTED_MEDIA_TYPE,
        Refusal.UNSUPPORTED_ENCODING,
        Refusal.METHOD_NOT_ALLOWED,
    }
)

#: What happens to requests that name no signal.
_WITHOUT_SIGNAL = (Refusal.NOT_FOUND, Refusal.MALFORMED)

Source: TypeAlias = tuple[str, str]


def source(signal: Signal | None, transport: Transport) -> Source:
    """The labels under which a request is counted."""
    return (str(signal) if signal is not None else UNKNOWN, str(transport))


@dataclass(frozen=True, slots=True)
class Entries:
    """A copy of the counts, by (signal, transport)."""

    received: Counter[Source] = field(default_factory=Counter)
    inspected: Counter[Source] = field(default_factory=Counter)
    items: Counter[Source] = field(default_factory=Counter)
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    uninspected: Counter[Source] = field(default_factory=Counter)


class Ledger:
    """Counts requests from any number of threads.

    Each of the four is counted on its own, so that a request which is lost between them
    shows as a difference.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries = _born()

    def received(self, signal: Signal | None, transport: Transport) -> None:
        """A request began; whatever becomes of it is counted later."""
        with self._lock:
            self._entries.received[source(signal, transport)] += 1

    def inspected(self, signal: Signal, transport: Transport, items: int) -> None:
        """A request was inspected as a whole."""
        with self._lock:
            self._entries.inspected[source(signal, transport)] += 1
            self._entries.items[source(signal, transport)] += items

    def refused(self, signal: Signal | None, transport: Transport, reason: Refusal) -> None:
        """A request was answered, or lost, without having been inspected."""
        with self._lock:
            self._entries.refused[(*source(signal, transport), str(reason))] += 1

    def uninspected(self, signal: Signal, transport: Transport) -> None:
        """A request that could not be decoded was sent on as it came."""
        with self._lock:
            self._entries.uninspected[source(signal, transport)] += 1

    def balance(self) -> str:
        """The sums of all requests, as a line of a log shows them."""
        entries = self.snapshot()
        sums = (entries.received, entries.inspected, entries.refused, entries.uninspected)
        return "{} requests received, {} inspected, {} refused, {} uninspected".format(
            *(sum(counts.values()) for counts in sums)
        )

    def snapshot(self) -> Entries:
        """The counts of one moment."""
        with self._lock:
            entries = self._entries
            return Entries(
                entries.received.copy(),
                entries.inspected.copy(),
                entries.items.copy(),
                entries.refused.copy(),
                entries.uninspected.copy(),
            )


def _born() -> Entries:
    """Every count at 0: one that is born at 5 shows no increase."""
    sources = [source(signal, transport) for signal in Signal for transport in Transport]
    refused = [
        (*source(signal, transport), str(reason))
        for signal in Signal
        for transport in Transport
        for reason in Refusal
        if reason not in _WITHOUT_SIGNAL
        and not (transport is Transport.GRPC and reason in _HTTP_ALONE)
    ]
    refused += [(*source(None, Transport.HTTP), str(reason)) for reason in _WITHOUT_SIGNAL]
    zero = dict.fromkeys(sources, 0)
    refusals = Counter(dict.fromkeys(refused, 0))
    return Entries(Counter(zero), Counter(zero), Counter(zero), refusals, Counter(zero))
