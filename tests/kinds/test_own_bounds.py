"""The decoder serves the lowest bound of all policies; each policy still keeps its own."""

import pytest

from collector import testing
from collector.decode.reference import ReferenceDecoder
from collector.evaluate import registry
from collector.evaluate.policy import Terms

QUERY = {"db.system.name": "postgresql", "server.address": "db"}


def overrun(ms):
    return [
        {"id": "p", "name": "w", "duration": 1.0, "attributes": {"error.type": "timeout"}},
        {"id": "c", "parent": "p", "kind": "client", "start": 0.5, "duration": 0.5 + ms / 1000},
    ]


def wait(seconds):
    return [{"id": "c", "kind": "client", "duration": seconds}]


def repetition(count):
    query = {"kind": "client", "parent": "r", "duration": 0.01}
    attributes = QUERY | {"db.query.text": "SELECT * FROM t WHERE id = $1"}
    return [
        {"id": "r", "kind": "server", "duration": 1.0},
        *(query | {"id": n, "start": n / 20, "attributes": attributes} for n in range(count)),
    ]


def offset(rows):
    return [{"kind": "client", "attributes": QUERY | {"db.query.text": f"SELECT OFFSET {rows}"}}]


def result(rows):
    return [{"kind": "client", "attributes": QUERY | {"db.response.returned_rows": rows}}]


def transaction(seconds):
    call = {"parent": "p", "kind": "client", "duration": 0.0}
    return [
        call | {"id": word, "start": start, "attributes": QUERY | {"db.query.text": word}}
        for word, start in (("BEGIN", 0), ("COMMIT", seconds))
    ]


def bounded(name, options):
    kind = registry.known()[name]
    return kind(Terms(id=str(options), kind=name), kind.options_type.model_validate(options))


BOUNDS = [
    # kind, option, a low bound and a high one, telemetry within the high one and over it
    ("deadline_overrun", "max_overrun_ms", 100, 1000, overrun(1000), overrun(1001)),
    ("unbounded_wait", "max_seconds", 10, 60, wait(59), wait(60)),
    ("query_repetition", "min_repeats", 5, 12, repetition(11), repetition(12)),
    ("deep_offset", "max_offset", 10, 50, offset(50), offset(51)),
    ("unbounded_result", "max_rows", 10, 50, result(50), result(51)),
    ("transaction_long", "max_seconds", 1, 7, transaction(7), transaction(7.5)),
]


@pytest.mark.parametrize(("kind", "option", "low", "high", "within", "over"), BOUNDS)
def test_a_policy_keeps_its_bound_beside_a_lower_one(kind, option, low, high, within, over):
    policies = [bounded(kind, {option: bound}) for bound in (low, high)]

    for spans, expected in ((within, 1), (over, 2)):
        telemetry = [{"service": "shop", "spans": spans}]
        assert len(testing.run(policies, telemetry, make=ReferenceDecoder)) == expected
