"""Detectors of a user's own: found like the shipped ones, and never dangerous."""

import pytest

from collector import policyfile, testing
from collector.evaluate.detectors import custom
from collector.evaluate.detectors.scan import Detectors
from collector.problem import ProblemsError
from collector.views import Value
from collector.violation import Severity

ID = "".join(f"{n:x}Q" for n in range(40, 52))
TOKEN = f"acme_{ID}"


def made(expression=r"acme_(?P<secret>[0-9a-fQ]{20,40})", **changes):
    said = {"literals": ["acme_"]} | changes
    return custom.detector("acme-token", Severity.CRITICAL, custom.expression(expression), **said)


def found(text, key="note", plain=False, **changes):
    detectors = Detectors(b"k", own=[made(**changes)], plain=plain)
    return [(one.detector.name, one.secret) for one in detectors.find(text, key)]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (f"sent {TOKEN} to them", [ID]),
        (f"é{TOKEN}é and {TOKEN}", [ID, ID]),
        (f"https%3A%2F%2Fa%2F%3Ft%3D{TOKEN}", [ID]),
        ("sent acme_ to them", []),
        (f"sent beta_{ID} to them", []),
        (f"acme_{'a' * 24}", [f"{'a' * 24}"]),
    ],
)
def test_it_finds_what_its_expression_says(text, secrets, plain):
    wanted = [("acme-token", one) for one in secrets]
    if "aaaa" in text:
        wanted = []  # one character, repeated, is a placeholder
    assert found(text, plain=plain) == wanted


def test_under_a_key_it_needs_no_literal():
    bare = {"expression": "[0-9a-fQ]{20,40}", "literals": (), "keys": ["acme"]}

    assert found(ID, "acme.login", **bare) == [("acme-token", ID)]
    assert found(ID, "other.login", **bare) == []


def test_what_has_too_little_entropy_is_none():
    assert found(f"acme_{'0a' * 12}", min_entropy=2) == []
    assert found(f"acme_{'0a' * 12}", min_entropy=0.9) != []


def test_a_mask_shows_no_more_than_was_allowed():
    detectors = Detectors(b"k", own=[made("acme_[0-9a-fQ]{20,40}", public=4)])
    (hit,) = detectors.found([Value("note", TOKEN, new=True, sightings=())])[0]

    assert hit.preview == f"acme… ({len(TOKEN)} characters)"


REFUSED = {
    "(": "missing",
    r"(a)\1bcd": "invalid escape",
    "acme(?=x)": "invalid perl operator",
    "acme{5000}": "repetition size",
    "(?:acme_)?": "matches the empty text",
    "[a-z]*": "matches the empty text",
    "(?:[a-z]{200}x){200}": "repetition size|too large",
}


@pytest.mark.parametrize(("text", "told"), REFUSED.items())
def test_what_re2_does_not_take_or_finds_everywhere_is_refused(text, told):
    with pytest.raises(ValueError, match=told):
        custom.expression(text)


PACK = """\
detectors:
  - name: acme-token
    literals: [acme_]
    expression: "%s"
policies:
  - id: acme
    kind: sensitive_value
    summary: s
    remedy: r
    options: {detectors: [%s]}
"""


@pytest.fixture
def pack(tmp_path):
    def write(expression="acme_[0-9a-fQ]{20,40}", detector="acme-token", name="own.yaml"):
        file = tmp_path / name
        file.write_text(PACK % (expression, detector))
        return file

    return write


def test_a_pack_brings_its_detector_and_a_policy_that_wants_it_alone(pack):
    loaded = policyfile.load([pack()])
    telemetry = [{"service": "shop", "spans": [{"attributes": {"note": f"it is {TOKEN}"}}]}]

    (violation,) = testing.run(loaded.policies, telemetry, own=loaded.detectors)

    assert violation.evidence["detector"] == "acme-token"
    assert ID[:4] not in str(violation)


@pytest.mark.parametrize(
    ("change", "line", "told"),
    [
        ({"expression": "(acme"}, 4, "RE2 does not take it"),
        ({"expression": "a*"}, 4, "empty text"),
        ({"detector": "acme-tokens"}, 10, "acme-token"),
    ],
)
def test_a_mistake_is_named_with_its_line(pack, change, line, told):
    with pytest.raises(ProblemsError) as raised:
        policyfile.load([pack(**change)])

    (problem,) = raised.value.problems
    assert problem.line == line
    assert told in problem.render()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: acme-token", "name: jwt", "taken by a shipped detector"),
        ("literals: [acme_]", "literals: []", "needs literals or keys"),
        ("literals: [acme_]", "literals: [ac]", "literals"),
        ("literals: [acme_]", "literal: [acme_]", "unknown key `literal`"),
    ],
)
def test_an_entry_that_says_too_little_or_too_much_is_refused(pack, old, new, told):
    file = pack(detector="jwt")
    file.write_text(file.read_text().replace(old, new))

    with pytest.raises(ProblemsError) as raised:
        policyfile.load([file])

    assert any(told in problem.render() for problem in raised.value.problems)


def test_a_name_can_be_given_once(pack):
    second = pack(name="second.yaml")
    second.write_text(second.read_text().replace("id: acme", "id: other"))

    with pytest.raises(ProblemsError, match="taken by another detector"):
        policyfile.load([pack(), second])


def test_an_expression_that_other_engines_choke_on_comes_to_an_end():
    detectors = Detectors(b"k", own=[made("acme_(?:(?:a|aa)+)+b")], max_length=10**6)

    assert detectors.find("acme_" + "a" * 500_000) == []  # others take years
