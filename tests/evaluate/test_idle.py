"""How long nothing was done between two times."""

from collector.classify import SpanKind
from collector.evaluate.idle import Idle, IdleBelow
from collector.evaluate.tree import Tree
from collector.views import Flag, Resource, Span
from collector.violation import Service

RESOURCE = Resource(Service("shop"), 1, frozenset(), {})


def call(start, end, name=b"s", parent=b"", kind=SpanKind.CLIENT):
    return Span(name, parent, RESOURCE, "n", kind, 0, start, end, Flag(0), {})


def test_what_overlaps_counts_once_and_what_lies_outside_does_not():
    idle = Idle([call(50, 60), call(10, 20), call(15, 30), call(12, 13), call(80, 70)])

    assert idle.between(0, 100) == 100 - 20 - 10
    assert idle.between(15, 55) == 30 + 10 + 10 - 15 - 15
    assert idle.between(30, 50) == 20
    assert idle.between(20, 20) == 0
    assert idle.between(52, 58) == 0


def test_without_calls_all_of_it_is_idle():
    assert Idle([]).between(3, 10) == 7


def test_what_is_below_a_span_is_read_once_however_many_queries_ask():
    top = call(0, 100, b"top", kind=SpanKind.SERVER)
    around = call(20, 60, b"around", b"top", SpanKind.INTERNAL)
    spans = (top, call(10, 20, b"a", b"top"), around, call(30, 50, b"b", b"around"))
    idle = IdleBelow(Tree(spans))

    assert idle(top).between(0, 100) == 100 - 10 - 20
    assert idle(top) is idle(top)


def test_what_runs_beside_many_calls_is_none_of_them():
    beside = call(0, 1000)
    idle = Idle([beside, *(call(at, at + 10) for at in (100, 200, 300, 400))])

    assert idle.between(110, 200) == 90
    assert Idle([beside, call(100, 110)]).between(110, 200) == 0
