"""What the fuzzer of inputs found, and a short run of changed seeds; neither needs Atheris."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from inputs.change import Changer
from inputs.table import TARGETS

FOUND = Path(__file__).parent / "found"
KEPT = sorted(
    (name, path) for name in TARGETS for path in (FOUND / name).glob("*") if path.suffix != ".md"
)
#: About two seconds of each.
RUNS = {
    "baggage": 500,
    "compression": 15_000,
    "grpc-compression": 100,
    "hop-answers": 4_000,
    "http": 300,
    "otlp-json": 4_000,
    "policy-files": 300,
    "urls": 500,
}


@pytest.mark.parametrize(("name", "path"), KEPT, ids=[f"{name}-{path.name}" for name, path in KEPT])
def test_what_was_found_stays_mended(name, path):
    TARGETS[name].run(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_any_bytes_are_inputs(name):
    for data in (*TARGETS[name].seeds(), b"", b"\0", b"\xff" * 40, bytes(range(256))):
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_break_no_promise(name):
    target = TARGETS[name]
    changer = Changer(list(target.seeds()), target.words, seed=1)
    for _ in range(RUNS[name]):
        data = changer.next(target.longest)
        try:
            target.run(data)
        except Exception as error:
            error.add_note(f"input: {data!r}")
            raise


def test_the_same_seed_changes_the_same():
    seeds, words = (b"one", b"another"), (b"word",)
    first, second = (Changer(seeds, words, seed=7) for _ in range(2))

    made = [first.next(10) for _ in range(200)]
    assert made == [second.next(10) for _ in range(200)]
    assert len(set(made)) > 100
    assert max(map(len, made)) == 10


def test_connections_keep_their_promises_where_aiohttp_is_not_compiled_either():
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from inputs.table import TARGETS\n"
        "for path in sys.argv[2:]: TARGETS['http'].run(Path(path).read_bytes())"
    )
    kept = [str(path) for name, path in KEPT if name == "http"]
    run = [sys.executable, "-c", code, str(Path(__file__).parent), *kept]

    done = subprocess.run(
        run,
        env=os.environ | {"AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_without_atheris_it_is_said_what_to_do(tmp_path):
    (tmp_path / "atheris.py").write_text("raise ImportError('not for this Python')")
    run = [sys.executable, str(Path(__file__).parent / "run_inputs.py"), "--seconds", "1"]

    done = subprocess.run(
        run,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "not for this Python" in done.stderr
    assert "pip install atheris" in done.stderr


def test_every_target_has_a_folder_of_its_own_among_what_was_found():
    folders = {path.name for path in FOUND.iterdir() if path.is_dir()}
    assert folders <= set(TARGETS)
    assert set(RUNS) == set(TARGETS)
