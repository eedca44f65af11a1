"""Detectors that a policy has to ask for: it alone reports them, and nobody else notices."""

import uuid
from random import Random

import pytest

from collector import policyfile, testing
from collector.config import Config
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import NAMES, OPT_IN_NAMES
from collector.evaluate.policy import opted
from collector.evaluate.scrub import Scrubber
from collector.inspection import Inspection
from collector.problem import ProblemsError
from collector.views import Value

ID = str(uuid.UUID(int=Random(7).getrandbits(128), version=4))
POLICY = """
  - id: {id}
    kind: {kind}
    severity: critical
    summary: s
    remedy: r
    options: {options}
"""
ASKS = "{also: [uuid]}"
MAIL = "ann@shop.example"


def pack(path, *policies):
    """A file of policies, each with its id, kind and options."""
    made = [POLICY.format(id=name, kind=kind, options=options) for name, kind, options in policies]
    file = path / "own.yaml"
    file.write_text("policies:" + "".join(made))
    return file


@pytest.fixture
def load(tmp_path):
    def loaded(*options):
        named = [(f"p{at}", "sensitive_value", text) for at, text in enumerate(options)]
        return policyfile.load([pack(tmp_path, *named)])

    return loaded


def span(name="GET /", service="shop", **attributes):
    found = {key.replace("_", "."): value for key, value in attributes.items()}
    return {"service": service, "spans": [{"name": name, "attributes": found}]}


def reported(loaded, *telemetry):
    found = testing.run(loaded.policies, telemetry)
    return sorted((one.policy, one.evidence["detector"]) for one in found)


@pytest.mark.parametrize(
    ("options", "detectors"),
    [
        ("{}", ["email"]),
        ("{detectors: [email]}", ["email"]),
        ("{also: [uuid]}", ["email", "uuid"]),
        ("{also: [mac-address]}", ["email"]),
        ("{detectors: [uuid]}", ["uuid"]),
        ("{detectors: [email, uuid]}", ["email", "uuid"]),
        ("{detectors: [iban], also: [uuid]}", ["uuid"]),
        ("{also: [uuid], exclude_detectors: [uuid]}", ["email"]),
        ("{also: [uuid], exclude_detectors: [email]}", ["uuid"]),
        ("{exclude_detectors: [uuid]}", ["email"]),
        ("{also: [uuid], min_severity: warning}", ["email"]),
    ],
)
def test_a_policy_reports_the_opt_in_detectors_that_it_names(load, options, detectors):
    found = reported(load(options), span(user_id=ID, user_mail=MAIL))

    assert found == [("p0", detector) for detector in detectors]


def test_a_policy_that_asked_for_nothing_is_silent_while_another_reports(load):
    loaded = load("{}", ASKS, "{also: [hex-digest]}")

    assert reported(loaded, span(user_id=ID)) == [("p1", "uuid")]


def test_baggage_that_is_only_likely_is_not_told_by_what_another_policy_asked_for(tmp_path):
    file = pack(tmp_path, ("a", "sensitive_value", ASKS), ("b", "baggage_likely", "{}"))
    loaded = policyfile.load([file])

    found = reported(loaded, span(user_id=ID), span(user_id=ID, service="cart"))

    assert found == [("a", "uuid"), ("a", "uuid")]


def test_what_nobody_asked_for_is_not_compiled():
    detectors = Detectors(b"k", plain=True)

    assert len(detectors._gates._each) == len(
        [one for one in detectors._orders if one.gate and not one.opt_in]
    )
    assert not any(one.opt_in for one in detectors._orders)


def test_the_names_of_all_policies_come_together(load):
    assert opted(load("{}").policies) == frozenset()
    assert opted(load(ASKS, "{detectors: [br-cpf, email]}").policies) == {"uuid", "br-cpf"}


def test_the_running_program_asks_for_what_its_policies_ask_for(load):
    assert Inspection(Config(), load(ASKS)).engine._values._detectors.opted == {"uuid"}


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"opt-in detectors are .*uuid"):
        Detectors(b"k", opted=frozenset({"email"}))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{also: [uuids]}", "no opt-in detector is called uuids; choose from"),
        ("{also: [uuid, email]}", "email need not be asked for, being always on; choose from"),
        ("{also: uuid}", "a list"),
        ("{detectors: [uuids]}", "no detector is called uuids; choose from"),
    ],
)
def test_a_name_that_cannot_be_asked_for_is_told_with_its_line(load, options, told):
    with pytest.raises(ProblemsError) as raised:
        load(options)

    (problem,) = raised.value.problems
    assert (problem.path.endswith("own.yaml"), problem.line) == (True, 7)
    assert told in problem.render()
    assert "uuid" in problem.render()


def test_no_detector_of_ones_own_takes_the_name_of_one(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("detectors: [{name: uuid, literals: [acme_], expression: 'acme_[a-z]{9}'}]\n")

    with pytest.raises(ProblemsError, match="taken by a shipped detector"):
        policyfile.load([file])


def test_a_flood_of_what_one_policy_asked_for_hides_nothing_from_another():
    detectors = Detectors(b"k", opted=frozenset({"uuid", "mac-address"}), max_matches_per_value=3)
    many = " ".join(f"{ID[:-1]}{number}" for number in range(9))
    text = f"{many} 3c:22:fb:8a:91:0e {MAIL}"

    hits = detectors.found([Value("note", text, True, ())])[0]

    assert [hit.detector for hit in hits] == ["email", "mac-address", *["uuid"] * 3]
    assert detectors.capped == 1


def test_the_scrubber_leaves_alone_what_a_policy_asked_for():
    scrubber = Scrubber(Detectors(b"k", opted=frozenset(OPT_IN_NAMES)))

    assert scrubber.text(f"service {ID} of {MAIL}") == f"service {ID} of [email]"
    assert scrubber.text(f"GET /{ID}", "uuid") == "GET /[uuid]"
    assert scrubber.text(f"GET /{ID}", "mac-address") == f"GET /{ID}"
    assert Scrubber(Detectors(b"k")).text(ID, "uuid") == ID


def test_a_service_keeps_its_name_and_its_find_is_masked(load):
    telemetry = span(f"GET /users/{ID}", service=ID, user_id=ID)

    by_place = {one.evidence["place"]: one for one in testing.run(load(ASKS).policies, [telemetry])}

    assert set(by_place) == {"span_attribute", "span_name", "resource_attribute"}
    for one in by_place.values():
        assert one.service.name == ID
        assert ID not in f"{one.subject} {one.summary} {one.evidence}"
        assert one.evidence["preview"] == "… (36 characters)"
        assert len(one.evidence["fingerprint"]) == 16
    assert by_place["span_attribute"].evidence["name"] == "GET /users/[uuid]"


def test_what_another_policy_says_is_shown_as_ever(load):
    found = testing.run(load("{}", ASKS).policies, [span(f"GET /{ID}", mail=MAIL)])

    assert {one.evidence["name"] for one in found if one.policy == "p0"} == {f"GET /{ID}"}


@pytest.mark.parametrize("name", OPT_IN_NAMES)
def test_no_opt_in_detector_shares_its_name_with_another(name):
    assert name not in NAMES
    assert name == name.lower().strip("-")


def test_an_override_lets_a_shipped_policy_ask(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "overrides:\n  - policy: personal-data-in-telemetry\n    options: {also: [phone-number]}\n"
    )
    loaded = policyfile.load([policyfile.packs_directory(), file])

    found = reported(loaded, span(user_phone="+49 170 1739284"))

    assert ("personal-data-in-telemetry", "phone-number") in found
    assert {policy for policy, _ in found} == {"personal-data-in-telemetry"}
