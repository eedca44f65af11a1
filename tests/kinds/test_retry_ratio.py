"""The gauge of retries per call: it shows the last window, and no window that is long over."""

from collector.classify import Attempts, SpanKind
from collector.evaluate.attempts import MARKS
from collector.evaluate.kinds.retry_storm import Kind, StormOptions
from collector.evaluate.policy import Terms
from collector.views import Flag, Resource, Span, Tally, TallyKind, Trace
from collector.violation import Service


def test_the_ratio_of_a_service_that_no_longer_calls_is_not_shown_for_ever():
    policy = Kind(Terms("p", "retry_storm"), StormOptions(window_seconds=10, min_originals=1))
    policy.on_tallies({Tally(TallyKind.CALLS, Service("shop"), "db", "GET", 3): 20}, 3)

    def shown(watermark):
        list(policy.close(watermark, watermark, final=False))
        return [(one.service, one.value) for one in policy.readings()]

    assert shown(9) == []
    assert shown(10) == [(Service("shop"), 0.0)]
    assert shown(19) == [(Service("shop"), 0.0)]
    assert shown(20) == []


def test_calls_over_the_bound_are_counted_and_left_out():
    policy = Kind(Terms("p", "retry_storm"), StormOptions(max_calls=2))
    for n in range(5):
        policy.on_tallies({Tally(TallyKind.CALLS, Service("shop"), "db", f"GET {n}", 3): 20}, 3)

    assert policy.overflow() == 3


def test_the_example_is_the_same_whatever_came_first():
    def resent(trace_id):
        span = Span(
            span_id=b"s" * 8, parent_id=b"", resource=Resource(Service("shop"), 1, frozenset(), {}),
            name="GET", kind=SpanKind.CLIENT, status=0, start=1, end=2, flags=Flag(0),
            attributes={}, peer="pay", operation="GET", attempts=Attempts(resent=1),
        )  # fmt: skip
        return Trace(trace_id * 16, 3.0, (span,), MARKS)

    def example(ids):
        options = StormOptions(min_originals=1, hold_seconds=10)
        policy = Kind(Terms("p", "retry_storm"), options)
        tally = Tally(TallyKind.CALLS, Service("shop"), "pay", "GET", 3)
        policy.on_tallies({tally: 6}, 3)
        for one in ids:
            policy.on_trace(resent(one), 3.0)
        (found,) = policy.close(20.0, 20.0, final=False)
        return found.trace_id

    assert example([b"b", b"a", b"c"]) == example([b"c", b"b", b"a"]) == (b"a" * 16).hex()
