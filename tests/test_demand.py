"""The union of demands serves each of them."""

from __future__ import annotations

from collector.demand import Demand, KeyMatch, RowSelection, union
from collector.views import Mark, Place
from collector.violation import Signal


def test_a_union_holds_what_each_asked_for_and_rows_once() -> None:
    rows = RowSelection(Signal.TRACES, (KeyMatch(("http.route",), ("/admin/*",)),))
    one = Demand(shapes=frozenset({Signal.LOGS}), rows=(rows,), marks=Mark.PROBE_ROUTE)
    two = Demand(places=frozenset({Place.LOG_BODY}), rows=(rows,), marks=Mark.FAILED_SIBLING)

    both = union([one, two])

    assert both.shapes == {Signal.LOGS}
    assert both.places == {Place.LOG_BODY}
    assert both.rows == (rows,)
    assert both.marks == Mark.PROBE_ROUTE | Mark.FAILED_SIBLING
    assert both.traces


def test_no_policies_ask_for_nothing() -> None:
    assert union([]) == Demand()
    assert not union([]).traces
