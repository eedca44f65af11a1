"""What is rearranged are the same spans, in the same windows; and who looks at order is caught."""

from collections import defaultdict

from hypothesis import given
from order.judging import counted, judged
from order.rearranged import WAIT, Plan, taken_apart
from order.test_order import PLANS

from collector.decode.messages import REQUESTS
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.views import Mark
from collector.violation import Severity, Signal

CASE = [
    {"at": 0, "service": "a", "spans": [{"trace": "t", "id": "1"}, {"trace": "u", "id": "9"}]},
    {"at": 4, "service": "b", "spans": [{"trace": "t", "id": n, "parent": "1"} for n in "234"]},
    {"at": 40, "service": "b", "spans": [{"trace": "t", "id": "5", "parent": "4"}]},
    {"at": 41, "service": "a", "logs": [{"body": "x"}]},
]


def arrivals(requests):
    """When each span arrives, the first time and at last."""
    times = defaultdict(list)
    for request in requests:
        if request.signal is Signal.TRACES:
            for block in REQUESTS[request.signal].FromString(request.body).resource_spans:
                for span in block.scope_spans[0].spans:
                    times[span.trace_id, span.span_id].append(request.at)
    return times


@given(PLANS)
def test_each_trace_begins_when_it_did_and_each_span_arrives_within_its_wait(plan):
    times = arrivals(plan.requests(CASE))
    spans, _ = taken_apart(CASE)
    first_of = {}
    for one in spans:
        first_of.setdefault((one.span.trace_id, one.at >= WAIT), []).append(
            (one.at, min(times[one.span.trace_id, one.span.span_id]))
        )

    assert times.keys() == {(one.span.trace_id, one.span.span_id) for one in spans}
    for pairs in first_of.values():
        first = min(at for at, _ in pairs)
        assert min(moved for _, moved in pairs) == first
        assert all(first <= moved < first + WAIT for _, moved in pairs)


def test_a_plan_delays_reverses_splits_and_repeats():
    plain = Plan(0).requests(CASE)
    split = Plan(0, together=1).requests(CASE)
    again = Plan(0, again=1.0).requests(CASE)
    delayed = arrivals(Plan(3, delayed=1.0).requests(CASE))

    assert [one.at for one in plain] == [0, 4, 40, 41]
    assert len(split) == 7
    assert len(again) == 7
    assert any(time not in (0, 4, 40) for times in delayed.values() for time in times)


class FirstWins(Policy[Options]):
    """Names the service of the span that arrived first, as no kind may."""

    meta = Meta((Signal.TRACES,), (Severity.WARNING,), since="0.1.0")

    def demand(self):
        return Demand(marks=Mark.REMOTE_PARENT_MISSING | Mark.LOCAL_PARENT_MISSING | Mark.SELECTED)

    def on_trace(self, trace, now):
        span = trace.spans[0]
        yield self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=span.name,
            summary="",
        )


def test_a_kind_that_looks_at_the_order_is_caught():
    case = [
        {
            "service": name,
            "spans": [{"trace": "t", "id": name, "parent": "p", "parent_is": "local"}],
        }
        for name in ("a", "b", "c")
    ]

    def found(plan):
        policies = [FirstWins(Terms("p", "p"), Options())]
        return frozenset(counted(judged(policies, plan.requests(case), 90, ReferenceDecoder)))

    assert len({found(Plan(seed, order="shuffled")) for seed in range(10)}) > 1
