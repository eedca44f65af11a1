"""What no open span needs any longer is forgotten, and what one needs is not."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.limits import Limits
from collector.decode.messages import REQUESTS
from collector.decode.native.numbers import Names
from collector.demand import Demand
from collector.views import Resource, TallyKind
from collector.violation import Signal

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")
from collector.decode.native import learned
from collector.decode.native.decoder import NativeDecoder

NOW = 1_000_000_000.0
CALLS = Demand(tallies=frozenset({TallyKind.CALLS}))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd"))))
def test_a_name_keeps_its_number_while_one_who_took_it_has_not_released_it(steps):
    names, held, given_before = Names(), Counter(), {}
    for takes, name in steps:
        if takes:
            number = names.take(name)
            assert given_before.setdefault(number, name) == name  # never given to another
            assert names.named(number) == name
            held[name] += 1
        elif held[name]:
            names.release(name)
            held[name] -= 1
        assert len(names) == sum(count > 0 for count in held.values())


def deliver(decoder, services, now):
    """A request with one call of each service, each in a trace of its own."""
    message = REQUESTS[Signal.TRACES]()
    for service in services:
        block = message.resource_spans.add()
        block.resource.attributes.add(key="service.name").value.string_value = service
        span = block.scope_spans.add().spans.add(span_id=b"s" * 8, kind=3)
        span.trace_id = f"{service} {now}".encode().rjust(16, b"-")[:16]
        span.attributes.add(key="server.address").value.string_value = f"db of {service}"
    return list(decoder.slices(Signal.TRACES, decoder.adopt(message), now))


def live_resources():
    gc.collect()
    return sum(type(one) is Resource for one in gc.get_objects())


def finished(decoder, now):
    batches = [decoder.advance(now)]
    while batches[-1].more:
        batches.append(decoder.advance(now))
    return batches


@pytest.mark.parametrize("wait", [1, 20])
def test_resources_are_kept_for_open_spans_and_a_quarter_more(wait):
    decoder = NativeDecoder(CALLS, Limits(trace_wait=wait))
    before, most = live_resources(), 0
    for second in range(60):
        deliver(decoder, (f"{second}.{one}" for one in range(1000)), NOW + second)
        finished(decoder, NOW + second)
        most = max(most, live_resources() - before)

    opened = (wait + 1) * 1000
    kept = max(10_000, opened * 5 // 4)
    remembered = 10_000 + 1000  # by their bytes, and of the request that is read
    assert opened <= most <= kept + remembered


def test_calls_of_traces_that_stay_open_are_counted_under_their_own_names(monkeypatch):
    monkeypatch.setattr(learned, "_MOST_RESOURCES", 0)
    monkeypatch.setattr(learned, "_MOST_PROFILES", 0)
    decoder = NativeDecoder(CALLS, Limits(trace_wait=10))
    batches = []

    for number in range(100):
        batches += deliver(decoder, [f"s{number % 7}"], NOW + number)
        batches += finished(decoder, NOW + number)
    batches += finished(decoder, NOW + 200)

    counted = [
        (tally.service.name, count) for one in batches for tally, count in one.tallies.items()
    ]
    assert Counter(name for name, _ in counted) == Counter(
        f"s{number % 7}" for number in range(100)
    )
    assert {count for _, count in counted} == {1}


class Once:
    """Fails the first time that it is called when it is told to."""

    def __init__(self, usual):
        self._usual = usual
        self.fails = False

    def __call__(self, name):
        if self.fails:
            self.fails = False
            raise MemoryError
        return self._usual(name)


@pytest.mark.parametrize("names", ["services", "names", "calls", "operations", "queries"])
@pytest.mark.parametrize("step", ["take", "release"])
def test_a_failure_while_names_are_taken_or_released_costs_only_its_own_request(
    monkeypatch, names, step
):
    monkeypatch.setattr(learned, "_MOST_RESOURCES", 0)
    monkeypatch.setattr(learned, "_MOST_PROFILES", 0)
    decoder = NativeDecoder(CALLS, Limits(trace_wait=1))
    numbers = decoder._learned.numbers
    once = Once(getattr(getattr(numbers, names), step))
    monkeypatch.setattr(getattr(numbers, names), step, once)
    batches, failed = [], 0

    for number in range(20):
        once.fails |= number == 10
        try:
            batches += deliver(decoder, (f"{number}.{one}" for one in range(20)), NOW + number)
        except MemoryError:
            failed += 1
        batches += finished(decoder, NOW + number)
    batches += finished(decoder, NOW + 100)

    assert failed == 1
    assert sum(count for one in batches for count in one.tallies.values()) == 19 * 20
    assert len(getattr(numbers, names)) < 5 * 20
