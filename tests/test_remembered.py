"""What is remembered for a day goes on in the next process: keys and messages, as hashes."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from collector import snapshot, testing
from collector.evaluate.identities import Identities, identity_of
from collector.evaluate.policy import Terms
from collector.evaluate.registry import known

NOW = testing.START


def policy(name, **options):
    kind = known()[name]
    return kind(Terms("p", name), kind.options_type.model_validate(options))


def request(trace, route="/charges", tenant="acme"):
    return [
        {
            "trace": trace,
            "id": "s",
            "kind": "server",
            "name": "POST",
            "attributes": {
                "http.request.method": "POST",
                "http.route": route,
                "http.response.status_code": 201,
                "idempotency.key": "k",
                "tenant.id": tenant,
            },
        },
        written(trace),
    ]


def message(trace, number, status="ok"):
    names = {"messaging.destination.name": "orders", "messaging.message.id": f"m{number}"}
    consumer = {"trace": trace, "id": "s", "kind": "consumer", "name": "orders process"}
    return [consumer | {"status": status, "attributes": names}, written(trace)]


def written(trace):
    attributes = {"db.system.name": "postgresql", "db.operation.name": "INSERT"}
    return {"trace": trace, "id": "d", "parent": "s", "kind": "client", "attributes": attributes}


def many(make, count):
    return [span for number in range(count) for span in make(number)]


BEFORE_AND_AFTER = {
    "idempotency_conflict": (request("a"), request("b", route="/refunds")),
    "idempotency_scope": (request("a"), request("b", tenant="globex")),
    "idempotency_replay": (request("a"), request("b")),
    "duplicate_processing": (many(lambda n: message(f"a{n}", n), 4), message("b", 1)),
    "poison_message": (
        many(lambda n: message(f"a{n}", 1, "error"), 4),
        message("b", 1, "error"),
    ),
}


def restarted(kind, before, seconds=60.0, **options):
    """A policy that goes on from what another saw, by way of the bytes of a snapshot."""
    first, second = policy(kind, **options), policy(kind, **options)
    assert testing.run([first], [{"service": "pay", "spans": before}], 40) == []
    made = snapshot.make({"p": (first, first.saved(10**6))}, [], b"", NOW)
    kept = snapshot.decode(snapshot.encode(made))
    assert snapshot.restore(kept, (second,), NOW + seconds) == 1
    return second


@pytest.mark.parametrize("kind", BEFORE_AND_AFTER)
def test_a_policy_knows_what_it_saw_before_a_restart(kind):
    before, after = BEFORE_AND_AFTER[kind]

    found = testing.run(
        [restarted(kind, before)], [{"at": 60, "service": "pay", "spans": after}], 200
    )

    assert len(found) == 1


@pytest.mark.parametrize("kind", BEFORE_AND_AFTER)
def test_what_is_no_longer_valid_is_not_taken_over(kind):
    before, after = BEFORE_AND_AFTER[kind]
    second = restarted(kind, before, seconds=90_000)

    assert testing.run([second], [{"at": 60, "service": "pay", "spans": after}], 200) == []


@pytest.mark.parametrize("kind", BEFORE_AND_AFTER)
@pytest.mark.parametrize("state", [{}, [[1]], [["x", 0.0, []]], [[1, 0.0, [["x"]]]], 3], ids=str)
def test_what_is_no_state_leaves_a_policy_as_it_is(kind, state):
    one = policy(kind)
    empty = one.saved(10**6)

    with pytest.raises(msgspec.ValidationError):
        one.restore(state, 0.0)

    assert one.saved(10**6) == empty


def test_an_identity_has_the_same_hash_in_every_process():
    code = "from collector.evaluate.identities import identity_of; print(identity_of('pay', '', 7))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert found == {f"{identity_of('pay', '', 7)}\n".encode()}


def test_the_latest_are_saved_within_the_bound_and_come_back_within_theirs():
    first: Identities[list[int]] = Identities(100, 10, list)
    for identity in range(10):
        first.at(identity, identity).append(identity)

    saved = first.saved(7 * 160, list)
    second: Identities[list[int]] = Identities(100, 5, list)
    second.restore(msgspec.to_builtins(saved), list[int], 9.0)

    assert [one[0] for one in saved] == list(range(3, 10))
    assert {one: second.known(one, 9.0) for one in range(10)} == {
        one: [one] if one >= 5 else None for one in range(10)
    }
