"""``make bench-guard``: instructions of the compiled decoder for a fixed corpus.

Counted by valgrind, so that no noise of the machine shows: the same build counts the same. What
is counted is the scanner alone, function by function; Python and the libraries around it differ
from version to version. A build that needs more than the recorded numbers and a margin fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RECORDED = HERE / "guard.json"
MARGIN = 0.03

FEW, MANY = 20, 60
_MODULE = re.compile(r"collector/decode/native/(\w+)\.")


def counted(requests: int, folder: Path) -> Counter[str]:
    """Instructions by module of the compiled decoder.

    Args:
        requests: of each signal.
        folder: for valgrind's output.
    """
    out = folder / f"callgrind.{requests}"
    command = [
        *("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"),
        *("--compress-strings=no", "--compress-pos=no"),
        *(sys.executable, str(HERE / "guarded.py"), str(requests)),
    ]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": "0"})
    return _by_module(out)


def _by_module(path: Path) -> Counter[str]:
    """Own instructions by the object file in which they were executed."""
    found: Counter[str] = Counter()
    module = ""
    called = False
    with path.open() as lines:
        for line in lines:
            if line.startswith("ob="):
                name = _MODULE.search(line)
                module = name[1] if name else ""
            elif line.startswith("calls="):
                called = True
            elif module and line[0].isdigit():
                if not called:  # else what was called, which is counted where it is
                    found[module] += int(line.split()[1])
                called = False
            elif line[0].isdigit():
                called = False
    return found


def main() -> int:
    """See the module; 0 is fine, 1 is slower, 2 could not be counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="take the present numbers for good")
    given = parser.parse_args()
    console = Console()
    if shutil.which("valgrind") is None:
        console.print("valgrind is not installed: apt-get install valgrind")
        return 2
    with console.status("counting instructions"), tempfile.TemporaryDirectory() as folder:
        few, many = (counted(requests, Path(folder)) for requests in (FEW, MANY))
    present = {module: (many[module] - few[module]) // (MANY - FEW) for module in sorted(many)}
    if given.record:
        RECORDED.write_text(json.dumps(present, indent=2) + "\n")
    recorded = json.loads(RECORDED.read_text())
    slower = sum(present.values()) > sum(recorded.values()) * (1 + MARGIN)
    console.print(_table(present, recorded))
    if slower:
        console.print("more instructions than recorded: see where, or record with --record")
    return int(slower)


def _table(present: dict[str, int], recorded: dict[str, int]) -> Table:
    table = Table(title="Instructions for a request of each signal", title_justify="left")
    for name in ("module", "now", "recorded", "change"):
        table.add_column(name, justify="left" if name == "module" else "right")
    rows = [(name, present.get(name, 0), recorded.get(name, 0)) for name in sorted(present)]
    rows.append(("all", sum(present.values()), sum(recorded.values())))
    for name, now, before in rows:
        change = f"{(now / before - 1) * 100:+.1f} %" if before else "new"
        table.add_row(name, f"{now:,}", f"{before:,}", change)
    return table


if __name__ == "__main__":
    sys.exit(main())
