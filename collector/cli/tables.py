"""Tables for the terminal: colour only where there is one, nothing cut off where there is not."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.report.collapse import Finding
from collector.report.printable import one_line
from collector.violation import Severity

STYLES = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_WIDE = 200


def findings_table(findings: Sequence[Finding]) -> Table:
    """Findings, the worst first.

    Args:
        findings: as folded.
    """
    table = Table(show_lines=False, pad_edge=False)
    for name, overflow in (("service", "fold"), ("policy", "fold"), ("severity", "ellipsis")):
        table.add_column(name, overflow=overflow)  # type: ignore[arg-type]
    table.add_column("count", justify="right")
    table.add_column("what", overflow="fold", ratio=3)
    table.add_column("what to do", overflow="fold", ratio=3)
    for one in sorted(findings, key=lambda f: (-f.severity, f.service, f.policy, f.subject)):
        table.add_row(
            Text(one_line(one.service.name)),
            Text(one.policy),
            Text(one.severity.label, STYLES[one.severity]),
            str(one.count),
            Text(one_line(one.summary)),
            Text(one.remedy),
        )
    return table


def print_table(table: Table) -> None:
    """Show a table on standard output."""
    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width, highlight=False).print(table)
