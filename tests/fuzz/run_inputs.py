"""`make fuzz-inputs`: feeds odd bytes to what reads them in Python, until time is up.

Atheris (libFuzzer for Python) looks for inputs that reach new code. What is found is made smaller
and kept under ``tests/fuzz/found/TARGET``, where `test_inputs.py` replays it ever after.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inputs.target import Target

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "fuzz-inputs"
FOUND = HERE / "found"
_SMALLER_SECONDS = 60
_SLOW_SECONDS = 20

#: Code that counts as new when it is reached, beside the auditor's own.
_WATCHED = ["collector", "inputs", "yaml", "aiohttp", "google.protobuf.json_format", "email"]


def main() -> None:
    """Run the targets one after the other; exit with 1 where one found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--target", action="append", help="all without it")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(HERE)]
    try:
        import atheris  # noqa: F401, PLC0415 (its absence is told)
    except ImportError as error:
        print(
            f"make fuzz-inputs needs Atheris ({error}), of which some versions of Python have "
            f"wheels on Linux:\n  {sys.executable} -m pip install atheris\n"
            "make test tries changed seeds, and everything that was ever found, without it",
            file=sys.stderr,
        )
        sys.exit(2)
    if arguments.one:
        _feed(arguments.one, arguments.seconds)
    from inputs.table import TARGETS  # noqa: PLC0415 (instrumented in the other process)

    names = arguments.target or list(TARGETS)
    if unknown := set(names).difference(TARGETS):
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    kept = [_run(name, TARGETS[name], arguments.seconds) for name in names]
    for path in filter(None, kept):
        print(f"found: {path}")
    sys.exit(any(kept))


def _run(name: str, target: Target, seconds: int) -> Path | None:
    """Run a target in a process of its own; what it found, if anything."""
    print(f"{name}: {seconds} s", flush=True)
    artifact = BUILD / name / "crash"
    artifact.parent.mkdir(parents=True, exist_ok=True)
    artifact.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--one", name, "--seconds", str(seconds)]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if not artifact.exists():
        if code:
            sys.exit(f"{name} ended with {code}")
        return None
    return _keep(name, target, artifact.read_bytes())


def _feed(name: str, seconds: int) -> None:
    """Feed a target in this process, which ends with it."""
    import atheris  # noqa: PLC0415 (it is there by now)

    with atheris.instrument_imports(include=_WATCHED):
        from inputs.table import TARGETS  # noqa: PLC0415 (so that it is instrumented)
    target, folder = TARGETS[name], BUILD / name
    folders = [folder / "corpus", folder / "seeds", FOUND / name]
    for one in folders:
        one.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (folders[1] / f"{number:04}").write_bytes(seed)
    words = ("".join(f"\\x{byte:02x}" for byte in word) for word in target.words)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in words))
    options = (
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-timeout={_SLOW_SECONDS}",
        "-rss_limit_mb=4096",
        f"-dict={folder / 'words'}",
        "-print_final_stats=1",
        f"-exact_artifact_path={folder / 'crash'}",
    )
    atheris.Setup([__file__, *options, *map(str, folders)], target.run)
    atheris.Fuzz()


def _keep(name: str, target: Target, data: bytes) -> Path:
    """Keep an input, made smaller as long as it fails in the same place."""
    run = target.run
    wanted = _failure(run, data)
    if wanted:
        data = _smaller(data, lambda one: _failure(run, one) == wanted)
    kept = FOUND / name / hashlib.sha256(data).hexdigest()[:16]
    kept.write_bytes(data)
    return kept


def _failure(run: Callable[[bytes], None], data: bytes) -> tuple[str, int] | None:
    """Which exception an input raises, and in which line; None when it raises none."""
    try:
        run(data)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what was found)
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        return type(error).__name__, last.tb_lineno if last else 0
    return None


def _smaller(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """An input without whatever it fails without."""
    until = time.monotonic() + _SMALLER_SECONDS
    piece = max(1, len(data) // 2)
    while piece and time.monotonic() < until:
        at = 0
        while at < len(data) and time.monotonic() < until:
            shorter = data[:at] + data[at + piece :]
            if fails(shorter):
                data = shorter
            else:
                at += piece
        piece //= 2
    return data


if __name__ == "__main__":
    main()
