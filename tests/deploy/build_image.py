"""Runs the steps of `deploy/Dockerfile` without a container engine, in an empty folder.

Usage: build_image.py

Absolute paths of the image lead into the folder. The step that installs a compiler is left out:
the machine must have one. The result is started as the image would start it: from an empty
environment, and ended by SIGTERM.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from test_image import instructions
from tools import ROOT

_PATHS = re.compile(r"(?<![\w/.])/(src|opt)\b")
_READY = "ready:"


def build(root: Path) -> None:
    """Run the steps of the first stage; raises where one fails."""
    (root / "opt").mkdir()
    # Stands for the Python of the base image.
    subprocess.run([sys.executable, "-m", "venv", root / "python"], check=True)
    stages = 0
    for word, rest in instructions():
        stages += word == "FROM"
        if stages > 1:
            return
        if word == "WORKDIR":
            (root / rest.lstrip("/")).mkdir(parents=True)
        elif word == "COPY":
            _copy(root, rest.split())
        elif word == "RUN" and not rest.startswith("apt-get"):
            _step(root, rest)


def _copy(root: Path, words: list[str]) -> None:
    *sources, target = words
    for source in sources:
        here = ROOT / source
        there = root / target.lstrip("/")
        if here.is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "*.so", "*.c")
            shutil.copytree(here, there, ignore=skipped)
        else:
            shutil.copy(here, there)


def _step(root: Path, command: str) -> None:
    here = _PATHS.sub(rf"{root}/\1", command)
    print(f"$ {re.sub(' +', ' ', command)}", flush=True)
    path = f"{root}/python/bin:/usr/bin:/bin"
    subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", here],
        check=True,
        cwd=root / "src",
        env={"PATH": path, "HOME": str(root)},
    )


def start(root: Path) -> int:
    """Start what was built as the image does, and end it as Kubernetes does.

    Returns:
        Its exit status.
    """
    command = root / "opt/telemetry-auditor/bin/telemetry-auditor"
    ports = [word for one in ("grpc", "http", "admin") for word in (f"--{one}", "127.0.0.1:0")]
    with subprocess.Popen(
        [command, "run", *ports],
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = []
        for line in process.stderr or ():
            said.append(line)
            if _READY in line:
                process.send_signal(signal.SIGTERM)
        if not any(_READY in line for line in said):
            print("".join(said), file=sys.stderr)
            return 1
    return process.returncode


def main() -> int:
    """The command."""
    with tempfile.TemporaryDirectory(prefix="telemetry-auditor-image-") as folder:
        root = Path(folder)
        try:
            build(root)
        except subprocess.CalledProcessError as error:
            print(f"a step failed with status {error.returncode}", file=sys.stderr)
            return 1
        code = start(root)
        size = sum(one.stat().st_size for one in (root / "opt").rglob("*") if one.is_file())
    print(f"built, started and ended with status {code}; {size / 2**20:.0f} MiB beside Python")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
