"""What the tests of `deploy/` share: the tools, and how a missing one is treated."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import tools


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
