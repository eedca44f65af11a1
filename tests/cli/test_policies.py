"""`telemetry-auditor policies`: what it prints, and its exit codes."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from collector.cli import group, main
from collector.decode import best
from collector.policyfile import packs_directory

MISTAKES = """\
pack: shop
policies:
  - id: one
    kind: metric_cardinalty
    summary: s
    remedy: r
  - id: two
    kind: retry_storm
    summary: s
    remedy: r
    options:
      windw_seconds: 5
  - id: three
    kind: retry_limit
    summary: s
    remedy: r
    severity: fatal
  - id: four
    kind: retry_limit
    summary: s
    remedy: r
    options:
      max_attempts: many
"""


def run(*arguments):
    return CliRunner().invoke(group, ["policies", *map(str, arguments)])


def test_the_shipped_packs_are_valid_and_that_is_silent():
    done = run("validate")

    assert (done.exit_code, done.output) == (0, "")
    assert run("validate", packs_directory()).output == ""


def test_four_mistakes_are_named_with_their_lines_and_what_is_allowed(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MISTAKES)

    done = run("validate", file)

    assert done.exit_code == 1
    for line, found, allowed in (
        (4, "metric_cardinalty", "metric_cardinality"),
        (12, "windw_seconds", "window_seconds"),
        (17, "fatal", "critical"),
        (23, "many", "integer"),
    ):
        assert f"{file}:{line}:" in done.output
        assert found in done.output
        assert allowed in done.output
    assert "did you mean metric_cardinality?" in done.output
    assert "4 mistakes" in done.output


def test_a_path_that_cannot_be_read_is_an_error(tmp_path):
    assert run("validate", tmp_path / "absent.yaml").exit_code == 2


def test_overrides_of_shipped_policies_are_checked_beside_them(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("overrides:\n  - {policy: retry-storm, options: {min_originals: 5}}\n")
    assert run("validate", file).exit_code == 0

    file.write_text("overrides:\n  - {policy: retry-strom}\n")
    assert "retry-storm" in run("validate", file).output


def test_the_shipped_packs_pass_their_own_tests():
    done = run("test")

    assert done.exit_code == 0, done.output
    assert " 0 failed" in done.output


def test_a_case_that_fails_is_shown(tmp_path):
    (tmp_path / "p.yaml").write_text(
        "policies:\n  - {id: a, kind: label_forbidden, summary: s, remedy: r}\n"
    )
    (tmp_path / "p.test.yaml").write_text(
        "- {name: wrong, telemetry: [{metrics: [{name: m, labels: {user.id: x}}]}], expect: []}\n"
    )

    done = run("test", tmp_path)

    assert done.exit_code == 1
    assert "not expected" in done.output


def test_a_case_sees_what_its_pack_holds_and_what_it_changes_of_the_shipped(tmp_path):
    (tmp_path / "p.yaml").write_text(
        "policies:\n  - {id: a, kind: label_forbidden, severity: info, summary: s, remedy: r}\n"
        "overrides:\n  - {policy: logs-name-their-trace, enabled: true, severity: info}\n"
        "exemptions:\n"
        "  - {policy: retry-storm, service: x, owner: o, reason: r, expires: 9999-12-31}\n"
    )
    (tmp_path / "p.test.yaml").write_text(
        "- name: both\n"
        "  telemetry:\n"
        "    - {service: shop, metrics: [{name: m, labels: {user.id: x}}], logs: [{body: b}]}\n"
        "  expect: [{policy: a}, {policy: logs-name-their-trace, severity: info}]\n"
    )

    done = run("test", tmp_path)

    assert done.exit_code == 0, done.output


def test_explain_shows_what_a_policy_is_narrowed_to(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("overrides:\n  - {policy: retry-storm, select: {services: [orders]}}\n")

    assert (
        "Only for:\nservices:\n- orders\n"
        in run("explain", "--policies", file, "retry-storm").output
    )
    assert "Only for" not in run("explain", "retry-storm").output


def test_nothing_to_test_is_an_error(tmp_path):
    assert run("test", tmp_path).exit_code == 2


def test_list_shows_every_policy():
    done = run("list")

    assert done.exit_code == 0
    for policy in ("retry-storm", "secret-in-baggage", "operator-actions-name-actor"):
        assert policy in done.output


@pytest.mark.parametrize("name", ["retry-storm", "retry_storm"])
def test_explain_says_what_and_why_and_what_to_do(name):
    done = run("explain", name)

    assert done.exit_code == 0
    assert "What to do" in done.output
    assert "budget" in done.output


def test_explain_suggests_the_nearest_name(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["telemetry-auditor", "policies", "explain", "retry-strom"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "did you mean retry-storm?" in capsys.readouterr().err


def test_schema_is_json():
    assert run("schema").output.startswith("{")


def test_the_real_command_answers():
    done = subprocess.run(
        [sys.executable, "-m", "collector.cli", "version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "telemetry-auditor 0.1.0" in done.stdout
    assert f"decoder: {best.NAME}" in done.stdout


def test_a_warning_is_shown_and_is_no_mistake(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "exemptions:\n"
        "  - {policy: retry-storm, service: a, owner: me, reason: why, expires: 2020-01-01}\n"
    )

    done = run("validate", file)

    assert done.exit_code == 0
    assert "warning: " in done.output
    assert "expired" in done.output


def test_a_mistake_in_a_test_file_ends_with_exit_code_2(tmp_path, monkeypatch, capsys):
    (tmp_path / "p.yaml").write_text("policies: []\n")
    (tmp_path / "p.test.yaml").write_text("- {name: x, telemtry: [], expect: []}\n")
    monkeypatch.setattr(
        sys, "argv", ["telemetry-auditor", "policies", "test", str(tmp_path / "p.yaml")]
    )

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "did you mean telemetry?" in capsys.readouterr().err
