"""``make faults``: break what can break, and print the ledger of each."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.servers import Servers
from faults import (  # noqa: F401 (each adds its own)
    bodies,
    churn,
    clocks,
    connections,
    inside,
    lifecycle,
    next_hop,
    restarts,
)
from faults.scene import MIB, Entry, Scene, Unbalanced, Untried
from faults.table import FAULTS, Fault

_WIDTH = 140  # of a table in a file


def attempt(fault: Fault, folder: Path, scale: float) -> tuple[Entry, Scene]:
    """Try a fault, and balance the books.

    Raises:
        Unbalanced: if they do not balance, or the auditor does not live on.
    """
    servers = Servers(folder)
    try:
        scene = Scene(servers, fault.config, scale=scale, env=fault.env(servers.folder()))
        fault.try_it(scene)
        entry = scene.settle(fault.grown_mib)
        if "forward" not in fault.config and "max_memory_bytes" not in str(fault.config):
            scene.lives()
        scene.end()
        return entry, scene
    finally:
        servers.close()


def main() -> int:
    """Print the table; 1 when a book does not balance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each, from 0 to 1")
    parser.add_argument("--only", default="", help="faults whose name holds this")
    options = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    names = ("received", "inspected", "refused", "uninspected", "items", "grown MiB")
    table = Table("fault", "result", *names, title="Faults and their ledgers")
    broken = 0
    chosen = [one for one in FAULTS if options.only in one.name]
    for fault in track(chosen, "breaking", console=console, transient=True):
        with tempfile.TemporaryDirectory() as folder:
            try:
                entry, scene = attempt(fault, Path(folder), options.scale)
            except Untried as why:
                table.add_row(fault.name, f"[yellow]not tried: {why}[/]")
                continue
            except Unbalanced as error:
                broken += 1
                table.add_row(fault.name, f"[red]{error}[/]")
                continue
        grown = (scene.peak - scene.before) // MIB
        numbers = (entry.received, entry.inspected, entry.refused, entry.uninspected, entry.items)
        table.add_row(fault.name, "[green]balanced[/]", *map(str, numbers), str(grown))
    console.print(table)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
