"""Transactions are told apart or left out, whatever the clocks and the order of spans."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.classify import SpanKind
from collector.evaluate.transactions import Transactions
from collector.statements import NO_STATEMENT, Statement, Verb
from collector.views import Flag, Resource, Span
from collector.violation import Service

RESOURCE = Resource(Service("shop"), 1, frozenset(), {})
PARENT = b"p" * 8


def span(number, verb, start, end, **fields):
    said = NO_STATEMENT if verb is Verb.NONE else Statement("", verb, "t", "postgresql")
    made = {
        "parent_id": PARENT, "resource": RESOURCE, "name": "n", "kind": SpanKind.CLIENT,
        "status": 0, "flags": Flag(0), "attributes": {}, "peer": "db", "statement": said,
    } | fields  # fmt: skip
    return Span(span_id=number.to_bytes(8, "big"), start=start, end=end, **made)


def spans(*told):
    return [span(n, *one) for n, one in enumerate(told)]


BEGIN, READ, COMMIT, CALL = Verb.BEGIN, Verb.READ, Verb.COMMIT, Verb.NONE
SHAPES = [
    # spans, transactions, calls within them
    ([(BEGIN, 1, 2), (COMMIT, 9, 10)], 1, 0),
    ([(BEGIN, 1, 2), (READ, 3, 4), (CALL, 5, 6), (COMMIT, 9, 10)], 1, 1),
    ([(BEGIN, 1, 2), (CALL, 2, 9), (COMMIT, 9, 10)], 1, 1),
    ([(BEGIN, 1, 3), (CALL, 2, 8), (COMMIT, 9, 10)], 1, 0),
    ([(BEGIN, 1, 2), (CALL, 3, 10), (COMMIT, 9, 11)], 1, 0),
    ([(BEGIN, 1, 2), (READ, 3, 6), (CALL, 5, 8), (COMMIT, 9, 10)], 1, 0),
    ([(BEGIN, 1, 2), (READ, 4, 5), (CALL, 3, 8), (COMMIT, 9, 10)], 1, 0),
    ([(BEGIN, 1, 2), (CALL, 3, 3), (COMMIT, 9, 10)], 1, 0),
    ([(BEGIN, 1, 2), (CALL, 3, 4), (Verb.ROLLBACK, 9, 10)], 1, 1),
    ([(BEGIN, 1, 2), (COMMIT, 3, 4), (CALL, 5, 6), (BEGIN, 7, 8), (COMMIT, 9, 10)], 2, 0),
    ([(BEGIN, 1, 2), (BEGIN, 2, 3), (CALL, 4, 5), (COMMIT, 6, 7), (COMMIT, 9, 10)], 0, 0),
    ([(BEGIN, 1, 2), (BEGIN, 2, 3), (BEGIN, 3, 4), (COMMIT, 6, 7)], 0, 0),
    ([(BEGIN, 1, 2), (CALL, 3, 4)], 0, 0),
    ([(CALL, 3, 4), (COMMIT, 6, 7)], 0, 0),
    ([(BEGIN, 0, 0), (CALL, 0, 0), (COMMIT, 0, 0)], 0, 0),
    ([], 0, 0),
]


@pytest.mark.parametrize(("told", "count", "calls"), SHAPES)
def test_what_runs_within_a_transaction(told, count, calls):
    found = Transactions(spans(*told)).complete

    assert len(found) == count
    assert sum(len(one.calls) for one in found) == calls


def test_a_transaction_tells_its_length_and_its_statements():
    (found,) = Transactions(
        spans((BEGIN, 1, 2), (READ, 3, 4), (READ, 5, 6), (COMMIT, 8, 9))
    ).complete

    assert (found.lasted, found.statements) == (8, 2)


def test_what_stands_after_a_begin_is_held_until_the_end():
    made = spans((READ, 0, 1), (BEGIN, 2, 3), (READ, 4, 5), (COMMIT, 6, 7), (READ, 8, 9))
    transactions = Transactions(made)

    assert [transactions.holds(one) for one in made] == [False, True, True, True, False]


MANY = st.lists(
    st.tuples(st.sampled_from(list(Verb)), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
    | st.tuples(st.sampled_from(list(Verb)), st.integers(0, 9), st.integers(0, 9)),
    max_size=12,
)


@given(MANY)
def test_the_order_of_arrival_does_not_matter(told):
    made = spans(*told)

    assert Transactions(made).complete == Transactions(made[::-1]).complete
    assert all(one.lasted >= 0 for one in Transactions(made).complete)


@pytest.mark.parametrize("words", [[BEGIN], [BEGIN, CALL], [BEGIN, CALL, COMMIT], [COMMIT, READ]])
def test_a_giant_trace_is_read_in_linear_time(words):
    made = [
        span(n, words[n % len(words)], 2 * n, 2 * n + 1) for n in range(10_000)
    ]  # fmt: skip

    before = process_time()
    Transactions(made)

    assert process_time() - before < 1
