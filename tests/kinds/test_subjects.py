"""Subjects name what a person would change, not the instance that happened to be called."""

import pytest
from kinds.cases import BUILT_IN, policy, table

from collector import testing
from collector.evaluate.places import peer_name

_ADDRESS = "10.37.214.5"
_PEERS = frozenset({"server.address", "net.peer.name", "net.peer.ip", "service.peer.name"})
#: `baggage_external` is about addresses: they are what is inside or outside.
_CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}")
    for name in BUILT_IN
    for case in table(name)
    if name != "baggage_external" and case["expect"] and "spans" in str(case["telemetry"])
]


def by_address(value):
    if isinstance(value, dict):
        return {
            key: _ADDRESS if key in _PEERS and isinstance(one, str) else by_address(one)
            for key, one in value.items()
        }
    return [by_address(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "case"), _CASES)
def test_no_subject_holds_the_address_of_an_instance(name, case):
    found = testing.run(
        [policy(name, case.get("options"), case.get("policy"))],
        by_address(case["telemetry"]),
        case.get("until"),
    )

    assert [one.subject for one in found if _ADDRESS in one.subject] == []


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("", ""),
        ("pay", "pay"),
        ("db.shop.local:5432", "db.shop.local:5432"),
        ("10.1.2.3", "{address}"),
        ("10.1.2.3:8080", "{address}:8080"),
        ("fe00::1", "{address}"),
        ("[2001:db8::1]:443", "{address}:443"),
        ("127.0.0.1:6379", "127.0.0.1:6379"),
        ("169.254.169.254", "169.254.169.254"),
        ("amq.gen-4f1c0de84f1c0de8", "amq.gen-{id}"),
        ("tenant_4711:3306", "tenant_{id}:3306"),
    ],
)
def test_a_peer_is_named_without_addresses_and_ids(peer, name):
    assert peer_name(peer) == name
