"""Which values each policy sees, and what the detectors say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from collector.evaluate.failures import DETECTORS, PICKS, Failures
from collector.evaluate.picked import Picks
from collector.evaluate.policy import AnyPolicy, Hit, Judged, Pick
from collector.evaluate.sampling import Sampling
from collector.views import Value

# Which values a policy sees: those with hits, all, or those of the pick with this number.
_HITS, _ALL = -1, -2


class Detects(Protocol):
    """Finds secrets and personal data in values."""

    def found(self, values: Sequence[Value]) -> Mapping[int, tuple[Hit, ...]]:
        """What stands in values, by index, for those in which something does."""


class Shown(NamedTuple):
    """The values of one batch, as they are handed on.

    Attributes:
        to_policies: each policy with what it sees.
        of_sampling: those that tell of sampling.
        judged: each value that any policy sees, by its index.
    """

    to_policies: list[tuple[AnyPolicy, list[Judged]]]
    of_sampling: list[Value]
    judged: Mapping[int, Judged]


class ValueViews:
    """Hands values to policies; most never become objects, for they are read as packed.

    Args:
        policies: that see values.
        detectors: judge values, where a policy wants that.
        failures: of detectors and policies.
    """

    def __init__(
        self, policies: Sequence[AnyPolicy], detectors: Detects, failures: Failures
    ) -> None:
        self._policies = policies
        picks = [None if policy.detects else policy.picks for policy in policies]
        self._picks = Picks([*(pick for pick in picks if pick is not None), Sampling.pick])
        self._views = tuple(_views(policies, picks))
        self._detectors = detectors if any(policy.detects for policy in policies) else None
        self._failures = failures

    def shown(self, values: Sequence[Value], now: float) -> Shown:
        """Who sees which values.

        Args:
            values: of one batch.
            now: seconds, for budgets.
        """
        hits = self._hits(values)
        of_detectors = sorted(hits)
        picked = self._picked(values, now)
        judged: dict[int, Judged] = {}
        shown = []
        for policy, view in self._views:
            if view == _HITS:
                wanted: Sequence[int] = of_detectors
            else:
                wanted = range(len(values)) if view == _ALL else picked[view]
            if not wanted:
                continue
            for index in wanted:
                if index not in judged:
                    judged[index] = Judged(values[index], hits.get(index, ()))
            shown.append((policy, [judged[index] for index in wanted]))
        return Shown(shown, [values[index] for index in picked[-1]], judged)

    def bad(self, shown: Shown) -> list[Value]:
        """The values that came for the first time, of which every other one is wanted."""
        return [
            one.value
            for _, one in sorted(shown.judged.items())
            if one.value.new and self._suspected(one)
        ]

    def _picked(self, values: Sequence[Value], now: float) -> Sequence[Sequence[int]]:
        """What policies picked by key and size, and last what tells of sampling."""
        try:
            return self._picks.of(values, now)
        except Exception as error:  # noqa: BLE001 (an auditor never costs its user telemetry)
            self._failures.note(PICKS, error)
            return ((),) * (len(self._views) + 1)

    def _hits(self, values: Sequence[Value]) -> Mapping[int, tuple[Hit, ...]]:
        if self._detectors is None:
            return {}
        try:
            return self._detectors.found(values)
        except Exception as error:  # noqa: BLE001 (see _picked)
            self._failures.note(DETECTORS, error)
        hits = {index: self._hits_of(value) for index, value in enumerate(values)}
        return {index: found for index, found in hits.items() if found}

    def _hits_of(self, value: Value) -> tuple[Hit, ...]:
        """One value at a time, so that only the one that cannot be judged is lost."""
        try:
            return self._detectors.found([value]).get(0, ()) if self._detectors else ()
        except Exception as error:  # noqa: BLE001 (see _picked)
            self._failures.note(DETECTORS, error)
            return ()

    def _suspected(self, judged: Judged) -> bool:
        for policy in self._policies:
            try:
                if policy.suspects(judged):
                    return True
            except Exception as error:  # noqa: BLE001 (see _picked)
                self._failures.note(policy.terms.id, error)
        return False


def _views(
    policies: Iterable[AnyPolicy], picks: Iterable[Pick | None]
) -> Iterator[tuple[AnyPolicy, int]]:
    """Each policy with the values that it sees."""
    number = 0
    for policy, pick in zip(policies, picks, strict=True):
        if policy.detects or pick is None:
            yield policy, _HITS if policy.detects else _ALL
        else:
            yield policy, number
            number += 1
