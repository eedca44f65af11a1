"""Runbooks: every name, expression and block in them holds for the project as it is."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import alert_files as files
import click
import promql
import pytest
import yaml
from alert_files import ALERT_RULES, RUNBOOKS, blocks

from collector import packtest, testing
from collector.cli import group
from collector.config import Config
from collector.evaluate.exempt import Exemptions
from collector.evaluate.registry import known
from collector.policyfile import load, packs_directory
from collector.violation import Service

OF_A_POLICY = ["Policy", "Impact", "Confirm", "Mend", "Exempt", "Tune", "Numbers"]
OF_ITS_OWN = ["Metric", "Impact", "Confirm", "Mend", "Tune", "Numbers"]
#: The day on which exemptions in runbooks are read; their end must lie ahead of it.
TODAY = datetime(2026, 11, 1, tzinfo=UTC).timestamp()

one_runbook = pytest.mark.parametrize("name", RUNBOOKS)


def of(language, *keys):
    """Blocks of a language, as test cases; of YAML only those with one of the keys."""
    found = [one for one in blocks(language) if not keys or keys_of(one) & set(keys)]
    return pytest.mark.parametrize("block", found, ids=[one.runbook for one in found])


def keys_of(block):
    return set(yaml.safe_load(block.text))


@pytest.fixture(scope="module")
def shipped():
    return load([packs_directory()])


@pytest.fixture(scope="module")
def reported(shipped):
    """What the shipped policies report of the telemetry beside them."""
    found = []
    for file in packs_directory().glob("*.test.yaml"):
        for case in filter(lambda one: one.expect, packtest.cases(file)):
            sent = [one.model_dump(mode="json", exclude_unset=True) for one in case.telemetry]
            found += testing.run(shipped.fresh(), sent, case.until)
    return found


def test_every_runbook_belongs_to_an_alert():
    assert set(RUNBOOKS) == {rule["alert"] for rule in ALERT_RULES}


@one_runbook
def test_a_runbook_has_its_sections_in_order(name):
    assert RUNBOOKS[name].read_text().startswith(f"# {name}\n\n")
    assert files.sections(name) in (OF_A_POLICY, OF_ITS_OWN)


@one_runbook
def test_a_runbook_names_a_policy_and_its_kind_or_a_metric_that_exist(name, shipped):
    text = RUNBOOKS[name].read_text()
    if "## Policy" in text:
        policy, kind = re.search(r"## Policy\n\n`(.+?)`, of the kind `(.+?)`", text).groups()
        kinds = {one.terms.id: one.terms.kind for one in shipped.policies}
        assert kinds[policy] == kind
        assert f"telemetry-auditor policies explain {policy}" in text
    else:
        section = text.partition("## Metric")[2].partition("##")[0]
        metrics = [promql.used(one) for one in re.findall(r"`([^`]+)`", section)]
        assert metrics
        assert set().union(*(one.metrics for one in metrics)) <= promql.known_metrics().keys()


@of("promql")
def test_promql_uses_metrics_and_labels_that_exist(block):
    assert promql.unknown(block.text) == []


def test_promql_is_what_prometheus_takes(tool, run, tmp_path):
    rules = [{"record": f"a:b:{i}", "expr": one.text} for i, one in enumerate(blocks("promql"))]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
    run(tool("promtool"), "check", "rules", "--lint=none", file)


@of("yaml", "exemptions", "overrides", "policies")
def test_policy_files_load_beside_the_shipped_packs(block, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(block.text)
    loaded = load([packs_directory(), file], now=TODAY)
    assert loaded.warnings == ()
    assert len(loaded.exemptions) == len(yaml.safe_load(block.text).get("exemptions", ()))


@of("yaml", "exemptions")
def test_an_exemption_excuses_what_its_policy_reports(block, tmp_path, reported):
    file = tmp_path / "mine.yaml"
    file.write_text(block.text)
    for one in load([packs_directory(), file], now=TODAY).exemptions:
        excuses = Exemptions([one])
        service = Service(one.service.replace("*", "a"))
        told = [replace(violation, service=service) for violation in reported]
        assert any(excuses.match(violation, TODAY) for violation in told)


@of("yaml")
def test_every_block_is_a_policy_file_or_a_configuration(block):
    sections = set(Config.model_fields)
    if keys_of(block) & sections:
        Config(**yaml.safe_load(block.text))
    else:
        assert keys_of(block) <= {"exemptions", "overrides", "policies"}


@one_runbook
def test_options_and_commands_in_a_runbook_exist(name, shipped):
    text = RUNBOOKS[name].read_text()
    sections = Config.model_fields.keys() - {"http"}  # `http.route` is an attribute
    for section, key in re.findall(r"`(\w+)\.(\w+)`", text):
        if section in sections:
            assert key in Config.model_fields[section].annotation.model_fields
    explained = re.findall(r"telemetry-auditor policies explain ([\w-]+)", text)
    assert set(explained) <= {one.terms.id for one in shipped.policies} | set(known())


@one_runbook
def test_alerts_named_in_a_runbook_exist(name):
    named = set(re.findall(r"TelemetryAuditor[A-Z]\w+", RUNBOOKS[name].read_text()))
    assert named <= set(RUNBOOKS)


@one_runbook
def test_commands_in_a_runbook_exist(name):
    context = click.Context(group)
    for words in re.findall(r"`telemetry-auditor ([a-z]+(?: [a-z]+)?)", RUNBOOKS[name].read_text()):
        command, *rest = words.split()
        found = group.get_command(context, command)
        assert found is not None, words
        if rest and isinstance(found, click.Group):
            assert found.get_command(context, rest[0]) is not None, words
