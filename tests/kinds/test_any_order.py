"""What is found does not hang on the order, the batches, the delay or the repetition of spans."""

import random

import pytest

from collector import testing
from collector.decode.reference import ReferenceDecoder
from collector.evaluate import registry
from collector.evaluate.policy import Terms

ON = {"feature_flag.key": "f", "feature_flag.result.variant": "on"}
OFF = {"feature_flag.key": "f", "feature_flag.result.variant": "off"}
LOAD = {
    "db.system.name": "postgresql",
    "server.address": "db",
    "db.query.text": "SELECT * FROM prices WHERE sku = 42",
}
ORDERS = {"messaging.operation.type": "process", "messaging.destination.name": "orders"}


def flagged(trace, variant, **more):
    return {"trace": trace, "id": "s", "kind": "server", **more}, {
        "trace": trace,
        "event_name": "feature_flag.evaluation",
        "attributes": variant,
    }


def by_logs(number):
    bad, told = flagged(f"a{number}", ON, status="error" if number % 2 else "ok")
    good, told_too = flagged(f"b{number}", OFF)
    return {"spans": [bad, good], "logs": [told, told_too]}


def by_events(number):
    bad = {"trace": f"a{number}", "id": "s", "kind": "server", "status": "error"}
    good = {"trace": f"b{number}", "id": "s", "kind": "server"}
    events = [
        one | {"events": [{"name": "feature_flag", "attributes": variant}]}
        for one, variant in ((bad, ON), (good, OFF))
    ]
    return {"spans": events}


def failing(number):
    attributes = {"feature_flag.key": "f", "feature_flag.result.reason": "error"}
    return {"logs": [{"trace": f"t{number}", "attributes": attributes}]}


def stampede(number):
    span = {"trace": f"t{number}", "id": "d", "kind": "client", "name": "SELECT", "duration": 0.1}
    return {"spans": [span | {"attributes": LOAD}]}


def rooted(number):
    return {"spans": [{"trace": f"t{number}", "id": "c", "kind": "client", "name": "GET"}]}


def unlinked(number):
    span = {"trace": f"t{number}", "id": "p", "kind": "consumer", "name": "process orders"}
    return {"spans": [span | {"attributes": ORDERS}]}


def blind(number):
    attributes = {"db.system.name": "redis", "db.operation.name": "GET", "server.address": "c"}
    span = {"trace": f"t{number}", "id": "c", "kind": "client", "name": "GET"}
    return {"spans": [span | {"attributes": attributes}]}


def found(kind, deliveries, options, until):
    known = registry.known()[kind]
    policy = known(Terms(kind, kind), known.options_type.model_validate(options))
    return [
        (one.subject, one.summary, one.count, one.trace_id, dict(one.evidence))
        for one in testing.run([policy], deliveries, until, make=ReferenceDecoder)
    ]


def arriving(at, item):
    """An item that arrives at a time, which does not change when it happened."""
    return item if "event_name" in item else item | {"start": item.get("start", 0) - at}


def pieces(made, chance):
    """Every span and record alone, at any time within the wait, a fifth of them twice."""
    each = [(field, item) for one in made for field, items in one.items() for item in items]
    each += chance.sample(each, len(each) // 5)
    chance.shuffle(each)
    for field, item in each:
        at = chance.uniform(0, 25)
        yield {"at": at, "service": "shop", field: [arriving(at, item)]}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("kind", "make", "options", "until"),
    [
        ("flag_regression", by_logs, {}, 400),
        ("flag_regression", by_events, {}, 400),
        ("flag_error", failing, {}, 120),
        ("cache_stampede", stampede, {}, 120),
        ("trace_root", rooted, {}, 120),
        ("consumer_unlinked", unlinked, {}, 120),
        ("cache_blind", blind, {"min_reads": 100}, 3700),
    ],
)
def test_the_same_is_found(kind, make, options, until, seed):
    made = [make(number) for number in range(120)]
    whole = [{"service": "shop"} | one for one in made]

    in_pieces = list(pieces(made, random.Random(seed)))

    expected = found(kind, whole, options, until)
    assert len(expected) == 1
    assert found(kind, in_pieces, options, until) == expected
