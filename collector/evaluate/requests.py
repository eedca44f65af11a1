"""The requests of a window by the variant of a flag that they were served under."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from collector.evaluate.sampled import Threshold, rank
from collector.evaluate.shares import Share
from collector.violation import Service


class Flag(NamedTuple):
    """A flag of a service."""

    service: Service
    name: str


class Request(NamedTuple):
    """A SERVER span under a flag.

    Attributes:
        trace_id: 16 bytes.
        span_id: 8 bytes.
        variant: what the flag was.
        failed: whether it ended in an error.
    """

    trace_id: bytes
    span_id: bytes
    variant: str
    failed: bool


class Variants(NamedTuple):
    """The requests under a flag, by its variants.

    Attributes:
        shares: failed of all, by variant, those with most requests.
        total: over all variants.
        examples: the trace of a failed request, by variant.
    """

    shares: dict[str, Share]
    total: Share
    examples: dict[str, bytes]

    def others(self, variant: str) -> Share:
        """The requests under all other variants."""
        one = self.shares[variant]
        return Share(self.total.some - one.some, self.total.many - one.many)


class Requests:
    """The requests of one window: all of them, or those of a sample of traces that fits.

    Args:
        max_requests: kept at most.
        max_flags: of services, told apart at most.
    """

    def __init__(self, max_requests: int, max_flags: int) -> None:
        self._max_requests = max_requests
        self._max_flags = max_flags
        self._threshold = Threshold()
        self._flags: dict[Flag, dict[tuple[bytes, bytes], Request | None]] = {}
        self._kept = 0
        self.left_out = 0

    def add(self, flag: Flag, request: Request) -> bool:
        """Add a request; one that saw two variants of a flag is counted under neither.

        Returns:
            Whether it was kept, and not known before.
        """
        known = self._flags.get(flag)
        if known is None:
            if len(self._flags) >= self._max_flags:
                self.left_out += 1
                return False
            known = self._flags[flag] = {}
        identity = (request.trace_id, request.span_id)
        if identity in known:
            before = known[identity]
            if before is not None and before.variant != request.variant:
                known[identity] = None
            return False
        if not self._threshold.takes(rank(request.trace_id)):
            self.left_out += 1
            return False
        known[identity] = request
        self._kept += 1
        while self._kept > self._max_requests and self._threshold.halve():
            self._sample_down()
        return True

    def flags(self, max_variants: int) -> list[tuple[Flag, Variants]]:
        """What came of the window, flag by flag.

        Args:
            max_variants: of a flag, judged by themselves; the rarest are others to all.
        """
        return [
            (flag, _variants([one for one in known.values() if one is not None], max_variants))
            for flag, known in sorted(self._flags.items(), key=lambda one: one[0])
        ]

    def _sample_down(self) -> None:
        for known in self._flags.values():
            dropped = [one for one in known if not self._threshold.takes(rank(one[0]))]
            for one in dropped:
                del known[one]
            self._kept -= len(dropped)
            self.left_out += len(dropped)


def _variants(requests: list[Request], most: int) -> Variants:
    many = Counter(one.variant for one in requests)
    failed = Counter(one.variant for one in requests if one.failed)
    often = sorted(many, key=lambda variant: (-many[variant], variant))[:most]
    examples: dict[str, bytes] = {}
    for one in requests:
        if one.failed:
            examples[one.variant] = min(examples.get(one.variant, one.trace_id), one.trace_id)
    return Variants(
        shares={variant: Share(failed[variant], many[variant]) for variant in often},
        total=Share(failed.total(), many.total()),
        examples=examples,
    )
