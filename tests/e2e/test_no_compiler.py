"""Without a C compiler the package installs, says so once, and finds the same."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "collector.cli")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the package was installed while no compiler could be run."""
    folder = tmp_path_factory.mktemp("no-compiler")
    source, target = folder / "source", folder / "installed"
    left_out = shutil.ignore_patterns(
        "*.so", "build", ".venv", ".tools", ".git", "*.egg-info", ".*_cache"
    )
    shutil.copytree(PROJECT, source, ignore=left_out)
    options = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *options, str(target), str(source)],
        env=os.environ | {"CC": "false", "CXX": "false"},
        check=True,
        timeout=300,
    )
    return target


def run(installed, *arguments):
    return subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ | {"PYTHONPATH": str(installed)},
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.timeout(300)
def test_the_version_names_the_reference_decoder(installed):
    assert not list(installed.rglob("*.so"))
    answer = run(installed, "version")

    assert answer.returncode == 0
    assert "decoder: reference" in answer.stdout


@pytest.mark.timeout(300)
def test_the_packs_find_what_their_tests_expect(installed):
    answer = run(installed, "policies", "test")

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.timeout(300)
def test_the_log_says_once_that_it_is_slower(installed):
    addresses = [f"--{one}=127.0.0.1:0" for one in ("grpc", "http", "admin")]
    process = subprocess.Popen(
        [*COMMAND, "run", *addresses],
        env=os.environ | {"PYTHONPATH": str(installed)},
        cwd=installed,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = []
    for line in process.stderr:
        said.append(line)
        if "ready:" in line:
            break
    process.send_signal(signal.SIGTERM)
    said += process.communicate(timeout=30)[1].splitlines()

    assert process.returncode == 0
    assert sum("the compiled decoder is not built" in line for line in said) == 1
