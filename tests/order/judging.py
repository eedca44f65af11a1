"""Cases of kinds that look at traces, and what comes of requests that arrive at their times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kinds.cases import BUILT_IN, policy, table
from order.rearranged import Request

from collector.evaluate import registry
from collector.evaluate.policy import AnyPolicy, Policy
from collector.testing import START, Session
from collector.violation import Violation

#: Hooks that are handed what became of traces.
_HOOKS = ("on_trace", "on_note", "on_tallies", "on_orphans", "on_arrived_parents")


def _looks_at_traces(kind: type[AnyPolicy]) -> bool:
    return any(getattr(kind, hook) is not getattr(Policy, hook) for hook in _HOOKS)


KINDS = [name for name in BUILT_IN if _looks_at_traces(registry.known()[name])]


def cases(name: str) -> list[Mapping[str, Any]]:
    """The cases of a kind that have spans."""
    return [case for case in table(name) if any(one.get("spans") for one in case["telemetry"])]


def policy_of(name: str, case: Mapping[str, Any]) -> AnyPolicy:
    """The policy of a case."""
    return policy(name, case.get("options"), case.get("policy"))


def judged(
    policies: Sequence[AnyPolicy],
    requests: Iterable[Request],
    until: float,
    make: Callable[..., Any],
    step: float = 1.0,
) -> list[Violation]:
    """What is found when requests arrive and time passes.

    Args:
        policies: that judge.
        requests: in order of arrival.
        until: seconds at which all is closed.
        make: the decoder, of a demand and limits.
        step: seconds between two ticks.
    """
    session = Session(policies, make=make)
    clock = START
    for request in requests:
        while clock + step <= START + request.at:
            clock += step
            session.tick(clock)
        session.request(request.signal, request.body, START + request.at)
    while clock + step <= START + until:
        clock += step
        session.tick(clock)
    return session.end(clock)


def counted(violations: Iterable[Violation]) -> Counter[tuple[str, ...]]:
    """Violations added up by all that must not depend on how spans arrived."""
    counts: Counter[tuple[str, ...]] = Counter()
    for one in violations:
        service = "/".join(one.service)
        key = (one.policy, one.severity.label, service, one.subject, one.basis.value)
        counts[key] += one.count
    return counts
