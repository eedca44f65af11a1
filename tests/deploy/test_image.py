"""The image, as far as it can be judged without a container engine."""

import json
import re
from fnmatch import fnmatch

import pytest
import tools

DOCKERFILE = tools.ROOT / "deploy" / "Dockerfile"
TEXT = DOCKERFILE.read_text()
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def instructions():
    """Each instruction with its argument, continued lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", TEXT))
    for line in filter(str.strip, joined.splitlines()):
        word, _, rest = line.strip().partition(" ")
        yield word, rest.strip()


def pins(name):
    return dict(_PIN.findall((tools.ROOT / name).read_text()))


def final_stage():
    found = list(instructions())
    last = max(i for i, (word, _) in enumerate(found) if word == "FROM")
    return found[last:]


def test_hadolint_has_nothing_to_say(tool, run):
    assert run(tool("hadolint"), DOCKERFILE) == ""


def test_what_is_copied_is_there_and_is_let_into_the_context():
    lines = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    copied = [
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]

    assert copied
    assert [one for one in copied if not (tools.ROOT / one).exists()] == []
    assert [one for one in copied if not any(fnmatch(one, a) for a in let_in)] == []
    assert [one for one in let_in if one not in copied] == []


def test_the_process_is_started_without_a_shell_and_without_rights():
    stage = dict(final_stage())

    assert json.loads(stage["ENTRYPOINT"]) == ["telemetry-auditor"]
    assert json.loads(stage["CMD"]) == ["run"]
    user, group = stage["USER"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert "RUN" not in stage
    assert "SHELL" not in stage


def test_the_image_says_what_it_is():
    labels = dict(final_stage())["LABEL"]
    for name in ("title", "description", "licenses", "version", "revision", "created"):
        assert f"org.opencontainers.image.{name}=" in labels


@pytest.mark.parametrize("lock", ["deploy/requirements.lock", ".ci/build.lock"])
def test_the_image_is_made_of_what_was_tested(lock):
    tested = pins(".ci/requirements.lock")

    assert pins(lock).items() <= tested.items()


def test_the_image_holds_what_the_project_depends_on_and_no_more():
    held = pins("deploy/requirements.lock")

    assert {"grpcio", "hyperscan", "opentelemetry-sdk", "prometheus-client", "pyyaml"} <= set(held)
    assert not {"pytest", "mypy", "cython", "setuptools"} & set(held)
