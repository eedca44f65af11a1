"""What the tests of `deploy/` share: the tools, and how a missing one is treated; the chart."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import tools
from chart import CHART, GOLDEN, HERE, NOTES
from manifests import VERSIONS


@pytest.fixture(scope="session")
def tool():
    """Where a tool is; without it the test is skipped, and fails where CI=true."""

    def find(name: str) -> str:
        found = tools.find(name)
        if found is None:
            text = f"{name} is missing, see: make tools"
            if os.environ.get("CI") == "true":
                pytest.fail(text)
            pytest.skip(text)
        return str(found)

    return find


@pytest.fixture(scope="session")
def run():
    """Runs a command to its end; a failure shows what it said."""

    def call(*command, code=0, **options):
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=100,
            **options,
        )
        assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    return call


@pytest.fixture(scope="session")
def kustomize(tool, run):
    """The rendered text of a Kustomize folder."""
    found = tool("kustomize")
    words = ("kustomize",) if Path(found).name == "kubectl" else ("build",)
    return lambda folder: run(found, *words, folder)


@pytest.fixture(scope="session")
def deploy() -> Path:
    return tools.ROOT / "deploy"


@pytest.fixture(scope="session")
def chart(tmp_path_factory):
    """The chart with stand-ins for what is copied into it."""
    made = tmp_path_factory.mktemp("chart") / "telemetry-auditor"
    shutil.copytree(CHART, made, ignore=shutil.ignore_patterns("files"))
    shutil.copytree(GOLDEN / "files", made / "files")
    (made / "templates" / "shown.yaml").write_text(NOTES)
    return made


@pytest.fixture(scope="session")
def helm(tool, run, chart):
    """Renders the chart with a case of `ci/`, or with values given as YAML."""

    @functools.cache
    def call(case="default", values="", *, version=VERSIONS[0], release="rel", code=0, of=chart):
        files = ("--values", CHART / "ci" / f"{case}-values.yaml", "--values", "-")
        where = ("--namespace", "observability", "--kube-version", version)
        text = run(
            *(tool("helm"), "template", release, of, *where, *files),
            code=code,
            input=values or "{}",
        )
        # Helm 4 leaves an empty line between two manifests.
        return text.rstrip().replace("\n\n---\n", "\n---\n") + "\n"

    return call


@pytest.fixture(scope="session")
def render_py():
    spec = importlib.util.spec_from_file_location("render", HERE.parents[1] / "deploy/render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
