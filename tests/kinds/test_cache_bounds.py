"""What the kinds about caches remember is bounded, and does not hang on the order of arrival."""

import random

import pytest

from collector.classify import SpanKind, Target, TargetKind
from collector.evaluate.kinds import cache_blind, cache_stampede
from collector.evaluate.policy import Terms
from collector.statements import Statement, Verb
from collector.views import (
    Flag,
    Note,
    NoteKind,
    Resource,
    Row,
    Span,
    Tally,
    TallyKind,
)
from collector.violation import Service, Signal

SHOP = Resource(Service("shop"), 1, frozenset(), {})
MS = 1_000_000


def load(trace, thing, start=0, end=100 * MS):
    span = Span(
        span_id=trace.to_bytes(8, "big"),
        parent_id=b"",
        resource=SHOP,
        name="SELECT",
        kind=SpanKind.CLIENT,
        status=0,
        start=start,
        end=end,
        flags=Flag(0),
        attributes={},
        peer="db",
        operation="SELECT",
        target=Target(TargetKind.LITERAL_QUERY, thing),
        statement=Statement(f"SELECT {thing}", Verb.READ, "prices", "postgresql"),
    )
    return Note(NoteKind.LOAD, trace.to_bytes(16, "big"), span, 1.0, effect=False)


def stampede(**options):
    return cache_stampede.Kind(
        Terms("p", "cache_stampede"), cache_stampede.StampedeOptions(**options)
    )


def found(policy, notes):
    for note in notes:
        assert list(policy.on_note(note, 1.0)) == []
    return list(policy.close(60.0, 30.0, final=False))


def test_loads_over_the_bound_leave_whole_things_and_are_counted():
    policy = stampede(max_loads=200)
    notes = [load(trace, thing) for thing in range(40) for trace in range(12)]

    violations = found(policy, notes)

    assert 1 <= len(violations) <= 200 // 12
    assert all(one.evidence["at_once"] == 12 for one in violations)
    assert policy.overflow() == 12 * (40 - len(violations))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_found_at_the_bound_does_not_hang_on_the_order(seed):
    notes = [load(trace, thing) for thing in range(40) for trace in range(12)]
    shuffled = random.Random(seed).sample(notes, len(notes))

    assert found(stampede(max_loads=200), shuffled) == found(stampede(max_loads=200), notes)


@pytest.mark.parametrize("seed", range(5))
def test_of_one_thing_the_earliest_loads_are_kept(seed):
    notes = [load(trace, 1, trace * MS, trace * MS + 30 * MS) for trace in range(500)]
    notes += [load(1000 + trace, 1, 600 * MS, 700 * MS) for trace in range(50)]
    shuffled = random.Random(seed).sample(notes, len(notes))
    policy = stampede(max_loads_of_one=100)

    assert found(policy, shuffled) == found(stampede(max_loads_of_one=100), notes)
    assert policy.overflow() == 450


def test_misses_over_the_bound_are_counted():
    policy = stampede(max_misses=4)
    for trace in range(20):
        row = Row(
            matched=(0,),
            signal=Signal.TRACES,
            resource=SHOP,
            name="GET",
            kind=SpanKind.CLIENT,
            status=0,
            severity=0,
            trace_id=trace.to_bytes(16, "big").hex(),
            keys=frozenset(),
            attributes={},
        )
        assert list(policy.on_row(row, 1.0)) == []

    assert policy.overflow() > 0
    assert found(policy, [load(trace, 1) for trace in range(10)]) == []


def test_caches_over_the_bound_are_counted():
    policy = cache_blind.Kind(
        Terms("p", "cache_blind"), cache_blind.BlindOptions(max_caches=2, min_reads=1)
    )
    tallies = {
        Tally(TallyKind.CACHE_READS, Service("shop"), f"cache{i}", "GET", 0): 5 for i in range(4)
    }

    policy.on_tallies(tallies, 1.0)

    assert len(list(policy.close(3700.0, 3670.0, final=False))) == 2
    assert policy.overflow() == 2
