"""Whatever a trace holds, its judgement ends, raises nothing, and is the same in any order."""

from collections import Counter
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import classify
from collector.classify import SpanKind
from collector.details import Details
from collector.evaluate import registry
from collector.evaluate.policy import Terms
from collector.statements import statement
from collector.views import Flag, Mark, Note, NoteKind, Resource, Span, Trace
from collector.violation import Service

OF_TRACES = [
    "conflict_unhandled", "deadline_ignored", "deadline_overrun", "query_repetition",
    "read_then_insert", "transaction_long", "transaction_remote_call",
]  # fmt: skip
OF_NOTES = {
    "deep_offset": NoteKind.DEEP_OFFSET,
    "unbounded_result": NoteKind.MANY_ROWS,
    "unbounded_wait": NoteKind.LONG_CALL,
}
RESOURCES = [Resource(Service(name), at, frozenset(), {}) for at, name in enumerate("ab")]
IDS = [bytes([n]) * 8 for n in range(8)]
QUERIES = ["BEGIN", "COMMIT", "ROLLBACK", "SELECT * FROM t", "INSERT INTO t VALUES (1)", "'", ""]
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "db.system.name": st.sampled_from(["postgresql", "mysql", "redis", ""]),
        "db.query.text": st.sampled_from(QUERIES),
        "db.response.status_code": st.sampled_from(["23505", 1062, ("23505",), None]),
        "error.type": st.sampled_from(["timeout", "cancelled", "x", 7, ("timeout",)]),
        "http.request.method": st.sampled_from(["GET", 7]),
        "http.response.status_code": st.sampled_from([200, 409, 499, 500, 504, "x", -1]),
        "http.response.header.content-type": st.sampled_from(["text/event-stream", ((("x",),),)]),
        "rpc.response.status_code": st.sampled_from(["DEADLINE_EXCEEDED", 1, 13]),
    },
)
TIMES = st.one_of(
    st.integers(0, 20).map(lambda n: n * 10**9), st.integers(0, 2**64 - 1), st.just(0)
)


@st.composite
def made_spans(draw, number):
    attributes = draw(ATTRIBUTES)
    return Span(
        span_id=IDS[number],
        parent_id=draw(st.sampled_from([*IDS, b""])),
        resource=draw(st.sampled_from(RESOURCES)),
        name=draw(st.sampled_from(["n", ""])),
        kind=draw(st.sampled_from(list(SpanKind))),
        status=draw(st.integers(0, 3)),
        start=draw(TIMES),
        end=draw(TIMES),
        flags=Flag(0),
        attributes=attributes,
        peer=draw(st.sampled_from(["db", ""])),
        operation=draw(st.sampled_from(["op", ""])),
        failed=classify.failed(attributes),
        statement=statement("n", attributes),
        details=Details(offset=draw(st.integers(0, 2**32)), rows=draw(st.integers(0, 2**32))),
    )


TRACES = st.integers(0, len(IDS)).flatmap(
    lambda size: st.tuples(*(made_spans(number) for number in range(size)))
)


def policy(name):
    kind = registry.known()[name]
    return kind(Terms(id=name, kind=name), kind.options_type())


def judged(name, spans):
    trace = Trace(b"t" * 16, 0.0, spans, Mark(0))
    return Counter(
        (one.service, one.subject, one.severity, one.summary, one.basis)
        for one in policy(name).on_trace(trace, 0.0)
    )


@pytest.mark.parametrize("name", OF_TRACES)
@settings(max_examples=60, deadline=None)
@given(TRACES)
def test_any_trace_is_judged_the_same_in_any_order(name, spans):
    assert judged(name, spans) == judged(name, spans[::-1])


@pytest.mark.parametrize(("name", "kind"), OF_NOTES.items())
@settings(max_examples=60, deadline=None)
@given(made_spans(0))
def test_any_single_span_is_judged(name, kind, span):
    found = list(policy(name).on_note(Note(kind, b"t" * 16, span, 0.0, effect=False), 0.0))

    assert all(one.subject.isprintable() for one in found)


def giant(count, parent_of, queries):
    """A trace of as many spans as are shown, each a second long, a second after another."""
    base = {"db.system.name": "postgresql", "error.type": "timeout", "http.request.method": "GET"}
    for n in range(count):
        query = queries[n % len(queries)]
        attributes = base | {"db.query.text": query, "db.response.status_code": "23505"}
        attributes = attributes if query else {"http.request.method": "GET"}
        yield Span(
            span_id=n.to_bytes(8, "big"),
            parent_id=parent_of(n).to_bytes(8, "big") if n else b"",
            resource=RESOURCES[0],
            name="n",
            kind=SpanKind.CLIENT if n else SpanKind.SERVER,
            status=2,
            start=n * 10**9,
            end=(n + 1) * 10**9,
            flags=Flag(0),
            attributes=attributes | ({} if n else {"http.response.status_code": 504}),
            failed=True,
            statement=statement("n", attributes),
        )


GIANTS = [
    pytest.param(parent_of, queries, id=f"{shape}-{'-'.join(queries)}")
    for shape, parent_of in (("star", lambda n: 0), ("chain", lambda n: n - 1))
    for queries in (
        ["SELECT * FROM t"],
        ["BEGIN"],
        ["BEGIN", "", "COMMIT"],
        ["SELECT * FROM t", "INSERT INTO t VALUES (1)"],
    )
]


@pytest.mark.parametrize("name", OF_TRACES)
@pytest.mark.parametrize(("parent_of", "queries"), GIANTS)
def test_a_giant_trace_is_judged_in_linear_time(name, parent_of, queries):
    spans = tuple(giant(2_000, parent_of, queries))

    before = process_time()
    judged(name, spans)

    assert process_time() - before < 1
