"""Cases beside packs are read strictly, so that none passes for having sent nothing."""

import pytest

from collector import packtest, policyfile
from collector.problem import ProblemsError

PACK = "policies:\n  - {id: labels, kind: label_forbidden, summary: s, remedy: r}\n"
BAD = "{service: shop, metrics: [{name: m, labels: {user.id: x}}]}"


@pytest.fixture
def cases(tmp_path):
    def read(text):
        file = tmp_path / "p.test.yaml"
        file.write_text(text)
        return packtest.cases(file)

    return read


@pytest.fixture
def loaded(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(PACK)
    return policyfile.load([file])


@pytest.mark.parametrize(
    ("expect", "passes"),
    [
        ("{policy: labels, service: shop}", True),
        ("{policy: labels, severity: info}", False),
        ("{policy: labels, service: other}", False),
        ("", False),
    ],
)
def test_a_case_passes_when_exactly_what_it_expects_is_found(cases, loaded, expect, passes):
    (case,) = cases(f"- {{name: a, telemetry: [{BAD}], expect: [{expect}]}}\n")

    assert (packtest.run(loaded, case) == []) is passes


def test_cases_do_not_see_what_others_sent(cases, loaded):
    text = "".join(
        f"- {{name: {name}, telemetry: [{BAD}], expect: [{{policy: labels}}]}}\n" for name in "ab"
    )

    assert [packtest.run(loaded, case) for case in cases(text)] == [[], []]


def test_a_policy_that_is_off_by_default_can_be_tried(cases, tmp_path):
    file = tmp_path / "off.yaml"
    file.write_text(PACK.replace("summary: s", "enabled: false, summary: s"))
    loaded = policyfile.load([file])
    (off,) = cases(f"- {{name: a, telemetry: [{BAD}], expect: []}}\n")
    (on,) = cases(
        f"- {{name: a, enable: [labels], telemetry: [{BAD}], expect: [{{policy: labels}}]}}\n"
    )
    (unknown,) = cases(f"- {{name: a, enable: [label], telemetry: [{BAD}], expect: []}}\n")

    assert packtest.run(loaded, off) == []
    assert packtest.run(loaded, on) == []
    assert "named label" in packtest.run(loaded, unknown)[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no list of cases"),
        ("[]\n", "no list of cases"),
        ("name: a\n", "no list of cases"),
        ("- {telemetry: [], expect: []}\n", "`name` is missing"),
        ("- {name: a, telemetry: []}\n", "`expect` is missing"),
        ("- {name: a, telemetry: [{span: []}], expect: []}\n", "did you mean spans?"),
        ("- {name: a, telemetry: [], expect: [{polcy: a}]}\n", "did you mean policy?"),
        ("- {name: a, telemetry: [], expect: [{severity: bad}]}\n", "critical"),
        ("- {name: a, telemetry: [], expect: []}\n" * 2, "stands twice"),
    ],
)
def test_a_mistake_in_a_case_is_named(cases, text, told):
    with pytest.raises(ProblemsError, match=told.replace("?", r"\?")):
        cases(text)


def test_telemetry_that_cannot_be_sent_fails_its_case(cases, loaded):
    (case,) = cases("- {name: a, telemetry: [{spans: [{kind: no}]}], expect: []}\n")

    assert "cannot be sent" in packtest.run(loaded, case)[0]
