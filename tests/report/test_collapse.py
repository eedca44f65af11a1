"""Violations fold into findings, which open, escalate and close, and none is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.report.collapse import Findings, State
from collector.violation import Basis, Service, Severity, Signal, Violation


def violation(subject="s", severity=Severity.WARNING, count=1, **more):
    fields = {"service": Service("shop"), "trace_id": "", "summary": str(severity)} | more
    return Violation(
        policy="p", kind="k", severity=severity, signal=Signal.LOGS, subject=subject,
        basis=Basis.OBSERVED, remedy="mend", count=count, **fields,
    )  # fmt: skip


def test_repeats_fold_and_are_counted():
    findings = Findings()

    opened = findings.add(violation(count=2), 10)
    repeated = findings.add(violation(count=3, trace_id="ab"), 20)

    assert opened is not None
    assert repeated is None
    (one,) = findings.open()
    assert (one.count, one.first_seen, one.last_seen, one.trace_id) == (5, 10, 20, "ab")


def test_a_rising_severity_escalates_and_a_falling_one_does_not():
    findings = Findings()
    findings.add(violation(), 0)

    assert findings.add(violation(severity=Severity.CRITICAL), 1).state is State.ESCALATED
    assert findings.add(violation(severity=Severity.INFO), 2) is None
    (one,) = findings.open()
    assert (one.severity, one.summary) == (Severity.CRITICAL, str(Severity.CRITICAL))


@pytest.mark.parametrize(("now", "closed"), [(609.9, 0), (610, 1)])
def test_a_finding_closes_ten_minutes_after_its_last_violation(now, closed):
    findings = Findings(fold_seconds=600)
    findings.add(violation(), 0)
    findings.add(violation(), 10)

    assert len(list(findings.close(now))) == closed
    assert len(findings.open()) == 1 - closed


def test_namespace_environment_and_subject_keep_findings_apart():
    findings = Findings()
    for service in (Service("a"), Service("a", "n"), Service("a", "n", "e")):
        findings.add(violation(service=service), 0)
    findings.add(violation("other", service=Service("a")), 0)

    assert len(findings.open()) == 4
    assert sum(findings.counts().values()) == 4


def test_at_the_bound_new_findings_are_refused_and_counted_and_old_ones_go_on():
    findings = Findings(max_open=2)
    for subject in "abca":
        findings.add(violation(subject, count=5), 0)

    assert len(findings.open()) == 2
    assert findings.refused == 5
    assert sum(one.count for one in findings.open()) == 15


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 5), st.floats(0, 5000))))
def test_no_violation_is_lost(said):
    findings = Findings(max_open=3)
    closed = 0
    for subject, count, now in sorted(said, key=lambda one: one[2]):
        closed += sum(one.count for one in findings.close(now))
        findings.add(violation(subject, count=count), now)

    left = sum(one.count for one in findings.open())
    assert closed + left + findings.refused == sum(count for _, count, _ in said)
