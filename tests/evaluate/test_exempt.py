"""Exemptions and overrides of policy files hold for what they name, and until their day."""

import pytest

from collector import testing
from collector.evaluate.exempt import Exemption, Exemptions
from collector.policyfile import load
from collector.problem import ProblemsError
from collector.violation import Basis, Service, Severity, Signal, Violation

BASE = """
pack: base
policies:
  - {id: labels, kind: label_forbidden, summary: s, remedy: r, severity: critical}
"""
TELEMETRY = [{"service": "shop", "metrics": [{"name": "m", "labels": {"user.id": "1"}}]}]


def violation(policy="p", service="shop", subject="m{user.id}"):
    return Violation(
        policy=policy, kind="k", severity=Severity.WARNING, signal=Signal.METRICS,
        service=Service(service), subject=subject, basis=Basis.OBSERVED, summary="", remedy="",
        count=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "now", "excused"),
    [
        ({}, 99, True),
        ({}, 100, False),
        ({"policy": "q"}, 0, False),
        ({"service": "shop-2"}, 0, False),
        ({"service": "other"}, 0, False),
        ({"subject": "m{user.name}"}, 0, False),
    ],
)
def test_an_exemption_excuses_what_it_names_until_it_expires(changed, now, excused):
    item = Exemption("p", "sho?", "m{user.id}", "team", "because", expires=100)
    exemptions = Exemptions([item])

    assert (exemptions.match(violation(**changed), now) is item) is excused
    assert exemptions.counts[item] == (3 if excused else 0)


def loaded(tmp_path, text, now=1_800_000_000.0):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "more.yaml").write_text(text)
    return load([tmp_path], now=now)


def test_an_override_changes_severity_options_and_selector(tmp_path):
    override = "overrides:\n  - {policy: labels, severity: info, options: {max_length: 5}}\n"
    (policy,) = loaded(tmp_path, override).policies

    assert policy.terms.severity is Severity.INFO
    assert policy.options.max_length == 5
    assert policy.options.looks_alike == 20
    found = testing.run([policy], TELEMETRY)
    assert testing.compare(found, [{"severity": "info", "subject": "m{user.id}"}]) == []


def test_an_override_can_switch_a_policy_off(tmp_path):
    assert loaded(tmp_path, "overrides:\n  - {policy: labels, enabled: false}\n").policies == ()


EXEMPTION = """
exemptions:
  - {policy: labels, service: shop, owner: team, reason: soon gone, expires: 2027-01-31}
"""


def test_an_exemption_of_a_file_holds_through_its_last_day_and_then_warns(tmp_path):
    before = loaded(tmp_path, EXEMPTION, now=1801396800)  # noon of that day
    after = loaded(tmp_path, EXEMPTION, now=1801440001)

    assert len(before.exemptions) == 1
    assert after.exemptions == ()
    assert "expired" in str(after.warnings)


@pytest.mark.parametrize(
    "missing", ["owner: team, ", "reason: soon gone, ", ", expires: 2027-01-31"]
)
def test_an_exemption_needs_owner_reason_and_end(tmp_path, missing):
    with pytest.raises(ProblemsError, match=missing.strip(" ,").partition(":")[0]):
        loaded(tmp_path, EXEMPTION.replace(missing, ""))
