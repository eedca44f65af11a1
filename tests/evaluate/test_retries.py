"""Whatever the graph of parents, retries are found without end, error or double count."""

from hypothesis import given
from hypothesis import strategies as st

from collector.classify import Attempts, SpanKind, target
from collector.evaluate.attempts import example
from collector.evaluate.retries import retries, sequences
from collector.views import Flag, Resource, Span
from collector.violation import Service

RESOURCE = Resource(Service("shop"), 1, frozenset(), {})
IDS = [bytes([n]) * 8 for n in range(6)] + [b""]
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "http.request.method": st.sampled_from(["GET", "POST"]),
        "http.request.resend_count": st.integers(-1, 3),
        "previous-rpc-attempts": st.integers(-1, 3),
        "http.response.status_code": st.sampled_from([200, 301, 401, 503]),
        "ApproximateReceiveCount": st.sampled_from(["1", "2", "x"]),
    },
)
SPANS = st.lists(
    st.builds(
        Span,
        span_id=st.sampled_from(IDS[:-1]),
        parent_id=st.sampled_from(IDS),
        resource=st.just(RESOURCE),
        name=st.just("n"),
        kind=st.sampled_from(list(SpanKind)),
        status=st.just(0),
        start=st.integers(0, 100_000_000),
        end=st.integers(0, 100_000_000),
        flags=st.just(Flag(0)),
        attributes=ATTRIBUTES,
        target=st.sampled_from([{}, {"url.full": "http://a/1"}, {"url.full": "http://a/2"}]).map(
            target
        ),
        peer=st.sampled_from(["p", "q"]),
        operation=st.sampled_from(["o", ""]),
        failed=st.booleans(),
    ),
    unique_by=lambda span: span.span_id,
    max_size=6,
)


@given(SPANS)
def test_each_span_is_a_retry_once_at_most_and_never_a_first_attempt(spans):
    found = retries(spans)

    assert len({retry.span.span_id for retry in found}) == len(found)
    assert all(retry.attempt >= 2 for retry in found)


@given(SPANS)
def test_the_order_of_arrival_does_not_matter(spans):
    def seen(order):
        return {(one.span.span_id, one.way) for one in retries(order)}

    assert seen(spans) == seen(spans[::-1])


@given(SPANS)
def test_a_sequence_holds_its_retries_in_the_order_of_their_start(spans):
    for one in sequences(spans):
        assert {retry.span.span_id for retry in one.retries} <= {s.span_id for s in one.spans}
        assert list(one.spans) == sorted(one.spans, key=lambda s: (s.start, s.end, s.span_id))
        assert all(retry.attempt <= one.attempts for retry in one.retries)
        assert all(wait >= 0 for wait in one.waits())


def calls(count, **fields):
    made = {
        "parent_id": b"p" * 8, "resource": RESOURCE, "name": "n", "kind": SpanKind.CLIENT,
        "status": 0, "flags": Flag(0), "peer": "p", "operation": "o", "failed": True,
        "attributes": {"http.request.method": "GET"}, "target": target({"url.full": "http://a/1"}),
    } | fields  # fmt: skip
    return [
        Span(span_id=n.to_bytes(8, "big"), start=n * 10 + 1, end=n * 10 + 6, **made)
        for n in range(count)
    ]


def test_each_attempt_has_its_number_in_the_order_of_time():
    assert [one.attempt for one in retries(calls(5))] == [2, 3, 4, 5]


def test_a_giant_trace_of_equal_calls_is_read_once():
    compared = 0

    class Start(int):
        def __ge__(self, other):
            nonlocal compared
            compared += 1
            return int.__ge__(self, other)

    spans = calls(10_000)
    for span in spans:
        span.start = Start(span.start)

    assert len(retries(spans)) == 9_999
    assert compared < 50 * len(spans)


def test_the_waits_are_those_between_an_end_and_the_next_start():
    (sequence,) = sequences(calls(4))

    assert sequence.waits() == (5, 5, 5)
    assert len(sequence.spans) == sequence.attempts == 4


def test_waits_are_not_told_where_attempts_are_missing_or_a_clock_is_wrong():
    first, second, third = calls(3)
    third.start = second.start
    third.end = second.end
    day = 86_400_000_000_000
    late, unset = calls(2), calls(2)
    late[1].start += day
    unset[0].start = unset[0].end = 0
    numbered = calls(1, attempts=Attempts(previous=2))

    for spans in ([first, second, third], late, unset, numbered):
        (sequence,) = sequences(spans)
        assert sequence.waits() == ()


def test_two_calls_after_one_another_are_two_sequences():
    spans = calls(4)
    spans[1].failed = False

    assert [[s.span_id[-1] for s in one.spans] for one in sequences(spans)] == [[0, 1], [2, 3]]


def test_an_example_does_not_depend_on_the_order():
    assert example(("b", "a", "")) == example(("", "a", "b")) == "a"
    assert not example(("",))
