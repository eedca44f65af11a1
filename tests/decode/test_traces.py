"""Spans wait for their trace, each counted once, within a bound that samples whole traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from collector import classify
from collector.classify import SpanKind
from collector.decode.marks import marks_of
from collector.decode.profiles import NO_FACTS, Record
from collector.decode.traces import TraceTable
from collector.demand import Demand
from collector.generations import Generations
from collector.routes import normal_route, probe_route
from collector.views import Flag, Mark, Resource, Span, Tally, TallyKind
from collector.violation import Service

SHOP = Resource(Service("shop"), 1, frozenset(), {})
EVERY_MARK = Mark(sum(Mark))


def span(
    number: int,
    parent: int = 0,
    *,
    kind: SpanKind = SpanKind.CLIENT,
    start: int = 0,
    end: int = 1,
    failed: bool = False,
    flags: Flag = Flag.PARENT_LOCAL,
    attributes: Mapping[str, str | int] | None = None,
) -> Span:
    return Span(
        span_id=number.to_bytes(8),
        parent_id=parent.to_bytes(8) if parent else b"",
        resource=SHOP,
        name="call",
        kind=kind,
        status=0,
        start=start,
        end=end,
        flags=flags if parent else Flag(0),
        attributes=dict(attributes or {}),
        route=probe_route(kind, attributes or {}, "POST /charge"),
        peer="pay",
        operation="POST /charge",
        failed=failed,
        attempts=classify.attempts(attributes or {}),
    )


def record(one: Span) -> Record:
    return Record(one, NO_FACTS)


def records(spans: Sequence[Span]) -> dict[bytes, Record]:
    return {one.span_id: record(one) for one in spans}


PROBES = Demand(probe_routes=frozenset({"/livez"}))


def table(max_spans: int = 1000, per_trace: int = 100) -> TraceTable:
    demand = Demand(
        marks=EVERY_MARK, tallies=frozenset(TallyKind), probe_routes=frozenset({"/livez"})
    )
    return TraceTable(
        demand, wait=30, max_spans=max_spans, max_spans_per_trace=per_trace, seed=b"k"
    )


def trace_id(number: int) -> bytes:
    return number.to_bytes(16)


def test_a_trace_is_shown_when_its_wait_ends_and_not_before() -> None:
    traces = table()
    traces.add(trace_id(1), record(span(2, parent=1)), now=0)

    assert not traces.advance(29.9).traces
    (shown,) = traces.advance(30).traces
    assert shown.marks == Mark.LOCAL_PARENT_MISSING
    assert shown.missing == {(1).to_bytes(8)}
    assert traces.open_spans == 0


def test_a_span_that_arrives_twice_is_one_span_before_and_after_the_wait() -> None:
    traces = table()
    traces.add(trace_id(1), record(span(1)), now=0)
    traces.add(trace_id(1), record(span(1)), now=1)
    calls = traces.advance(30).tallies
    traces.add(trace_id(1), record(span(1)), now=31)

    assert calls[Tally(TallyKind.CALLS, SHOP.service, "pay", "POST /charge", 0)] == 1
    assert not traces.drain(0).tallies
    assert traces.repeated == 2


def test_a_parent_that_comes_after_its_child_was_judged_is_told() -> None:
    traces = table()
    traces.add(trace_id(1), record(span(2, parent=1)), now=0)
    traces.advance(30)

    assert traces.add(trace_id(1), record(span(1)), now=40)
    assert not traces.add(trace_id(1), record(span(3)), now=40)


def test_a_late_child_of_a_judged_parent_misses_nothing() -> None:
    traces = table()
    traces.add(trace_id(1), record(span(1)), now=0)
    traces.advance(30)
    traces.add(trace_id(1), record(span(2, parent=1)), now=40)

    (shown,) = traces.drain(0).traces
    assert not shown.missing


@pytest.mark.parametrize(("spans", "cut"), [(100, False), (101, True)])
def test_the_bound_of_a_trace_is_exact(spans: int, cut: bool) -> None:
    traces = table()
    for number in range(2, spans + 2):
        traces.add(trace_id(1), record(span(number, parent=1)), now=0)

    (shown,) = traces.drain(0).traces
    assert len(shown.spans) == 100
    assert shown.truncated is cut
    assert traces.over_trace_bound == (1 if cut else 0)


def test_a_full_table_keeps_whole_traces_and_says_which_share() -> None:
    traces = table(max_spans=100)
    for number in range(500):
        for child in (2, 3):
            traces.add(trace_id(number), record(span(child, parent=1)), now=0)

    assert traces.open_spans <= 100
    assert traces.share < 0.5
    shown = traces.drain(0).traces
    assert shown
    assert all(len(trace.spans) == 2 for trace in shown)


def test_the_share_returns_when_the_table_empties() -> None:
    traces = table(max_spans=10)
    for number in range(50):
        traces.add(trace_id(number), record(span(1)), now=0)
    for _ in range(10):
        traces.advance(100)
    assert traces.share == 1.0


def test_the_watermark_does_not_pass_an_open_trace() -> None:
    traces = table()
    assert traces.watermark(100) == 70
    traces.add(trace_id(1), record(span(1)), now=50)
    assert traces.watermark(100) == 50


def inner(number: int, parent: int = 0) -> Span:
    return span(number, parent, kind=SpanKind.INTERNAL)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([span(1)], Mark(0)),
        ([span(1), span(2, 1, failed=True), span(3, 1, start=2)], Mark.FAILED_SIBLING),
        (
            [span(1), inner(4, 1), span(2, 4, failed=True), inner(5, 1), span(3, 5, start=2)],
            Mark.FAILED_SIBLING,
        ),
        ([span(1), inner(4), span(2, 4, failed=True), inner(5), span(3, 5, start=2)], Mark(0)),
        ([span(1), span(2, 1, failed=True, end=9), span(3, 1, start=2)], Mark(0)),
        ([span(1), span(2, 1), span(3, 1, start=2, failed=True)], Mark(0)),
        ([span(1, attributes={"http.resend_count": 1})], Mark.RETRY_ATTRIBUTE),
        ([span(1, attributes={"previous-rpc-attempts": 1})], Mark.RETRY_ATTRIBUTE),
        ([span(1, attributes={"ApproximateReceiveCount": "1"})], Mark(0)),
        ([span(1, attributes={"ApproximateReceiveCount": "2"})], Mark.RETRY_ATTRIBUTE),
        (
            [span(1), span(2, 1, kind=SpanKind.SERVER), span(3, 1, kind=SpanKind.SERVER)],
            Mark.REPEATED_SERVER,
        ),
        ([span(2, 1, flags=Flag.PARENT_REMOTE)], Mark.REMOTE_PARENT_MISSING),
        ([span(2, 1, flags=Flag(0))], Mark(0)),
        ([span(1, kind=SpanKind.SERVER, attributes={"http.route": "/livez/"})], Mark.PROBE_ROUTE),
        ([span(1, kind=SpanKind.SERVER, attributes={"http.target": "/livez?x"})], Mark.PROBE_ROUTE),
        (
            [
                span(
                    1,
                    kind=SpanKind.SERVER,
                    attributes={"http.route": "/**", "url.path": "/livez"},
                )
            ],
            Mark.PROBE_ROUTE,
        ),
        ([span(1, attributes={"http.route": "/livez"})], Mark(0)),
        ([span(1, 1)], Mark(0)),
        ([span(1, 2), span(2, 1)], Mark(0)),
    ],
)
def test_marks(spans: list[Span], expected: Mark) -> None:
    marks, _ = marks_of(records(spans), PROBES)
    assert marks == expected
    assert marks_of(records(spans[::-1]), PROBES)[0] == expected


def test_routes_compare_without_query_slash_and_case() -> None:
    assert normal_route("https://host/Livez/?a=1") == "/livez"
    assert normal_route("/") == "/"


def test_a_bounded_memory_keeps_what_is_used() -> None:
    memory: Generations[int, int] = Generations(10)
    for number in range(100):
        memory[number] = number + 1
        assert memory.get(0) == 1
        assert len(memory) <= 10
    assert memory.get(50) is None
    memory.pop(0)
    assert memory.get(0) is None


def test_of_a_giant_trace_the_first_spans_are_shown_and_the_others_counted() -> None:
    demand = Demand(marks=EVERY_MARK)
    traces = TraceTable(demand, max_spans_shown=2, seed=b"k")
    for number in range(1, 5):
        traces.add(trace_id(1), record(span(number, 99)), 0)

    (shown,) = traces.drain(0).traces

    assert [one.span_id for one in shown.spans] == [number.to_bytes(8) for number in (1, 2)]
    assert shown.truncated
    assert traces.not_shown == 2


def test_orphans_are_spans_whose_parent_did_not_come_within_the_wait() -> None:
    traces = TraceTable(Demand(orphans=Flag.PARENT_LOCAL | Flag.PARENT_REMOTE), wait=30, seed=b"k")
    traces.add(trace_id(1), record(span(2, 1)), 0)
    traces.add(trace_id(1), record(span(3, 2)), 0)
    traces.add(trace_id(2), record(span(2, 1, flags=Flag.PARENT_REMOTE)), 0)

    finished = traces.advance(30)

    assert [(one.trace_id, one.remote) for one in finished.orphans] == [
        (trace_id(1), False),
        (trace_id(2), True),
    ]
    assert not finished.traces


def test_a_wait_that_was_cut_short_makes_no_orphans() -> None:
    traces = TraceTable(Demand(orphans=Flag.PARENT_LOCAL), wait=30, seed=b"k")
    traces.add(trace_id(1), record(span(2, 1)), 0)

    assert not traces.drain(1).orphans
