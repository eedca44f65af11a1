"""``make bench-forward``: how much later a request is answered because the auditor passes it on.

A sender keeps a pace of 10 thousand spans a second to the auditor, which passes them on to a next
hop that does nothing, and between each two requests sends the same one to that hop directly.
What is added is the difference of the two, percentile by percentile, after the first seconds, in
which every name is new to the auditor.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

import servers
from corpus import FULL
from rich.console import Console
from rich.progress import track
from rich.table import Table

_HERE = Path(__file__).parent
_RATE = 10_000
#: Seconds that are left out.
_WARM = 5.0
_WAYS = ("grpc", "http")
_PROTOCOLS = {"grpc": "grpc", "http": "http/protobuf"}
#: Spans of a request, and for how many seconds it is sent.
_SIZES = ((FULL, 30.0), (64, 10.0))
_HEAD = (
    "sent over",
    "passed on over",
    "spans",
    "direct p50",
    "p99",
    "through p50",
    "p99",
    "added p99",
)


def _others() -> None:
    """Leave the auditor its core."""
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {servers.CORE} or {servers.CORE})


@contextmanager
def _hop() -> Iterator[dict[str, str]]:
    process = subprocess.Popen(
        [sys.executable, str(_HERE / "nullhop.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_others,  # noqa: PLW1509 (no threads yet)
    )
    try:
        assert process.stdout is not None
        web, rpc = process.stdout.readline().split()
        yield {"http": web, "grpc": rpc}
    finally:
        process.communicate(timeout=30)


def _sent(
    way: str, direct: str, through: str, spans: int, seconds: tuple[float, float], seed: int
) -> list[list[float]]:
    """Milliseconds of every request after the first seconds, to the hop and through the auditor."""
    warm, measured = seconds
    lasts = str(warm + measured)
    arguments = (way, direct, through, str(spans), str(_RATE), lasts, str(seed))
    ran = subprocess.run(
        [sys.executable, str(_HERE / "paced.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_others,
    )
    if ran.returncode:
        raise SystemExit(f"the sender failed:\n{ran.stderr}")
    rows = [line.split() for line in ran.stdout.splitlines()][int(_RATE / spans * warm) :]
    return [[float(row[at]) * 1e3 for row in rows] for at in range(2)]


def measured(
    hop: dict[str, str],
    way: str,
    on: str,
    spans: int,
    seconds: float,
    seed: int,
    warm: float = _WARM,
) -> list[float]:
    """The percentiles of one row."""
    forward = {
        "TELEMETRY_AUDITOR_FORWARD_ENDPOINT": f"http://{hop[on]}",
        "TELEMETRY_AUDITOR_FORWARD_PROTOCOL": _PROTOCOLS[on],
    }
    with servers.auditor(forward) as auditor:
        through = auditor.grpc if way == "grpc" else auditor.http
        took = _sent(way, hop[way], through, spans, (warm, seconds), seed)
    found = []
    for one in took:
        cuts = quantiles(one, n=100)
        found += [cuts[49], cuts[98]]
    return [*found, found[3] - found[1]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all telemetry")
    parser.add_argument("--scale", type=float, default=1.0, help="of the time")
    given = parser.parse_args()
    console = Console(width=int(os.environ.get("COLUMNS", "110")))
    title = f"Answers in milliseconds, at {_RATE:,} spans a second"
    table = Table(*_HEAD, title=title, title_justify="left", title_style="bold")
    cases = [(way, on, *size) for size in _SIZES for way in _WAYS for on in _WAYS]
    with _hop() as hop:
        for way, on, spans, seconds in track(cases, "measuring", console=console, transient=True):
            row = measured(hop, way, on, spans, seconds * given.scale, given.seed)
            table.add_row(way, on, str(spans), *(f"{one:.1f}" for one in row))
    console.print(table)


if __name__ == "__main__":
    main()
