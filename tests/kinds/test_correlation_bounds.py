"""What the kinds about traces' beginnings and flags remember is bounded, and each bound counted."""

from dataclasses import replace

import pytest

from collector.classify import SpanKind
from collector.evaluate import registry
from collector.evaluate.policy import Terms
from collector.views import (
    NO_MARK,
    Flag,
    Mark,
    Note,
    NoteKind,
    Resource,
    Row,
    Span,
    Tally,
    TallyKind,
    Trace,
)
from collector.violation import Service, Signal

PROCESS = {"messaging.operation.type": "process"}


def resource(name):
    return Resource(Service(name), hash(name), frozenset(), {})


def policy(kind, **options):
    known = registry.known()[kind]
    return known(Terms(kind, kind), known.options_type.model_validate(options))


def span(kind, *, service="shop", peer="", status=0, attributes=None):
    return Span(
        span_id=b"s" * 8,
        parent_id=b"",
        resource=resource(service),
        name="call",
        kind=kind,
        status=status,
        start=0,
        end=1,
        flags=Flag(0),
        attributes=attributes or {},
        peer=peer,
        operation="call",
    )


def trace_id(number):
    return number.to_bytes(16, "big")


def note(kind, number, made):
    return Note(kind, trace_id(number), made, 1.0, effect=False)


def evaluated(number, flag="f", variant="on", *, kind=SpanKind.UNSPECIFIED, service="shop"):
    signal = Signal.LOGS if kind is SpanKind.UNSPECIFIED else Signal.TRACES
    return Row(
        matched=(0,),
        signal=signal,
        resource=resource(service),
        name="feature_flag.evaluation",
        kind=kind,
        status=0,
        severity=9,
        trace_id=trace_id(number).hex(),
        keys=frozenset(),
        attributes={"feature_flag.key": flag, "feature_flag.result.variant": variant},
        span_id="" if signal is Signal.LOGS else "11" * 8,
    )


def failed(number, flag="f", service="shop"):
    row = evaluated(number, flag, service=service)
    attributes = {**row.attributes, "feature_flag.result.reason": "error"}
    return replace(row, attributes=attributes)


def test_calls_that_are_not_told_apart_count_all_the_same():
    kind = policy("trace_root", max_calls=2, min_roots=1)
    for number in range(5):
        made = span(SpanKind.CLIENT, peer=f"p{number}")
        list(kind.on_note(note(NoteKind.CLIENT_ROOT, number, made), 1.0))

    (violation,) = kind.close(120.0, 90.0, final=False)

    assert violation.count == 5
    assert violation.evidence["most_often"] == ("p0 call", "p1 call")
    assert kind.overflow() == 3


def test_services_over_the_bound_are_not_counted():
    kind = policy("trace_root", max_services=2, min_roots=1)
    for number in range(5):
        made = span(SpanKind.CLIENT, service=f"s{number}")
        list(kind.on_note(note(NoteKind.CLIENT_ROOT, number, made), 1.0))

    assert len(list(kind.close(120.0, 90.0, final=False))) == 2
    assert kind.overflow() == 3


def test_an_example_is_the_same_whatever_came_first():
    one, other = policy("trace_root", min_roots=1), policy("trace_root", min_roots=1)
    for kind, numbers in ((one, range(9)), (other, reversed(range(9)))):
        for number in numbers:
            list(kind.on_note(note(NoteKind.CLIENT_ROOT, number, span(SpanKind.CLIENT)), 1.0))

    assert list(one.close(120.0, 90.0, final=False)) == list(other.close(120.0, 90.0, final=False))


def test_destinations_over_the_bound_are_not_counted():
    kind = policy("consumer_unlinked", max_calls=2)
    tallies = {Tally(TallyKind.CALLS, Service("shop"), f"p{i}", "call", 1): 100 for i in range(2)}
    kind.on_tallies(tallies, 1.0)
    for number in range(4):
        made = span(SpanKind.CONSUMER, peer=f"p{number}", attributes=PROCESS)
        list(kind.on_note(note(NoteKind.UNLINKED, number, made), 1.0))

    assert list(kind.close(120.0, 90.0, final=False)) == []
    assert kind.overflow() == 2


def test_flags_over_the_bound_are_not_counted():
    kind = policy("flag_error", max_flags=2)
    for number in range(4):
        list(kind.on_row(failed(number, f"f{number}"), 1.0))

    assert len(list(kind.close(60.0, 30.0, final=False))) == 2
    assert kind.overflow() == 2


@pytest.mark.parametrize("bound", ["max_errors", "max_processes"])
def test_what_flag_error_forgets_is_counted(bound):
    kind = policy("flag_error", **{bound: 4})
    for number in range(20):
        list(kind.on_row(failed(number, service=f"s{number}"), 1.0))

    assert kind.overflow() > 0


def finish(kind, number, status, mark=Mark.WATCHED):
    made = span(SpanKind.SERVER, status=status)
    trace = Trace(trace_id(number), 1.0, (made,), mark)
    assert list(kind.on_trace(trace, 40.0)) == []


def test_of_too_many_traces_an_even_sample_is_watched_and_shares_stay_right():
    kind = policy("flag_regression", max_watched=1000)
    wanted = set()
    for number in range(8000):
        list(kind.on_row(evaluated(number, variant="on" if number % 2 else "off"), 1.0))
        if number % 100 == 99:
            wanted |= set(kind.watched())
    for number in range(8000):
        bad = number % 2 == 1 and number % 5 == 0
        finish(kind, number, status=2 if bad else 0)

    (violation,) = kind.close(400.0, 370.0, final=False)

    assert len(wanted) < 4000
    assert kind.overflow() > 4000
    assert violation.subject == "flag f = on"
    assert 100 < violation.evidence["requests"] < 1000
    assert violation.evidence["share"] == pytest.approx(0.2, abs=0.1)
    assert kind.watched() == []


def test_more_is_watched_again_when_fewer_come():
    kind = policy("flag_regression", max_watched=10)
    for number in range(1000):
        list(kind.on_row(evaluated(number), 1.0))
    kind.watched()
    for minute in range(1, 12):
        list(kind.on_row(evaluated(5000 + minute), 60.0 * minute))
    kind.watched()

    for number in range(9000, 9005):
        list(kind.on_row(evaluated(number), 60.0 * 12))

    assert len(kind.watched()) == 5


def test_a_trace_that_is_not_shown_in_time_is_given_up():
    kind = policy("flag_regression", min_requests=1, min_errors=1, z_score=0)
    for number in range(200):
        list(kind.on_row(evaluated(number, variant="on" if number % 2 else "off"), 1.0))
    list(kind.close(122.0, 92.0, final=False))
    for number in range(200):
        finish(kind, number, status=2 if number % 2 else 0)

    assert list(kind.close(400.0, 370.0, final=False)) == []


def test_a_trace_that_another_policy_asked_for_is_none_of_its_own():
    kind = policy("flag_regression", min_requests=1)
    finish(kind, 1, status=2)
    finish(kind, 2, status=2, mark=NO_MARK)

    assert list(kind.close(400.0, 370.0, final=True)) == []


def test_flags_of_one_trace_are_bounded():
    kind = policy("flag_regression", max_flags=3)
    for number in range(10):
        list(kind.on_row(evaluated(1, f"f{number}"), 1.0))

    assert kind.watched() == [trace_id(1)]
    assert kind.overflow() == 7
