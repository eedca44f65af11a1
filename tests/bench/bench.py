"""``make bench``: one command, one table for each question, ratios inside one run.

What the figures mean, and what they were, stands in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import endtoend
import inprocess
import servers
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from collector.app import settle_memory

REQUESTS = 1200

IN_PROCESS: tuple[tuple[str, Callable[..., list[inprocess.Row]], inprocess.Row], ...] = (
    ("Spans, at most 1 % of traces marked", inprocess.marks, inprocess.HEAD),
    ("Spans, with secrets and 10 % of calls sent again", inprocess.spans, inprocess.HEAD),
    ("Policies", inprocess.policies, ("", "ns a span", "± %", "against the default packs")),
    ("Other requests", inprocess.others, inprocess.HEAD),
    ("Hostile senders", inprocess.hostile_input, inprocess.HEAD),
)


def _table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all telemetry")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of requests")
    parser.add_argument("--only", help="in-process, or end-to-end")
    parser.add_argument("--collector", default="", help="path of an OpenTelemetry Collector")
    parser.add_argument("--weaver", default="", help="path of weaver; needs --weaver-registry")
    parser.add_argument("--weaver-registry", default="", help="folder of a weaver registry")
    return parser.parse_args()


def main() -> None:
    """See the module."""
    given = _arguments()
    console = Console(width=int(os.environ.get("COLUMNS", "110")))
    settle_memory()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        if given.only != "end-to-end":
            for title, measure, head in IN_PROCESS:
                task = progress.add_task(title, total=None)
                rows = measure(given.seed, given.scale, partial(progress.advance, task))
                progress.remove_task(task)
                console.print(_table(title, head, rows))
        if given.only != "in-process":
            console.print(_end_to_end(given, progress))


def _end_to_end(given: argparse.Namespace, progress: Progress) -> Table:
    title = "End to end: CPU time of the server, which has one core"
    with tempfile.TemporaryDirectory() as folder:
        start = [servers.auditor]
        if agent := servers.rotel_agent():
            start.append(partial(servers.rotel, agent))
        if binary := servers.installed("otelcol", given.collector):
            start.append(partial(servers.collector, binary, Path(folder)))
        if given.weaver and given.weaver_registry:
            start.append(partial(servers.weaver, given.weaver, given.weaver_registry))
        task = progress.add_task(title, total=3 * len(start) + 1)
        rows = endtoend.table(
            start, int(REQUESTS * given.scale), given.seed, partial(progress.advance, task)
        )
        progress.remove_task(task)
    return _table(title, endtoend.HEAD, rows)


if __name__ == "__main__":
    main()
