"""The attempts of a call: what is retried, how that is known, in which order they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.places import peer_name
from collector.evaluate.tree import Tree, ended
from collector.views import Mark, Span
from collector.violation import Basis, Service

#: Marks of the traces in which a retry can be.
MARKS = Mark.RETRY_ATTRIBUTE | Mark.FAILED_SIBLING | Mark.REPEATED_SERVER

#: Attributes that hold an idempotency key, as instrumentations and applications spell it.
IDENTITY_KEYS = (
    "http.request.header.idempotency-key",
    "http.request.header.idempotency_key",
    "http.request.header.x-idempotency-key",
    "http.request.header.x_idempotency_key",
    "rpc.request.metadata.idempotency-key",
    "rpc.grpc.request.metadata.idempotency-key",
    "idempotency.key",
    "idempotency_key",
    "idempotency-key",
)

#: What `collector.evaluate.retries` needs; a key tells whether two calls are one.
DEMAND = Demand(marks=MARKS, identity_keys=frozenset(IDENTITY_KEYS))

#: Where nothing tells items apart, more calls in a row are a loop over items (ours).
LONGEST_SEQUENCE = 10

_DAY = 86_400_000_000_000  # nanoseconds; longer waits are faults of a clock
_COUNTED = frozenset({SpanKind.CLIENT, SpanKind.CONSUMER})


class Way(StrEnum):
    """How a retry is known."""

    RESEND_COUNT = "resend_count"
    PREVIOUS_ATTEMPTS = "previous_attempts"
    DELIVERY_COUNT = "delivery_count"
    FAILED_SIBLING = "failed_sibling"
    REPEATED_SERVER = "repeated_server"


_INFERRED = frozenset({Way.FAILED_SIBLING, Way.REPEATED_SERVER})


class Call(NamedTuple):
    """What is retried: who calls whom for what."""

    service: Service
    peer: str
    operation: str

    @property
    def subject(self) -> str:
        """Peer and operation, as a finding names them."""
        return f"{peer_name(self.peer)} {self.operation}".strip()


class Retry(NamedTuple):
    """A span that is not the first attempt.

    Attributes:
        span: the attempt.
        way: how it is known.
        call: what is retried.
        attempt: its number, the original being 1.
        sequence: equal for the attempts of one call.
    """

    span: Span
    way: Way
    call: Call
    attempt: int
    sequence: tuple[object, ...]

    @property
    def basis(self) -> Basis:
        """Whether telemetry states it."""
        return Basis.INFERRED if self.way in _INFERRED else Basis.OBSERVED

    @property
    def is_call(self) -> bool:
        """Whether it is itself a call of its service, and so counted among them."""
        return self.span.kind in _COUNTED


class AttemptSequence(NamedTuple):
    """The attempts of one call.

    Attributes:
        call: what is attempted.
        spans: the attempts that were seen, in order of their start. The first is the original,
            unless that was not seen.
        retries: those of them that are not the original; at least one.
    """

    call: Call
    spans: tuple[Span, ...]
    retries: tuple[Retry, ...]

    @property
    def attempts(self) -> int:
        """How many there were, by the highest number."""
        return max(retry.attempt for retry in self.retries)

    @property
    def way(self) -> Way:
        """How its last retry is known."""
        return self.retries[-1].way

    @property
    def basis(self) -> Basis:
        """Whether telemetry states all of it."""
        return max((retry.basis for retry in self.retries), key=lambda one: one is Basis.INFERRED)

    @property
    def whole(self) -> bool:
        """Whether every attempt was seen, each after the one before it."""
        numbers = [retry.attempt for retry in self.retries]
        return numbers == list(range(2, len(self.spans) + 1))

    def waits(self) -> tuple[int, ...]:
        """Nanoseconds from the end of each attempt to the start of the next.

        Empty where they cannot be told: attempts are missing or overlap, or a clock is wrong.
        """
        if not self.whole or any(span.start <= 0 for span in self.spans):
            return ()
        pairs = pairwise(self.spans)
        found = tuple(later.start - ended(earlier) for earlier, later in pairs)
        return found if all(0 <= one < _DAY for one in found) else ()


def call_of(span: Span) -> Call:
    """Who calls whom for what."""
    return Call(span.resource.service, span.peer, span.operation)


def example(trace_ids: Sequence[str]) -> str:
    """The smallest of some trace ids, so that it does not depend on what came first."""
    return min(filter(None, trace_ids), default="")


def attempts_by_entry(
    found: Iterable[AttemptSequence], tree: Tree
) -> Mapping[bytes, list[AttemptSequence]]:
    """Sequences of attempts by the SERVER span on whose behalf their own service made them."""
    by_entry: dict[bytes, list[AttemptSequence]] = {}
    entries: dict[tuple[bytes, Service], Span | None] = {}
    for sequence in found:
        call = sequence.spans[0]
        if sequence.way is Way.REPEATED_SERVER:
            call = tree.by_id[call.parent_id]  # the client that hides it
        siblings = (call.parent_id, call.resource.service)
        if siblings not in entries:
            entries[siblings] = tree.entry(call)
        entry = entries[siblings]
        if entry is not None:
            by_entry.setdefault(entry.span_id, []).append(sequence)
    return by_entry
