"""What of `deploy/` is generated: written once, then clean, and named where it is stale."""

import shutil

import pytest
import yaml
from chart import CHART, GOLDEN
from manifests import named, problems


@pytest.fixture
def tree(tmp_path):
    """A folder like deploy/, with stand-ins for its sources."""
    shutil.copytree(CHART, tmp_path / "helm/telemetry-auditor")
    shutil.copytree(GOLDEN / "files/rules", tmp_path / "alerts/rules")
    shutil.copytree(GOLDEN / "files/dashboards", tmp_path / "grafana/dashboards")
    return tmp_path


def test_what_is_rendered_is_written_once_and_then_clean(render_py, tree, tool, capsys):
    assert render_py.main(["--check"], tree) == 1
    assert render_py.main([], tree) == 0
    assert render_py.main(["--check"], tree) == 0
    capsys.readouterr()
    assert render_py.main([], tree) == 0
    assert capsys.readouterr().out == ""

    text = (tree / "kubernetes/monitoring/prometheusrule.yaml").read_text()
    files = (GOLDEN / "files" / "rules").glob("*.yaml")
    groups = [one for file in sorted(files) for one in yaml.safe_load(file.read_text())["groups"]]
    assert named(text, "PrometheusRule")["spec"]["groups"] == groups
    assert problems(text, "none is needed", tool("crds"), tree) == []


#: What goes wrong in the tree, and the file that is named for it.
STALE = {
    "alerts/rules/alerts.yaml": "files/rules/alerts.yaml",
    "helm/telemetry-auditor/files/dashboards/gone.json": "files/dashboards/gone.json",
    "helm/telemetry-auditor/values.yaml": "README.md",
}


@pytest.mark.parametrize("file", STALE)
def test_what_is_stale_is_named_and_mended(file, render_py, tree, capsys):
    render_py.main([], tree)
    with (tree / file).open("a") as text:
        text.write("\n# -- Something new.\nnew: 1\n")
    assert render_py.main(["--check"], tree) == 1
    assert STALE[file] in capsys.readouterr().out
    assert render_py.main([], tree) == 0
    assert render_py.main(["--check"], tree) == 0


def test_a_schema_that_has_drifted_from_the_program_is_stale(render_py, tree, capsys):
    render_py.main([], tree)
    file = tree / "helm/telemetry-auditor/values.schema.json"
    file.write_text(file.read_text().replace('"wait_seconds"', '"patience"'))
    assert render_py.main(["--check"], tree) == 1
    assert "stale: helm/telemetry-auditor/values.schema.json" in capsys.readouterr().out


#: What is broken in the tree, and the sentence.
BROKEN = {
    "no rules": (lambda tree: shutil.rmtree(tree / "alerts"), "alerts/rules is not there, or"),
    "no dashboards": (lambda tree: shutil.rmtree(tree / "grafana"), "dashboards is not there, or"),
    "no YAML": (lambda tree: (tree / "alerts/rules/alerts.yaml").write_text("a: ["), "alerts.yaml"),
    "no groups": (lambda tree: (tree / "alerts/rules/a.yaml").write_text("a: 1"), "has no groups"),
    "no JSON": (lambda tree: (tree / "grafana/dashboards/a.json").write_text("{"), "a.json cannot"),
    "no place": (
        lambda tree: (tree / "helm/telemetry-auditor/README.md").write_text(""),
        "for the table",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_missing_or_broken_source_is_an_error_with_a_sentence(case, render_py, tree, capsys):
    damage, sentence = BROKEN[case]
    damage(tree)
    assert render_py.main([], tree) == 2
    assert sentence in capsys.readouterr().err
    assert not (tree / "kubernetes").exists()


def test_what_is_committed_is_what_is_rendered(render_py, deploy, helm, tool, tmp_path):
    if not (deploy / "alerts").exists() or not (deploy / "grafana").exists():
        pytest.skip("without deploy/alerts and deploy/grafana there is nothing to render")
    assert render_py.stale(deploy, render_py.wanted(deploy)) == []
    text = helm("full", "dashboards: {enabled: false}", of=CHART)  # slow to read, checked as JSON
    assert problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []
