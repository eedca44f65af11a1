"""Violations that somebody has excused, for a reason and until a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from collector.demand import any_of
from collector.violation import Violation


@dataclass(frozen=True, slots=True)
class Exemption:
    """Excuses violations of one policy.

    Attributes:
        policy: its id.
        service: shell-style pattern of the service's name.
        subject: shell-style pattern of the subject; equal text matches too.
        owner: who answers for it.
        reason: why.
        expires: from when on it no longer holds, in seconds since the epoch.
        evidence: names in the violation's evidence, each with a shell-style pattern that the
            text under it must match.
    """

    policy: str
    service: str
    subject: str
    owner: str
    reason: str
    expires: float
    evidence: tuple[tuple[str, str], ...] = ()

    def fits(self, violation: Violation) -> bool:
        """Whether a violation of its policy is one that it excuses."""
        return (
            _matches(self.service, violation.service.name)
            and _matches(self.subject, violation.subject)
            and all(
                _matches(pattern, str(violation.evidence.get(name, "")))
                for name, pattern in self.evidence
            )
        )


@lru_cache(maxsize=4096)
def _matches(pattern: str, text: str) -> bool:
    if pattern in ("*", text):
        return True
    expression = any_of((pattern,))
    return expression is not None and expression.match(text) is not None


class Exemptions:
    """All exemptions; the first that fits a violation excuses it.

    Not safe for threads: its caller takes the lock of the engine.

    Args:
        items: in the order of the files.
    """

    def __init__(self, items: Iterable[Exemption] = ()) -> None:
        self.items = tuple(items)
        self.counts: Counter[Exemption] = Counter(dict.fromkeys(self.items, 0))
        self._by_policy: dict[str, list[Exemption]] = {}
        for item in self.items:
            self._by_policy.setdefault(item.policy, []).append(item)

    def match(self, violation: Violation, now: float) -> Exemption | None:
        """What excuses a violation, counted; None when nothing does.

        Args:
            violation: as it would be reported.
            now: seconds since the epoch.
        """
        for item in self._by_policy.get(violation.policy, ()):
            if now < item.expires and item.fits(violation):
                self.counts[item] += violation.count
                return item
        return None
