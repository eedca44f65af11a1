"""Policy files become policies, or every mistake in any of them is named with its line."""

from datetime import UTC, datetime
from typing import Literal

import pytest
from pydantic import BaseModel, Field, model_validator

from collector import policyfile, testing
from collector.evaluate.policy import Meta, Options, Policy
from collector.policycheck import UNGRADED
from collector.problem import ProblemsError
from collector.validation import validate
from collector.violation import Severity, Signal

NOW = datetime(2030, 6, 15, 12, tzinfo=UTC).timestamp()


class CountOptions(Options):
    """Options of the kind that these tests know."""

    warn_above: int = Field(default=5, ge=1, description="warning")
    critical_above: int = Field(default=9, ge=1, description="critical")
    where: tuple[str, ...] = Field(default=(), description="where")

    @model_validator(mode="after")
    def _ordered(self):
        if self.critical_above < self.warn_above:
            raise ValueError("critical_above is below warn_above")
        return self


class Count(Policy[CountOptions]):
    """A kind with grades and one selector of its own."""

    options_type = CountOptions
    meta = Meta(
        signals=(Signal.METRICS,),
        severities=(Severity.INFO, Severity.WARNING),
        since="0.1.0",
        selectors=frozenset({"metrics"}),
    )

    def __init__(self, terms, options):
        super().__init__(terms, options)
        if "impossible" in options.where:
            raise ValueError("impossible cannot be looked at")


class Plain(Policy[Options]):
    """A kind that reports whatever its policy says."""

    meta = Meta(signals=(Signal.LOGS,), severities=(), since="0.1.0")


KINDS = {"count_things": Count, "plain_thing": Plain}


class Places(BaseModel):
    """A list that must not be empty."""

    where: tuple[Literal["span", "log"], ...] = Field(min_length=1)


GOOD = "policies:\n  - {id: one, kind: count_things, summary: s, remedy: r}\n"


@pytest.fixture
def write(tmp_path):
    def writer(text, name="pack.yaml"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return writer


def load(*paths):
    return policyfile.load(paths, KINDS, now=NOW)


def mistakes(*paths):
    with pytest.raises(ProblemsError) as caught:
        load(*paths)
    return caught.value.problems


def only(policies):
    (policy,) = policies
    return policy


def test_a_policy_is_built_as_its_file_says(write):
    text = """\
pack: mine
summary: what for
policies:
  - id: few-things
    kind: count_things
    summary: too many
    why: it costs
    remedy: fewer
    severity: info
    select: {services: [shop], metrics: ["a*"]}
    options: {warn_above: 7, where: [x]}
    references: [https://example.org]
    false_positives: [none]
"""
    loaded = load(write(text))

    policy = only(loaded.policies)
    terms = policy.terms
    assert isinstance(policy, Count)
    assert (terms.id, terms.kind, terms.severity) == ("few-things", "count_things", Severity.INFO)
    assert (terms.summary, terms.why, terms.remedy) == ("too many", "it costs", "fewer")
    assert terms.select.services == ("shop",)
    assert terms.references == ("https://example.org",)
    assert terms.false_positives == ("none",)
    assert policy.options == CountOptions(warn_above=7, where=("x",))
    assert (loaded.packs[0].name, loaded.packs[0].summary) == ("mine", "what for")
    assert loaded.pack_of("few-things") == "mine"
    assert loaded.warnings == ()


def test_what_is_left_out_has_a_default(write):
    text = GOOD + "  - {id: two, kind: plain_thing, summary: s, remedy: r}\n"
    one, two = load(write(text)).policies

    assert one.terms.severity is Severity.WARNING
    assert two.terms.severity is UNGRADED
    assert one.options == CountOptions()


def test_all_mistakes_of_all_files_are_named_at_once_with_their_lines(write):
    first = write(
        """\
pack: first
polices: []
policies:
  - id: one
    kind: cuont_things
    summary: s
    remedy: r
  - id: two
    kind: count_things
    summary: s
    remedy: r
    severity: fatal
    options:
      warn_abvoe: 3
      critical_above: many
""",
        "first.yaml",
    )
    second = write(
        """\
policies:
  - id: two
    kind: plain_thing
    summary: s
    select:
      names: [x]
exemptions:
  - {policy: tow, service: a, owner: me, reason: why, expires: 2031-01-01}
""",
        "second.yaml",
    )

    found = {(one.path, one.line): one for one in mistakes(first, second)}

    assert set(found) == {
        *((str(first), line) for line in (2, 5, 12, 14, 15)),
        *((str(second), line) for line in (2, 6, 8)),
    }
    assert found[str(first), 2].suggestion == "policies"
    assert found[str(first), 5].suggestion == "count_things"
    assert found[str(first), 12].allowed == ("info", "warning", "critical")
    assert found[str(first), 14].allowed == ("warn_above", "critical_above", "where")
    assert found[str(first), 14].suggestion == "warn_above"
    assert found[str(first), 15].allowed == ("an integer",)
    assert "names" in found[str(second), 6].message
    assert "metrics" not in found[str(second), 6].allowed
    assert found[str(second), 8].suggestion == "two"


@pytest.mark.parametrize(
    ("policy", "line", "told"),
    [
        ("{kind: count_things, summary: s, remedy: r}", 2, "`id` is missing"),
        ("{id: Not_Kebab, kind: count_things, summary: s, remedy: r}", 2, "lower-case"),
        ("{id: a, kind: count_things, remedy: r}", 2, "`summary` is missing"),
        ("{id: a, summary: s, remedy: r}", 2, "`kind` is missing"),
        ("{id: a, kind: [x], summary: s, remedy: r}", 2, "kind is a list"),
        ("{id: a, kind: count_things, summary: s, remedy: r, options: 3}", 2, "a mapping"),
        ("{id: a, kind: count_things, summary: s, remedy: r, select: []}", 2, "select is a list"),
        ("just text", 2, "`just text`"),
        (
            "{id: a, kind: count_things, summary: s, remedy: r, options: {warn_above: 0}}",
            2,
            "greater than or equal to 1",
        ),
        (
            "{id: a, kind: count_things, summary: s, remedy: r, options: {warn_above: 50}}",
            2,
            "critical_above is below warn_above",
        ),
        (
            "{id: a, kind: count_things, summary: s, remedy: r, options: {where: [impossible]}}",
            2,
            "impossible cannot",
        ),
        (
            "{id: a, kind: count_things, summary: s, remedy: r, select: {servcies: [a]}}",
            2,
            "did you mean services?",
        ),
        ("{id: a, kind: count_things, summary: s, remedy: r, enabled: perhaps}", 2, "true or"),
        ("{id: a, kind: count_things, summary: s, remedy: r, severity: off}", 2, "enabled: false"),
    ],
)
def test_a_mistake_in_a_policy_is_told(write, policy, line, told):
    (problem,) = mistakes(write(f"policies:\n  - {policy}\n"))

    assert problem.line == line
    assert told in problem.render()


@pytest.mark.parametrize(
    ("value", "place", "allowed"),
    [(["spam"], ("where", 0), ("span", "log")), ([], ("where",), ("at least 1 of them",))],
)
def test_a_list_is_too_short_only_where_its_items_are_right(value, place, allowed):
    _, (fault,) = validate(Places, {"where": value})

    assert (fault.where, fault.allowed) == (place, allowed)


@pytest.mark.parametrize("text", ["", "[]\n", "text\n", "3\n"])
def test_a_file_that_is_no_mapping_is_told_which_keys_there_are(write, text):
    (problem,) = mistakes(write(text))

    assert "policies" in problem.allowed


def test_an_id_that_is_taken_names_where_it_stands_first(write):
    first, second = write(GOOD, "a.yaml"), write(GOOD, "b.yaml")

    (problem,) = mistakes(first, second)

    assert problem.path == str(second)
    assert f"{first}:2" in problem.message


def test_a_severity_that_the_kind_never_reports_is_a_warning(write):
    loaded = load(write(GOOD.replace("summary", "severity: critical, summary")))

    (warning,) = loaded.warnings
    assert warning.line == 2
    assert warning.allowed == ("info", "warning")
    assert len(loaded.policies) == 1


def test_an_override_of_another_file_changes_only_what_it_names(write):
    base = write("""\
policies:
  - id: one
    kind: count_things
    summary: s
    remedy: r
    select: {services: [a]}
    options: {warn_above: 2, where: [x]}
""")
    mine = write(
        "overrides:\n"
        "  - {policy: one, severity: info, options: {warn_above: 3}, select: {services: [b]}}\n",
        "mine.yaml",
    )

    policy = only(load(mine, base).policies)

    assert policy.options == CountOptions(warn_above=3, where=("x",))
    assert policy.terms.severity is Severity.INFO
    assert policy.terms.select.services == ("b",)
    assert policy.terms.summary == "s"


def test_the_last_override_wins(write):
    overrides = "overrides:\n" + "".join(
        f"  - {{policy: one, options: {{warn_above: {n}}}}}\n" for n in (2, 4)
    )

    assert only(load(write(GOOD + overrides)).policies).options.warn_above == 4


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("{policy: noe}", "did you mean one?"),
        ("{severity: info}", "`policy` is missing"),
        ("{policy: one, severity: bad}", "info, warning, critical"),
        ("{policy: one, options: {warn_abov: 1}}", "did you mean warn_above?"),
        ("{policy: one, options: {warn_above: 10}}", "critical_above is below"),
        ("{policy: one, select: {names: [a]}}", "does not look at `names`"),
        ("{policy: one, summary: x}", "unknown key `summary`"),
    ],
)
def test_a_mistake_in_an_override_stands_at_the_override(write, override, told):
    (problem,) = mistakes(write(f"{GOOD}overrides:\n  - {override}\n"))

    assert problem.line == 4
    assert told in problem.render()


def test_a_policy_can_be_switched_off_and_on(write):
    off = write(GOOD.replace("summary", "enabled: false, summary"), "off.yaml")
    on = write("overrides:\n  - {policy: one, enabled: true}\n", "on.yaml")

    assert load(off).policies == ()
    assert only(load(off).disabled).terms.id == "one"
    assert only(load(off, on).policies).terms.id == "one"


def exempt(expires):
    return (
        f"{GOOD}exemptions:\n"
        f"  - {{policy: one, service: shop, owner: team, reason: why, expires: {expires}}}\n"
    )


@pytest.mark.parametrize(
    ("expires", "applied"), [("2030-06-15", True), ("2030-06-14", False), ("9999-12-31", True)]
)
def test_an_exemption_holds_to_the_end_of_its_day_and_then_warns(write, expires, applied):
    loaded = load(write(exempt(expires)))

    assert len(loaded.exemptions) == applied
    assert len(loaded.warnings) == (not applied)
    if applied:
        item = loaded.exemptions[0]
        assert (item.policy, item.service, item.subject) == ("one", "shop", "*")
        assert (item.owner, item.reason) == ("team", "why")
        assert item.expires > NOW
    else:
        assert "expired" in loaded.warnings[0].message
        assert "team" in loaded.warnings[0].advice


@pytest.mark.parametrize("key", ["policy", "service", "owner", "reason", "expires"])
def test_an_exemption_must_say_for_whom_by_whom_why_and_until_when(write, key):
    entry = {"policy": "one", "service": "a", "owner": "b", "reason": "c", "expires": "2031-01-01"}
    del entry[key]
    said = ", ".join(f"{name}: {value}" for name, value in entry.items())

    (problem,) = mistakes(write(f"{GOOD}exemptions:\n  - {{{said}}}\n"))

    assert problem.line == 4
    assert f"`{key}` is missing" in problem.message


def test_a_day_that_is_none_is_told(write):
    assert "YYYY-MM-DD" in mistakes(write(exempt("soon")))[0].render()
    assert "none" in mistakes(write(exempt("2030-02-31")))[0].message


def test_a_directory_gives_its_packs_in_order_and_not_their_tests(write, tmp_path):
    write(GOOD.replace("one", "b"), "b.yaml")
    write(GOOD.replace("one", "a"), "a.yml")
    write("- {name: x}\n", "a.test.yaml")
    write("{}", "schema.json")

    assert [one.terms.id for one in load(tmp_path).policies] == ["a", "b"]


def test_a_file_that_is_named_twice_is_loaded_once(write, tmp_path):
    file = write(GOOD)

    assert len(load(tmp_path, file, file).policies) == 1


def test_a_directory_without_packs_and_a_path_that_is_not_there_are_mistakes(tmp_path):
    empty, absent = mistakes(tmp_path, tmp_path / "absent.yaml")

    assert "no *.yaml" in empty.message
    assert "no such file" in absent.message


def test_a_broken_file_does_not_hide_the_mistakes_of_another(write):
    broken = write("policies: [\n", "a.yaml")
    wrong = write(GOOD.replace("count_things", "cuont"), "b.yaml")

    assert {one.path for one in mistakes(broken, wrong)} == {str(broken), str(wrong)}


def test_fresh_policies_share_nothing_that_they_have_seen(write):
    loaded = load(write(GOOD))
    one, other = only(loaded.fresh()), only(loaded.fresh())

    assert one is not other
    assert (one.terms, one.options) == (other.terms, other.options)


def test_the_shipped_packs_load_without_warnings():
    loaded = policyfile.load([policyfile.packs_directory()])

    assert loaded.policies
    assert loaded.warnings == ()


def test_an_override_changes_what_is_found(write):
    base = write("policies:\n  - {id: labels, kind: label_forbidden, summary: s, remedy: r}\n")
    mine = write("overrides:\n  - {policy: labels, severity: info}\n", "mine.yaml")
    telemetry = [{"service": "shop", "metrics": [{"name": "m", "labels": {"user.id": "1"}}]}]

    found = testing.run(policyfile.load([base, mine]).policies, telemetry)

    expected = [{"policy": "labels", "severity": "info", "subject": "m{user.id}"}]
    assert testing.compare(found, expected) == []


SECRETS = """
policies:
  - {id: secrets, kind: sensitive_value, summary: s, remedy: r}
  - {id: logs, kind: log_correlation, summary: s, remedy: r}
exemptions:
  - policy: %s
    service: "*"
    owner: team
    reason: known test account
    expires: 2031-01-01
    %s
"""


@pytest.mark.parametrize(
    ("asked", "evidence"),
    [
        ("key: session.*", {"key": "session.*"}),
        ("detector: jwt", {"detector": "jwt"}),
        ("member: deploy.token", {"member": "deploy.token"}),
        ('fingerprint: "00112233aabbccdd"', {"fingerprint": "00112233aabbccdd"}),
    ],
)
def test_an_exemption_of_secrets_can_ask_for_a_part_of_them(write, asked, evidence):
    loaded = policyfile.load([write(SECRETS % ("secrets", asked))], now=NOW)

    assert dict(only(loaded.exemptions).evidence) == evidence


@pytest.mark.parametrize(
    ("policy", "asked", "told"),
    [
        ("logs", "key: session.*", "violations of `logs` have no key"),
        ("secrets", "fingerprint: e8d7", "fingerprint"),
        ("secrets", "fingerprint: 0011223344556677889900", "fingerprint"),
    ],
)
def test_an_exemption_that_asks_for_what_is_not_there_is_a_mistake(write, policy, asked, told):
    with pytest.raises(ProblemsError) as raised:
        policyfile.load([write(SECRETS % (policy, asked))], now=NOW)

    assert told in raised.value.problems[0].render()
    assert raised.value.problems[0].line == 11


def test_an_exemption_by_fingerprint_is_refused_where_fingerprints_change_at_each_start(write):
    file = write(SECRETS % ("secrets", 'fingerprint: "00112233aabbccdd"'))

    with pytest.raises(ProblemsError) as raised:
        policyfile.load([file], now=NOW, lasting_fingerprints=False)

    (problem,) = raised.value.problems
    assert problem.line == 11
    assert "secrets.fingerprint_key_file" in problem.render()
