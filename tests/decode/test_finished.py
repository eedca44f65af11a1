"""What each mark, note and tally of a finished trace means, in both decoders."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from collector import testing
from collector.classify import SpanKind
from collector.decode import best
from collector.decode.limits import Limits
from collector.decode.reference import ReferenceDecoder
from collector.demand import Bounds, Demand, KeyMatch, SpanSelection
from collector.details import BatchSize, IdentityKind
from collector.statements import Verb
from collector.views import Mark, NoteKind, TallyKind

NOW = testing.START
SECOND = 1_000_000_000
DECODERS: list[Any] = [ReferenceDecoder]
if best.IS_NATIVE:
    from collector.decode.native.decoder import NativeDecoder

    DECODERS.append(NativeDecoder)

BOUNDS = Bounds(
    call=10 * SECOND,
    load=2 * SECOND,
    age=5 * SECOND,
    outlives=SECOND,
    transaction=10 * SECOND,
    repeated=3,
    offset=100,
    rows=50,
)
DEMAND = Demand(
    marks=Mark(sum(Mark)),
    notes=frozenset(NoteKind),
    tallies=frozenset(TallyKind),
    bounds=BOUNDS,
    selected=(
        SpanSelection(frozenset({SpanKind.CLIENT}), (KeyMatch(("feature",), ("beta*",)),)),
        SpanSelection(failed=True, where=(KeyMatch(("important",), ("*",)),)),
    ),
    identity_keys=frozenset({"idempotency.key", "request.key"}),
    tenant_keys=frozenset({"tenant.id", "tenant_id", "org.id"}),
    fingerprint_keys=frozenset({"request.hash"}),
    cache_keys=frozenset({"cache.hit"}),
)


def span(
    number: object, parent: object = None, kind: str = "client", **more: Any
) -> dict[str, Any]:
    """A span; what is not said of it is an attribute if its name has a dot or underscore in it."""
    return {"id": number, "parent": parent, "kind": kind, **more}


def query(number: object, text: str, parent: object = "p", **more: Any) -> dict[str, Any]:
    told = {"db.system.name": "postgresql", "db.query.text": text, **more.pop("told", {})}
    return span(number, parent, attributes=told, **more)


def tenant(number: object, parent: object = None, **told: Any) -> dict[str, Any]:
    return span(number, parent, attributes={k.replace("__", "."): v for k, v in told.items()})


def finished(
    make: Any, deliveries: Any, demand: Demand = DEMAND, limits: Limits | None = None
) -> Any:
    """The batch of the end of all traces; deliveries are spans, or spans by service."""
    decoder = make(demand, limits or Limits(trace_wait=30), b"seed")
    by_service = deliveries if isinstance(deliveries, dict) else {"shop": deliveries}
    for service, spans in by_service.items():
        for signal, data in testing.requests({"service": service, "spans": spans}):
            list(decoder.slices(signal, decoder.parse(signal, data), NOW))
    return decoder.advance(NOW + 30)


SELECT = "SELECT * FROM t WHERE id = {}"
TIMEOUT = {"error.type": "timeout"}
MARKS: dict[str, tuple[Any, Mark]] = {
    "a call within its caller": (
        [span("a", duration=5), span("b", "a", start=1, duration=1)], Mark(0)),
    "a call that ends a little later": (
        [span("a", kind="internal", duration=1, attributes=TIMEOUT), span("b", "a", duration=2)],
        Mark(0)),
    "a call that ends much later": (
        [span("a", kind="internal", duration=1, attributes=TIMEOUT), span("b", "a", duration=2.1)],
        Mark.CHILD_OUTLIVES),
    "a call that ends much later than work that was not cut short": (
        [span("a", kind="internal", duration=1), span("b", "a", duration=9)], Mark(0)),
    "later than work that failed otherwise": (
        [span("a", kind="server", duration=1, attributes={"http.response.status_code": 500}),
         span("b", "a", duration=9)], Mark(0)),
    "later than work that was cancelled": (
        [span("a", kind="server", duration=1, attributes={"http.response.status_code": 499}),
         span("b", "a", duration=9)], Mark.CHILD_OUTLIVES),
    "later than work whose client gave up": (
        {"web": [span("c", duration=1, attributes=TIMEOUT)],
         "shop": [span("a", "c", kind="server", duration=1), span("b", "a", duration=5)]},
        Mark.CHILD_OUTLIVES),
    "later than work below work that gave up": (
        [span("c", kind="internal", duration=9, attributes=TIMEOUT),
         span("a", "c", kind="internal", duration=1), span("b", "a", duration=5)], Mark(0)),
    "work that is no call may end later": (
        [span("a", duration=1, attributes=TIMEOUT), span("b", "a", kind="internal", duration=9)],
        Mark(0)),
    "later than an ancestor further up": (
        [span("a", kind="server", duration=1, attributes=TIMEOUT),
         span("b", "a", kind="internal", duration=9), span("c", "b", duration=5)],
        Mark.CHILD_OUTLIVES),
    "later than a span of another service": (
        {"shop": [span("a", duration=1, attributes=TIMEOUT)], "pay": [span("b", "a", duration=9)]},
        Mark(0)),
    "an answer that takes twice as long as its failed call": (
        {"shop": [span("a", duration=1, attributes=TIMEOUT)],
         "pay": [span("b", "a", kind="server", duration=2.1)]}, Mark.CHILD_OUTLIVES),
    "an answer that takes not quite so long": (
        {"shop": [span("a", duration=1, attributes=TIMEOUT)],
         "pay": [span("b", "a", kind="server", duration=1.9)]}, Mark(0)),
    "an answer that takes long and arrives": (
        {"shop": [span("a", duration=1)],
         "pay": [span("b", "a", kind="server", duration=9)]}, Mark(0)),
    "spans in a circle": (
        [span("a", "b", kind="internal", duration=1), span("b", "a", kind="internal", duration=1)],
        Mark(0)),
    "one tenant": ([tenant("a", tenant__id="x"), tenant("b", "a", tenant__id="x")], Mark(0)),
    "two tenants": (
        [tenant("a", tenant__id="x"), tenant("b", "a", tenant__id="y")], Mark.TENANTS),
    "two tenants, spelled apart": (
        [tenant("a", tenant__id="x"), tenant("b", "a", tenant_id="y")], Mark.TENANTS),
    "two attributes": ([tenant("a", tenant__id="x"), tenant("b", "a", org__id="y")], Mark(0)),
    "a number and its text": (
        [tenant("a", tenant__id=7), tenant("b", "a", tenant__id="7")], Mark(0)),
    "a query, twice": (
        [span("p", kind="internal"), *(query(n, SELECT.format(n)) for n in range(2))], Mark(0)),
    "a query, three times": (
        [span("p", kind="internal"), *(query(n, SELECT.format(n)) for n in range(3))],
        Mark.QUERY_REPEATED),
    "three queries": (
        [span("p", kind="internal"), *(query(n, f"SELECT a{n}") for n in range(3))], Mark(0)),
    "a query, each below three spans of its own": (
        [one for n in range(3) for one in (
            span(f"u{n}", "p", kind="internal"), span(f"v{n}", f"u{n}", kind="internal"),
            span(f"w{n}", f"v{n}", kind="internal"), query(n, SELECT.format(n), f"w{n}"))],
        Mark.QUERY_REPEATED),
    "a query, each below four spans of its own": (
        [one for n in range(3) for one in (
            span(f"t{n}", "p", kind="internal"), span(f"u{n}", f"t{n}", kind="internal"),
            span(f"v{n}", f"u{n}", kind="internal"), span(f"w{n}", f"v{n}", kind="internal"),
            query(n, SELECT.format(n), f"w{n}"))],
        Mark(0)),
    "two queries whose parents go round in a circle": (
        [query("a", SELECT.format(1), "b", kind="internal"),
         query("b", SELECT.format(2), "a", kind="internal")], Mark(0)),
    "three queries that list many rows": (
        [query(n, "INSERT INTO t VALUES (1), (2)") for n in range(3)], Mark(0)),
    "a query, by three parents": (
        [query(n, SELECT.format(n), parent=None if n else "x") for n in range(3)], Mark(0)),
    "a query, of three databases": (
        [query(n, SELECT.format(n), told={"server.address": f"db-{n}"}) for n in range(3)],
        Mark(0)),
    "a query, in batches": (
        [query(n, SELECT.format(n), told={"db.operation.batch.size": 5}) for n in range(3)],
        Mark(0)),
    "a call between begin and commit": (
        [query(1, "BEGIN"), span("c", "p", start=1), query(2, "COMMIT", start=2)],
        Mark.TRANSACTION),
    "a call before begin": (
        [query(1, "BEGIN", start=2), span("c", "p", start=1), query(2, "COMMIT", start=3)],
        Mark(0)),
    "a transaction of databases alone": (
        [query(1, "BEGIN"), query(2, "UPDATE t SET a = 1", start=1), query(3, "COMMIT", start=2)],
        Mark(0)),
    "a transaction that takes long": (
        [query(1, "BEGIN"), query(2, "COMMIT", start=10.5)], Mark.TRANSACTION),
    "a call beside another's transaction": (
        [query(1, "BEGIN"), span("c", "q", start=1), query(2, "COMMIT", start=2)], Mark(0)),
    "a publish within a transaction": (
        [query(1, "begin"), span("c", "p", kind="producer", start=1)], Mark.TRANSACTION),
    "a selected span": ([span("a", attributes={"feature": "beta-2"})], Mark.SELECTED),
    "a span of another value": ([span("a", attributes={"feature": "old"})], Mark(0)),
    "a span of another kind": (
        [span("a", kind="server", attributes={"feature": "beta-2"})], Mark(0)),
    "a selected span that went well": ([span("a", attributes={"important": 1})], Mark(0)),
    "a selected span that is an error": (
        [span("a", kind="internal", status="error", attributes={"important": 1})], Mark.SELECTED),
}  # fmt: skip


@pytest.mark.parametrize("make", DECODERS)
@pytest.mark.parametrize(("spans", "expected"), MARKS.values(), ids=list(MARKS))
def test_marks(make: Any, spans: Any, expected: Mark) -> None:
    traces = finished(make, spans).traces

    assert [trace.marks for trace in traces] == ([expected] if expected else [])


@pytest.mark.parametrize("make", DECODERS)
@pytest.mark.parametrize("before", [True, False])
def test_a_watched_trace_is_shown_whether_it_is_open_or_yet_to_come(
    make: Any, before: bool
) -> None:
    decoder = make(DEMAND, Limits(trace_wait=30))
    ids = [testing.identifier("trace", 16), b"short", b""]
    for one in ids if before else ():
        decoder.watch(one)
    for signal, data in testing.requests({"service": "shop", "spans": [span("a")]}):
        list(decoder.slices(signal, decoder.parse(signal, data), NOW))
    for one in () if before else ids:
        decoder.watch(one)

    (trace,) = decoder.advance(NOW + 30).traces
    assert trace.marks == Mark.WATCHED


@pytest.mark.parametrize("make", DECODERS)
def test_a_trace_carries_only_marks_that_someone_asks_for(make: Any) -> None:
    spans = [tenant("a", "x", tenant__id="x"), tenant("b", "a", tenant__id="y")]
    spans[0]["parent_is"] = "local"
    demand = Demand(marks=Mark.LOCAL_PARENT_MISSING, tenant_keys=DEMAND.tenant_keys)

    (trace,) = finished(make, spans, demand).traces
    assert trace.marks == Mark.LOCAL_PARENT_MISSING


def entry(number: str, key: str, value: object, kind: str = "server") -> dict[str, Any]:
    return span(number, "x", kind=kind, attributes={key: value})


READ = {"db.system.name": "mysql", "db.query.text": "SELECT * FROM t WHERE id = 7"}
SENT = span("s", "x", kind="producer", duration=1)
KEYED, LOAD, DUAL = NoteKind.KEYED, NoteKind.LOAD, NoteKind.DUAL_WRITE
WRITE = "UPDATE orders SET a = 1"
NOTES: dict[str, tuple[Any, list[tuple[NoteKind, str, bool]]]] = {
    "an idempotency key": ([entry("a", "idempotency.key", "k")], [(KEYED, "a", False)]),
    "a key on a call": ([entry("a", "idempotency.key", "k", kind="client")], []),
    "an empty key": ([entry("a", "idempotency.key", "")], []),
    "a message id": (
        [entry("a", "messaging.message.id", 5, kind="consumer")], [(KEYED, "a", False)]),
    "a message id on a request": ([entry("a", "messaging.message.id", 5)], []),
    "a write below a key": (
        [entry("a", "request.key", "k"), span("b", "a", kind="internal"), query("c", WRITE, "b")],
        [(KEYED, "a", True)]),
    "a read below a key": (
        [entry("a", "request.key", "k"), query("c", "SELECT 1", "a")], [(KEYED, "a", False)]),
    "a write of a cache below a key": (
        [entry("a", "request.key", "k"),
         query("c", "SET a 1", "a", told={"db.system.name": "redis"})], [(KEYED, "a", False)]),
    "a publish below a key": (
        [entry("a", "request.key", "k"), span("c", "a", kind="producer")], [(KEYED, "a", True)]),
    "a long read of one thing": (
        [span("a", "x", duration=2.1, attributes=READ)], [(LOAD, "a", False)]),
    "a read that is short": ([span("a", "x", duration=1.9, attributes=READ)], []),
    "a read that names nothing": (
        [query("a", "SELECT * FROM t WHERE id = ?", duration=3)], []),
    "a read that names it by a parameter": (
        [query("a", "SELECT ?", duration=3, told={"db.query.parameter.0": "7"})],
        [(LOAD, "a", False)]),
    "a call without a parent": ([span("a")], [(NoteKind.CLIENT_ROOT, "a", False)]),
    "a message without parent or link": (
        [span("a", kind="consumer")], [(NoteKind.UNLINKED, "a", False)]),
    "a message with a link": (
        [span("a", kind="consumer", links=[{"trace": "t", "id": "i"}])], []),
    "a receive of nothing": (
        [span("a", kind="consumer", attributes={"messaging.batch.message_count": 0})], []),
    "a receive of three": (
        [span("a", kind="consumer", attributes={"messaging.batch.message_count": 3})],
        [(NoteKind.UNLINKED, "a", False)]),
    "a message after six seconds": (
        [SENT, span("a", "s", kind="consumer", start=7)], [(NoteKind.LATE_MESSAGE, "a", False)]),
    "a message after four": ([SENT, span("a", "s", kind="consumer", start=5)], []),
    "a linked message after six seconds": (
        [SENT, span("a", "x", kind="consumer", start=7,
                    links=[{"trace": "trace", "id": "s"}, {"trace": "trace", "id": "x"}])],
        [(NoteKind.LATE_MESSAGE, "a", False)]),
    "a long call": ([span("a", "x", duration=10)], [(NoteKind.LONG_CALL, "a", False)]),
    "a call not so long": ([span("a", "x", duration=9.9)], []),
    "a deep offset": (
        [query("a", "SELECT 1 LIMIT 10 OFFSET 101")], [(NoteKind.DEEP_OFFSET, "a", False)]),
    "a deep offset by a parameter": (
        [query("a", "SELECT ? OFFSET ?", told={"db.query.parameter.offset": "101"})],
        [(NoteKind.DEEP_OFFSET, "a", False)]),
    "an offset at the bound": ([query("a", "SELECT 1 LIMIT 100, 5")], []),
    "many rows": (
        [query("a", "SELECT 1", told={"db.response.returned_rows": 51})],
        [(NoteKind.MANY_ROWS, "a", False)]),
    "as many as the bound": (
        [query("a", "SELECT 1", told={"db.response.returned_rows": 50})], []),
    "many rows beside a key": (
        [query("a", "SELECT 1", told={"db.response.returned_rows": 51, "request.key": 1})], []),
    "a write and a publish": (
        [span("a", "x", kind="server"), query("b", WRITE, "a"), span("c", "a", kind="producer")],
        [(DUAL, "c", False)]),
    "a write to an outbox and a publish": (
        [span("a", "x", kind="server"), query("b", "INSERT INTO outbox VALUES (1)", "a"),
         query("d", WRITE, "a"), span("c", "a", kind="producer")], []),
    "a write and a publish of another service": (
        {"shop": [span("a", "x", kind="server"), query("b", WRITE, "a")],
         "pay": [span("c", "a", kind="producer")]}, []),
    "a write and a publish of no request": (
        [span("a", "x", kind="internal"), query("b", WRITE, "a"), span("c", "a", kind="producer")],
        []),
    "a selected span": (
        [span("a", "x", attributes={"feature": "beta"})], [(NoteKind.SELECTED, "a", False)]),
}  # fmt: skip


@pytest.mark.parametrize("make", DECODERS)
@pytest.mark.parametrize(("spans", "expected"), NOTES.values(), ids=list(NOTES))
def test_notes(make: Any, spans: Any, expected: list[tuple[NoteKind, str, bool]]) -> None:
    notes = finished(make, spans).notes

    wanted = [(kind, testing.identifier(name, 8), effect) for kind, name, effect in expected]
    assert [(note.kind, note.span.span_id, note.effect) for note in notes] == wanted
    assert all(note.trace_id == testing.identifier("trace", 16) for note in notes)
    assert all(note.arrived == NOW for note in notes)


@pytest.mark.parametrize("make", DECODERS)
def test_only_the_notes_that_are_asked_for_are_made(make: Any) -> None:
    demand = Demand(notes=frozenset({NoteKind.CLIENT_ROOT}), bounds=Bounds(call=0, load=0))

    notes = finished(make, [span("a", attributes=READ)], demand).notes
    assert [note.kind for note in notes] == [NoteKind.CLIENT_ROOT]


@pytest.mark.parametrize("make", DECODERS)
def test_what_a_span_tells(make: Any) -> None:
    told = {"idempotency.key": "k", "request.key": 7, "tenant_id": ["acme"], "request.hash": "h"}
    spans = [
        span("a", kind="server", attributes=told),
        span("b", "a", kind="server", attributes=dict(reversed(told.items()))),
        span("c", "a", kind="server", attributes=told | {"request.key": "7"}),
        span("d", "a", kind="server", attributes=told | {"request.key": 8}),
        query("e", "/* x */ INSERT INTO Orders VALUES (1, 'a')", "a",
              told={"db.response.returned_rows": 9, "db.operation.batch.size": 2}),
    ]  # fmt: skip
    demand = Demand(
        marks=Mark.WATCHED,
        identity_keys=DEMAND.identity_keys,
        tenant_keys=DEMAND.tenant_keys,
        fingerprint_keys=DEMAND.fingerprint_keys,
    )
    decoder = make(demand, Limits(trace_wait=30))
    decoder.watch(testing.identifier("trace", 16))
    for signal, data in testing.requests({"service": "shop", "spans": spans}):
        list(decoder.slices(signal, decoder.parse(signal, data), NOW))
    (trace,) = decoder.advance(NOW + 30).traces
    a, b, c, d, e = trace.spans

    assert a.details == b.details == c.details
    assert a.details.identity_kind is IdentityKind.KEY
    assert a.details.identity != d.details.identity != 0
    assert a.details.fingerprint == d.details.fingerprint != 0
    assert a.details.tenant // 4096 == 2  # org.id, tenant.id
    assert e.details[:4] == (IdentityKind.NONE, 0, 0, 0)
    assert (e.details.rows, e.details.batch) == (9, BatchSize.TOLD)
    assert e.statement == ("INSERT INTO Orders VALUES (?)", Verb.INSERT, "orders", "postgresql")


@pytest.mark.parametrize("make", DECODERS)
def test_tallies_of_roots_and_of_caches(make: Any) -> None:
    redis = {"db.system.name": "redis", "db.operation.name": "GET", "server.address": "c"}
    spans = [
        span("a", kind="server"),
        span("b", "a", attributes=redis | {"cache.hit": True}),
        span("c", "a", attributes=redis),
        span("d", "a", attributes=redis | {"db.operation.name": "SET", "cache.hit": True}),
    ]

    tallies = Counter(finished(make, spans).tallies)
    counts = Counter((one.kind, one.peer, one.operation) for one in tallies.elements())
    assert counts[TallyKind.ROOTS, "", ""] == 1
    assert counts[TallyKind.CACHE_READS, "c", "GET"] == 2
    assert counts[TallyKind.CACHE_ANSWERS, "c", "GET"] == 1
    assert counts[TallyKind.CALLS, "c", "SET"] == 1
    assert not counts[TallyKind.CACHE_READS, "c", "SET"]


HOSTILE = (0, 1, 2**63, 2**64 - 1)


@pytest.mark.parametrize("make", DECODERS)
def test_times_that_cannot_be_true_make_no_ages_below_zero(make: Any) -> None:
    decoder = make(DEMAND, Limits(trace_wait=30))
    for signal, data in testing.requests({"service": "shop", "spans": [span("a")]}):
        request = decoder.parse(signal, data)
        list(decoder.slices(signal, request, NOW))
    message = testing.REQUESTS[signal]()
    spans = message.resource_spans.add().scope_spans.add().spans
    for number, (start, end) in enumerate([(s, e) for s in HOSTILE for e in HOSTILE], 1):
        for kind in range(2, 6):
            spans.add(
                trace_id=b"t" * 16,
                span_id=bytes([kind, number]) * 4,
                parent_span_id=bytes([4, (number * 7) % 17]) * 4,
                kind=kind,
                start_time_unix_nano=start,
                end_time_unix_nano=end,
            )
    list(decoder.slices(signal, decoder.adopt(message), NOW))

    batch = decoder.advance(NOW + 30)
    ages = [one.span.details.age for one in batch.notes if one.kind is NoteKind.LATE_MESSAGE]
    assert ages
    assert all(0 < age < 2**64 for age in ages)
