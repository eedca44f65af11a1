"""Backoff that is right is left alone, whatever its jitter; backoff that is missing is found."""

import math
import os
import random

import pytest

from collector.classify import SpanKind, target
from collector.evaluate.attempts import MARKS
from collector.evaluate.kinds.retry_backoff import BackoffOptions, Kind
from collector.evaluate.policy import Terms
from collector.views import Flag, Resource, Span, Trace
from collector.violation import Service

RESOURCE = Resource(Service("shop"), 1, frozenset(), {})
SECOND = 1_000_000_000
SEEDS = 90 if "LONG" in os.environ else 45


def capped(base, cap, n):
    return min(cap, base * 2**n)


def full(draw, base, cap, n, last):
    return draw.uniform(0, capped(base, cap, n))


def equal(draw, base, cap, n, last):
    half = capped(base, cap, n) / 2
    return half + draw.uniform(0, half)


def decorrelated(draw, base, cap, n, last):
    return min(cap, draw.uniform(base, max(base, last) * 3))


def proportional(draw, base, cap, n, last):
    return capped(base, cap, n) * draw.uniform(0.8, 1.2)


def fibonacci(draw, base, cap, n, last):
    steps = (1, 1, 2, 3, 5, 8, 13, 21)
    return min(cap, base * steps[n]) * draw.uniform(0.8, 1.2)


def linear(draw, base, cap, n, last):
    return min(cap, base * (n + 1)) * draw.uniform(0.8, 1.2)


def exponential(draw, base, cap, n, last):
    return capped(base, cap, n)


def constant(draw, base, cap, n, last):
    return base


def constant_with_jitter(draw, base, cap, n, last):
    return base * draw.uniform(0.8, 1.2)


def at_once(draw, base, cap, n, last):
    return draw.uniform(0.0001, 0.003)


def trace(draw, wait, base, cap, attempts):
    spans = []
    clock = draw.randrange(SECOND, 10**18)
    last = 0.0
    for n in range(attempts):
        took = int(draw.uniform(0.001, 0.2) * SECOND)
        spans.append(
            Span(
                span_id=n.to_bytes(8, "big"), parent_id=b"p" * 8, resource=RESOURCE, name="GET",
                kind=SpanKind.CLIENT, status=0, start=clock, end=clock + took, flags=Flag(0),
                attributes={"http.request.method": "GET"}, peer="pay", operation="GET /",
                failed=True, target=target({"url.full": "http://pay/"}),
            )
        )  # fmt: skip
        last = wait(draw, base, cap, n, last)
        # A sleep ends late: timers, the scheduler, a connection to be made.
        clock += took + int(last * SECOND) + int(draw.expovariate(1 / 0.0003) * SECOND)
    return Trace(draw.randbytes(16), 0.0, spans, MARKS)


def policy(**options):
    return Kind(Terms("p", "retry_backoff"), BackoffOptions(**options))


def faults(wait, base, cap, attempts, sequences, seed):
    draw = random.Random(seed)
    kind = policy()
    for _ in range(sequences):
        kind.on_trace(trace(draw, wait, base, cap, attempts), 0.0)
    found = list(kind.close(0.0, math.inf, final=True))
    return {fault for one in found for fault in one.evidence["faults"]}


@pytest.mark.parametrize(("base", "cap"), [(0.05, 30), (0.1, 1), (1, 60)])
@pytest.mark.parametrize("attempts", [2, 3, 9])
@pytest.mark.parametrize("wait", [full, equal, decorrelated, proportional, linear])
def test_backoff_with_jitter_is_silent(wait, attempts, base, cap):
    sizes = [20, 25, 60]
    alarms = [
        found
        for seed in range(SEEDS // len(sizes))
        for size in sizes
        if (found := faults(wait, base, cap, attempts, size, seed))
    ]

    assert alarms == []


def test_fibonacci_backoff_is_silent_where_it_grows():
    assert not any(faults(fibonacci, 0.1, 30, 4, 30, seed) for seed in range(SEEDS))


@pytest.mark.parametrize(
    ("wait", "attempts", "expected"),
    [
        (constant, 3, {"no backoff", "no jitter"}),
        (constant, 2, {"no jitter"}),
        (exponential, 3, {"no jitter"}),
        (exponential, 9, {"no jitter"}),
        (at_once, 2, {"no backoff"}),
        (at_once, 4, {"no backoff"}),
    ],
)
def test_what_is_missing_is_found_in_twenty_calls(wait, attempts, expected):
    assert all(faults(wait, 0.2, 1, attempts, 20, seed) == expected for seed in range(50))


def test_jitter_without_growth_needs_more_calls():
    found = [faults(constant_with_jitter, 0.2, 1, 3, 100, seed) for seed in range(50)]

    assert sum(one == {"no backoff"} for one in found) >= 48
    assert all(one <= {"no backoff"} for one in found)


def test_the_order_of_traces_matters_to_nothing_at_the_bound():
    draw = random.Random(1)
    traces = [trace(draw, equal, 0.1, 1, 3) for _ in range(50)]
    traces += [trace(draw, constant, 0.1, 1, 3) for _ in range(150)]
    seen = []
    for order in (traces, traces[::-1]):
        kind = policy(max_sequences=40)
        for one in order:
            kind.on_trace(one, 0.0)
        seen.append(list(kind.close(0.0, math.inf, final=True)))
        assert kind.overflow() == 160

    assert seen[0] == seen[1]
    assert seen[0][0].evidence["sequences"] == 40
    assert seen[0][0].trace_id == min(one.trace_id.hex() for one in traces)


def test_calls_over_the_bound_are_counted_and_left_out():
    draw = random.Random(1)
    kind = policy(max_calls=1, min_sequences=2)
    for n in range(4):
        made = trace(draw, constant, 0.1, 1, 3)
        for span in made.spans:
            span.peer = f"pay-{n % 2}"
        kind.on_trace(made, 0.0)

    assert [one.subject for one in kind.close(0.0, math.inf, final=True)] == ["pay-0 GET /"]
    assert kind.overflow() == 2


def test_a_window_is_judged_when_no_trace_of_it_is_open():
    draw = random.Random(1)
    kind = policy(window_seconds=10)
    for _ in range(20):
        kind.on_trace(trace(draw, constant, 0.1, 1, 3), 0.0)

    assert list(kind.close(100.0, 9.0, final=False)) == []
    assert len(list(kind.close(100.0, 10.0, final=False))) == 1
    assert list(kind.close(100.0, 20.0, final=False)) == []
