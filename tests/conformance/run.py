"""Try an OTLP server row by row, and print the table.

run.py                           this project's own auditor, started for it
run.py HTTP_ADDRESS,GRPC_ADDRESS [--limit BYTES] [--token TOKEN]   a server that runs already
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance import servers
from conformance.rows import Level, Target
from conformance.table import TABLE, run

_STYLES = {"met": "green", "broken": "red", "not tried": "dim"}


@contextmanager
def _target(options: argparse.Namespace) -> Iterator[Target]:
    if options.target:
        http, _, grpc = options.target.partition(",")
        yield Target(http, grpc or http, options.limit, options.token)
        return
    with tempfile.TemporaryDirectory() as folder, servers.own(Path(folder)) as target:
        yield target


def main() -> int:
    """Print the table; 1 when a row is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", default="", help="HTTP_ADDRESS,GRPC_ADDRESS")
    parser.add_argument("--limit", type=int, help="bytes of the largest request that it takes")
    parser.add_argument("--token", help="bearer token that it asks for")
    options = parser.parse_args()
    console = Console()
    table = Table("row", "level", "promise", "result", "seen", title="OTLP server conformance")
    counts = dict.fromkeys(_STYLES, 0)
    broken = 0
    with _target(options) as target:
        for one in track(TABLE, "trying", console=console, transient=True):
            result, seen = run(one, target)
            counts[result] += 1
            broken += result == "broken" and one.level in (Level.MUST, Level.SHOULD)
            style = _STYLES[result]
            table.add_row(one.number, one.level, one.promise, f"[{style}]{result}[/]", seen)
    console.print(table)
    console.print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
