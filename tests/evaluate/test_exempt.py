"""An exemption excuses what it names, until its day, and counts what it excused."""

import pytest

from collector.evaluate.exempt import Exemption, Exemptions
from collector.violation import Basis, Service, Severity, Signal, Violation


def exemption(**changes):
    said = {
        "policy": "p",
        "service": "*",
        "subject": "*",
        "owner": "team",
        "reason": "why",
        "expires": 100.0,
    }
    return Exemption(**(said | changes))


def violation(**changes):
    said = {
        "policy": "p",
        "kind": "k",
        "severity": Severity.WARNING,
        "signal": Signal.METRICS,
        "service": Service("shop"),
        "subject": "orders{user[0]}",
        "basis": Basis.OBSERVED,
        "summary": "s",
        "remedy": "r",
    }
    return Violation(**(said | changes))


@pytest.mark.parametrize(
    ("changes", "excused"),
    [
        ({}, True),
        ({"policy": "q"}, False),
        ({"service": "shop"}, True),
        ({"service": "sh*"}, True),
        ({"service": "Shop"}, False),
        ({"service": "hop"}, False),
        ({"subject": "orders{*"}, True),
        ({"subject": "orders{user[0]}"}, True),
        ({"subject": "orders"}, False),
    ],
)
def test_all_that_an_exemption_names_must_fit(changes, excused):
    item = exemption(**changes)

    assert Exemptions([item]).match(violation(), 0) is (item if excused else None)


@pytest.mark.parametrize(
    ("asked", "excused"),
    [
        ({"detector": "jwt"}, True),
        ({"detector": "j*"}, True),
        ({"detector": "email"}, False),
        ({"key": "session.*"}, True),
        ({"key": "session.*", "fingerprint": "00112233aabbccdd"}, True),
        ({"key": "session.*", "fingerprint": "ffffffffffffffff"}, False),
        ({"member": "a"}, False),
        ({"member": "*"}, True),
    ],
)
def test_what_it_asks_of_the_evidence_must_fit_too(asked, excused):
    evidence = {"detector": "jwt", "key": "session.token", "fingerprint": "00112233aabbccdd"}
    item = exemption(evidence=tuple(asked.items()))

    found = Exemptions([item]).match(violation(evidence=evidence), 0)

    assert (found is item) is excused


@pytest.mark.parametrize(("now", "excused"), [(99.999, True), (100.0, False)])
def test_it_ends_on_time(now, excused):
    assert (Exemptions([exemption()]).match(violation(), now) is not None) is excused


def test_what_it_excused_is_counted():
    used, unused = exemption(service="shop"), exemption(service="other")
    exemptions = Exemptions([used, unused])

    exemptions.match(violation(count=3), 0)
    exemptions.match(violation(), 0)
    exemptions.match(violation(policy="q"), 0)

    assert exemptions.counts == {used: 4, unused: 0}


def test_the_first_that_still_holds_is_the_one():
    over, first, second = exemption(expires=1.0), exemption(reason="a"), exemption(reason="b")

    assert Exemptions([over, first, second]).match(violation(), 50) is first


def test_without_exemptions_nothing_is_excused():
    assert Exemptions().match(violation(), 0) is None
