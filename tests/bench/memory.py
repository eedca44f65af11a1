"""``make bench-memory``: resident memory of the program, idle and after very many spans.

Every span is new, a sixth of its strings too, and there are 100 thousand services. The last
column is what an open span costs: memory while the table of traces is full, less that before.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import servers
from corpus import FULL, Corpus
from load import over_http
from rich.console import Console
from rich.table import Table

STEPS = 10
SERVICES = 100_000
OPEN = 1_000_000


def send(server: servers.Server, corpus: Corpus, requests: int) -> None:
    """Send requests one after another."""
    over_http(server.http, "")(_made(corpus, requests))


def _made(corpus: Corpus, requests: int) -> Iterator[bytes]:
    """Requests, of which the next is made while one is answered."""
    with ThreadPoolExecutor(1) as maker:
        made = maker.submit(corpus.traces)
        for _ in range(requests):
            body = made.result()
            made = maker.submit(corpus.traces)
            yield body


def growth(spans: int, seed: int, table: Table) -> None:
    """Memory with the default configuration."""
    corpus = Corpus(seed, services=SERVICES)
    with servers.auditor({}) as server:
        time.sleep(1)  # what start-up leaves behind is given back
        table.add_row("idle", "0", f"{server.rss():.0f}", f"{server.peak_rss()}")
        for step in range(1, STEPS + 1):
            send(server, corpus, spans // FULL // STEPS)
            table.add_row(
                "100,000 services, all values new",
                f"{spans * step / STEPS / 1e6:.1f}",
                f"{server.rss():.0f}",
                f"{server.peak_rss()}",
            )


def open_span(seed: int) -> float:
    """Bytes of an open span."""
    corpus = Corpus(seed)
    environment = {
        "TELEMETRY_AUDITOR_TRACES_MAX_SPANS": str(OPEN + OPEN // 4),
        "TELEMETRY_AUDITOR_TRACES_WAIT_SECONDS": "3600",
    }
    with servers.auditor(environment) as server:
        send(server, corpus, OPEN // 4 // FULL)  # values, shapes and profiles are known by then
        before = server.rss()
        send(server, corpus, OPEN // 2 // FULL)
        return (server.rss() - before) * 1024 * 1024 / (OPEN // 2 // FULL * FULL)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=float, default=50e6)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    console = Console()
    table = Table(title="Resident memory, MiB", title_justify="left")
    for name in ("", "million spans", "now", "peak"):
        table.add_column(name, justify="right" if name else "left")
    with console.status("sending"):
        bytes_each = open_span(given.seed)
        growth(int(given.spans), given.seed, table)
    console.print(table)
    console.print(f"an open span: {bytes_each:.0f} bytes")


if __name__ == "__main__":
    main()
