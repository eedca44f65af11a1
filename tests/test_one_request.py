"""One request, from an API over a queue and a worker to a provider and a database.

With all packs loaded, nothing is said of it when it is told right; and each link of the chain
that breaks is found by the policy that is about it, and by no other.
"""

import copy
import random

import pytest

from collector import policyfile, testing
from collector.decode import best
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand

LOADED = policyfile.load([policyfile.packs_directory()])
OPTED_IN = ("logs-name-their-request",)
DECODERS = list(dict.fromkeys((ReferenceDecoder, type(best.decoder(Demand())))))
REQUESTS = 30

IDS = {"request.id": "r{i}", "correlation_id": "c{i}", "tenant.class": "gold"}
MESSAGE = {
    "messaging.system": "kafka",
    "messaging.destination.name": "orders",
    "messaging.message.id": "m{i}",
}


def span(trace, name, kind, parent=None, where="local", attributes=None, **more):
    made = {"trace": trace, "id": f"{name} {{i}}", "name": name, "kind": kind, **more}
    if parent:
        made |= {"parent": f"{parent} {{i}}", "parent_is": where}
    return made | {"attributes": attributes or {}}


def log(trace, of, body):
    return {"trace": trace, "span": f"{of} {{i}}", "body": body, "attributes": dict(IDS)}


def telemetry(work):
    """Deliveries of the three services; `work` is the trace in which the worker works."""
    continued = work == "t{i}"
    process = span(
        work,
        "process orders",
        "consumer",
        "send orders" if continued else None,
        "remote",
        {**MESSAGE, "messaging.operation.type": "process"},
        start=0.1,
        duration=0.4,
    )
    if not continued:
        process["links"] = [{"trace": "t{i}", "id": "send orders {i}"}]
    api = {
        "service": "api",
        "spans": [
            span(
                "t{i}",
                "POST /orders",
                "server",
                attributes={
                    "http.request.method": "POST",
                    "http.route": "/orders",
                    "http.response.status_code": 202,
                    "idempotency.key": "k{i}",
                },
                duration=0.05,
            ),
            span("t{i}", "accept order", "internal", "POST /orders", start=0.01, duration=0.03),
            span(
                "t{i}",
                "send orders",
                "producer",
                "accept order",
                attributes={**MESSAGE, "messaging.operation.type": "send"},
                start=0.02,
                duration=0.01,
            ),
        ],
        "logs": [log("t{i}", "POST /orders", "order accepted")],
    }
    worker = {
        "service": "worker",
        "spans": [
            process,
            span(
                work,
                "POST",
                "client",
                "process orders",
                attributes={
                    "http.request.method": "POST",
                    "server.address": "provider",
                    "url.full": "http://provider/charges/{i}",
                    "http.response.status_code": 201,
                    "idempotency.key": "m{i}",
                },
                start=0.15,
                duration=0.1,
            ),
            span(
                work,
                "INSERT payments",
                "client",
                "process orders",
                attributes={
                    "db.system.name": "postgresql",
                    "db.namespace": "shop",
                    "db.operation.name": "INSERT",
                    "db.collection.name": "payments",
                    "server.address": "db",
                },
                start=0.3,
                duration=0.02,
            ),
        ],
        "logs": [log(work, "process orders", "order paid")],
    }
    provider = {
        "service": "provider",
        "spans": [
            span(
                work,
                "POST /charges/{id}",
                "server",
                "POST",
                "remote",
                attributes={
                    "http.request.method": "POST",
                    "http.route": "/charges/{id}",
                    "http.response.status_code": 201,
                    "idempotency.key": "m{i}",
                },
                start=0.16,
                duration=0.08,
            )
        ],
        "logs": [log(work, "POST /charges/{id}", "charged")],
    }
    chain = [{"at": 1, "repeat": REQUESTS, **one} for one in (api, worker, provider)]
    return copy.deepcopy(chain)


API, WORKER, PROVIDER = range(3)


def found(chain, make):
    policies = LOADED.fresh(OPTED_IN)
    return sorted(
        {(one.policy, one.service.name) for one in testing.run(policies, chain, 240, make=make)}
    )


def no_link(chain):
    process = chain[WORKER]["spans"][0]
    for key in ("links", "parent", "parent_is"):
        process.pop(key, None)


def no_trace_id_on_logs(chain):
    for record in chain[WORKER]["logs"]:
        del record["trace"], record["span"]


def root_client(chain):
    """The context is lost before the provider is called."""
    call = chain[WORKER]["spans"][1]
    del call["parent"], call["parent_is"]
    call["trace"] = chain[PROVIDER]["spans"][0]["trace"] = "lost{i}"
    chain[PROVIDER]["logs"][0]["trace"] = "lost{i}"


def orphans(chain):
    """The worker never ends the span under which it works."""
    del chain[WORKER]["spans"][0]


def no_request_id(chain):
    del chain[API]["logs"][0]["attributes"]["request.id"]


def no_name(chain):
    del chain[PROVIDER]["service"]


BROKEN = [
    (no_link, [("messages-without-context", "worker")]),
    (no_trace_id_on_logs, [("logs-without-trace-id", "worker")]),
    (root_client, [("root-calls", "worker")]),
    (orphans, [("orphan-spans", "worker")]),
    (no_request_id, [("logs-name-their-request", "api")]),
    (no_name, [("telemetry-without-service-name", "unknown")]),
]

linked_or_continued = pytest.mark.parametrize("work", ["w{i}", "t{i}"], ids=["linked", "continued"])
each_decoder = pytest.mark.parametrize("make", DECODERS)


@each_decoder
@linked_or_continued
def test_nothing_is_said_of_a_request_that_is_told_right(work, make):
    assert found(telemetry(work), make) == []


@each_decoder
@linked_or_continued
@pytest.mark.parametrize(("harm", "expected"), BROKEN, ids=lambda one: getattr(one, "__name__", ""))
def test_each_broken_link_is_found_by_the_policy_that_is_about_it(work, harm, expected, make):
    chain = telemetry(work)
    harm(chain)

    assert found(chain, make) == expected


def in_pieces(chain, chance):
    """The same telemetry, span by span, in any order within the wait, some of it twice."""
    pieces = [
        {"service": one.get("service", {}), "repeat": REQUESTS, field: [item]}
        for one in chain
        for field in ("spans", "logs")
        for item in one[field]
    ]
    pieces += chance.sample(pieces, 3)
    chance.shuffle(pieces)
    return [arriving(1 + 2 * n, one) for n, one in enumerate(pieces)]


def arriving(at, piece):
    """A piece that arrives at a time, which does not change when it happened."""
    spans = [one | {"start": one.get("start", 0) + 1 - at} for one in piece.get("spans", ())]
    return piece | {"at": at} | ({"spans": spans} if spans else {})


@linked_or_continued
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("harm", "expected"),
    [(lambda chain: None, []), *BROKEN],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_it_makes_no_difference_in_what_order_it_comes_or_how_often(work, seed, harm, expected):
    chain = telemetry(work)
    harm(chain)

    assert found(in_pieces(chain, random.Random(seed)), ReferenceDecoder) == expected
