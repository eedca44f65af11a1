"""What a listener adds to the answer of a request of which everything was taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from collector.decode.messages import Encoding
from collector.violation import Service, Signal


class Hints(Protocol):
    """Knows what is to be told to whom."""

    def senders(self, signal: Signal, body: bytes, encoding: Encoding) -> Sequence[Service]:
        """The services that a request comes from, where anything is to be told to them."""

    def take(self, services: Iterable[Service]) -> str:
        """What is to be told to services, which thereby counts as told; empty if nothing is."""


class _Silence:
    """Tells nobody anything."""

    def senders(self, signal: Signal, body: bytes, encoding: Encoding) -> Sequence[Service]:
        """Nobody."""
        del signal, body, encoding
        return ()

    def take(self, services: Iterable[Service]) -> str:
        """Nothing."""
        del services
        return ""


NO_HINTS: Hints = _Silence()
