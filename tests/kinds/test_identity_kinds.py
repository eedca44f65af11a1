"""Kinds that remember identities and queues: in any order, within their bounds, by any clock."""

from itertools import permutations

import pytest

from collector import testing
from collector.classify import Attempts, SpanKind
from collector.decode.reference import ReferenceDecoder
from collector.details import TENANTS, Details, IdentityKind
from collector.evaluate import registry
from collector.evaluate.policy import Terms
from collector.views import NO_FLAG, Mark, Note, NoteKind, Resource, Span, Tally, TallyKind, Trace
from collector.violation import Service

SHOP = Resource(Service("shop"), 1, frozenset(), {})
WIDEST = (-(2**63), 2**63 - 1)


def policy(kind, **options):
    made = registry.known()[kind]
    return made(Terms(kind, kind), made.options_type.model_validate(options))


def request(trace, route, *, key="k", at=0.0, **attributes):
    told = {"http.request.method": "POST", "http.route": route, "idempotency.key": key}
    told |= {"http.response.status_code": 201} | attributes
    span = {"trace": trace, "id": "s", "kind": "server", "name": "POST", "attributes": told}
    write = {"trace": trace, "id": "d", "parent": "s", "kind": "client", "name": "INSERT"}
    write["attributes"] = {"db.system.name": "postgresql"}
    return {"service": "shop", "at": at, "spans": [span, write]}


def message(trace, number, *, status="unset"):
    told = {"messaging.destination.name": "orders", "messaging.message.id": number}
    span = {"trace": trace, "id": "c", "kind": "consumer", "name": "process", "attributes": told}
    span["status"] = status
    write = {"trace": trace, "id": "d", "parent": "c", "kind": "client", "name": "INSERT"}
    write["attributes"] = {"db.system.name": "postgresql"}
    return {"service": "shop", "spans": [span, write]}


SCENES = {
    "idempotency_conflict": [
        request("a", "/a"),
        request("b", "/b"),
        request("c", "/c", **{"http.response.status_code": 409}),
        request("d", "/c"),
        request("e", "/a"),
    ],
    "idempotency_scope": [
        request(number, route, **{"tenant.id": tenant})
        for number, (route, tenant) in enumerate([("/a", 1), ("/b", 2), ("/a", 3), ("/b", 1)])
    ],
    "idempotency_replay": [request(number, "/a") for number in range(4)],
    "duplicate_processing": [message(n, id_) for n, id_ in enumerate([1, 2, 3, 1, 1])],
    "poison_message": [message(number, 1, status="error") for number in range(5)],
}


@pytest.mark.parametrize("kind", SCENES)
def test_the_order_in_which_spans_come_changes_nothing(kind):
    def told(telemetry):
        found = testing.run([policy(kind)], telemetry, make=ReferenceDecoder)
        return sorted((one.subject, one.severity, one.count, one.basis) for one in found)

    expected = told(SCENES[kind])
    assert expected
    for order in list(permutations(SCENES[kind]))[::7]:
        assert told(order) == expected


def test_the_example_and_the_numbers_do_not_depend_on_the_order_either():
    def told(telemetry):
        return testing.run([policy("idempotency_conflict")], telemetry, make=ReferenceDecoder)

    pair = [request("a", "/a"), request("b", "/b")]
    assert told(pair) == told(pair[::-1])


def note(number, **details):
    span = Span(
        span_id=number.to_bytes(8, "big"),
        parent_id=b"",
        resource=SHOP,
        name="process",
        kind=SpanKind.CONSUMER if details.get("identity_kind") == 2 else SpanKind.SERVER,
        status=details.pop("status", 0),
        start=details.pop("start", 0),
        end=details.pop("end", 0),
        flags=NO_FLAG,
        attributes={"messaging.destination.name": details.pop("destination", "orders")},
        operation=details.pop("operation", "process"),
        details=Details(**details),
    )
    return Note(NoteKind.KEYED, number.to_bytes(16, "big"), span, 0.0, effect=True)


def judged(one, shown):
    return [*one.on_note(shown, 0), *one.close(0, 0, final=False)]


KEY, MESSAGE = IdentityKind.KEY, IdentityKind.MESSAGE


@pytest.mark.parametrize(
    ("kind", "options", "details"),
    [
        ("idempotency_conflict", {"max_keys": 3}, {"identity_kind": KEY}),
        ("idempotency_scope", {"max_keys": 3}, {"identity_kind": KEY, "tenant": TENANTS}),
        ("idempotency_replay", {"max_keys": 3}, {"identity_kind": KEY}),
        ("poison_message", {"max_messages": 3}, {"identity_kind": MESSAGE, "status": 2}),
        ("duplicate_processing", {"max_messages": 3}, {"identity_kind": MESSAGE}),
    ],
)
def test_identities_beyond_the_bound_are_counted(kind, options, details):
    one = policy(kind, **options)
    for number in range(1, 5):
        judged(one, note(number, identity=number, **details))
        assert one.overflow() == max(0, number - 3)


@pytest.mark.parametrize(
    ("kind", "options", "details"),
    [
        ("idempotency_conflict", {"max_requests": 3}, {"fingerprint": 1}),
        ("idempotency_scope", {"max_tenants": 3}, {"tenant": TENANTS}),
        ("idempotency_replay", {"max_uses": 3}, {"fingerprint": 0}),
    ],
)
def test_what_is_beyond_the_bound_of_one_key_is_counted_and_not_judged(kind, options, details):
    one = policy(kind, **options)
    ((name, value),) = details.items()
    found = []
    for number in range(4):
        told = {name: value and value + number}
        found.append(judged(one, note(number, identity=1, identity_kind=KEY, **told)))

    assert one.overflow() == 1
    assert found[2]
    assert not found[3]


@pytest.mark.parametrize(
    ("kind", "options", "details", "bites"),
    [
        ("poison_message", {"max_queues": 3, "min_failures": 2}, {"status": 2}, 7),
        ("duplicate_processing", {"max_handlers": 3}, {}, 6),
    ],
)
def test_queues_beyond_the_bound_are_counted(kind, options, details, bites):
    one = policy(kind, **options)
    for number in range(8):
        told = {"identity": number // 2, "destination": f"q-{number // 2}"} | details
        judged(one, note(number, identity_kind=MESSAGE, **told))
        assert (one.overflow() > 0) is (number >= bites)


@pytest.mark.parametrize("kind", ["backlog_age", "dead_letter", "dual_write"])
def test_destinations_beyond_the_bound_are_counted(kind):
    one = policy(kind, max_queues=3)
    for number in range(4):
        shown = note(number, age=600_000_000_000, destination=f"dlq-{number}")
        if kind != "dead_letter":
            shown.span.attributes = {"messaging.destination.name": f"q-{number}"}
        shown.span.kind = SpanKind.PRODUCER
        judged(one, shown)
        assert one.overflow() == (number == 3)


def test_calls_beyond_the_bound_are_counted():
    one = policy("redelivery", max_queues=3)
    for number in range(4):
        one.on_tallies({Tally(TallyKind.CALLS, Service("shop"), "q", str(number), 0): 1}, 0)
        assert one.overflow() == (number == 3)


def test_the_share_of_copies_follows_what_a_handler_did_lately():
    one = policy("duplicate_processing", max_messages=10_000)
    for number in range(4000):
        judged(one, note(number, identity=number, identity_kind=MESSAGE))
    for number in range(4000, 8000):
        judged(one, note(number, identity=number // 2, identity_kind=MESSAGE))

    assert list(one.close(60, 60, final=False)) == []


@pytest.mark.parametrize("start", WIDEST)
@pytest.mark.parametrize("end", WIDEST)
@pytest.mark.parametrize("kind", SCENES)
def test_times_that_no_clock_tells_raise_nothing(kind, start, end):
    one = policy(kind)
    told = MESSAGE if kind in ("poison_message", "duplicate_processing") else KEY
    for number in range(6):
        shown = note(number, identity=1, identity_kind=told, tenant=TENANTS, start=start, end=end)
        judged(one, shown)
    list(one.close(1e9, 1e9, final=True))


def test_nothing_is_kept_of_a_key_but_its_hash():
    one = policy("idempotency_conflict")
    testing.run([one], [request("a", "/a", key="order-4711-secret")], make=ReferenceDecoder)

    assert "4711-secret" not in repr(one._requests._known)


@pytest.mark.parametrize("kind", SCENES)
def test_a_span_that_is_sent_again_long_after_is_one_use(kind):
    one = policy(kind)
    told = MESSAGE if kind in ("poison_message", "duplicate_processing") else KEY
    found = []
    for _ in range(6):
        shown = note(1, identity=1, identity_kind=told, tenant=TENANTS, status=2 * (told == 2))
        found += judged(one, shown)

    assert found + list(one.close(1e9, 1e9, final=True)) == []


def test_redeliveries_beyond_the_bound_are_counted_as_well():
    one = policy("redelivery", max_queues=3)
    for number in range(4):
        shown = note(number, operation=str(number))
        shown.span.kind = SpanKind.CONSUMER
        shown.span.attempts = Attempts(delivered=2)
        list(one.on_trace(Trace(b"t" * 16, 0.0, [shown.span], Mark.RETRY_ATTRIBUTE), 0))
        assert one.overflow() == (number == 3)
