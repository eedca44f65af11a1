"""``make bench-sensitive``: what the detectors cost on hostile values, beside ordinary ones.

Each value is looked at alone, as the program does, with its bounds of characters and of finds. The
last column sets the time against that of ordinary text of the same length, in the same run.
"""

from __future__ import annotations

import os
import random
from base64 import b64encode
from collections.abc import Callable
from time import perf_counter
from urllib.parse import quote

from rich.console import Console
from rich.progress import track
from rich.table import Table

from collector.evaluate.detectors import custom
from collector.evaluate.detectors.scan import Detectors
from collector.views import Value
from collector.violation import Severity

MIB = 1_048_576
RUNS = 3
WORDS = (
    "order payment of the user was sent to queue retry timeout",
    "status=200 path=/carts",
)


def _filled(piece: str, size: int = MIB) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def _ordinary(size: int = MIB) -> str:
    chosen = random.Random(1)
    return " ".join(chosen.choices(" ".join(WORDS).split(), k=size // 5))[:size]


def _nested(rounds: int) -> str:
    text = "https://a:secretword9@b/?token=" + b64encode(b"x" * 60).decode()
    for _ in range(rounds):
        text = quote(text, safe="")
    return text


CASES: dict[str, Callable[[], str]] = {
    "ordinary text": _ordinary,
    "one letter": lambda: _filled("a"),
    "base64": lambda: b64encode(random.Random(2).randbytes(MIB * 3 // 4)).decode(),
    "hexadecimal digits": lambda: random.Random(3).randbytes(MIB // 2).hex(),
    "100 thousand passwords": lambda: _filled("password=Zx9qW8e7 ", 18 * 100_000),
    "100 thousand tokens' beginnings": lambda: _filled("ghp_ eyJ AKIA ", 14 * 100_000),
    "a token that never ends": lambda: "eyJ" + _filled("hbGciOiJ-_"),
    "keys without values": lambda: _filled("secret:token:api_key:password:"),
    "cookies without end": lambda: "Cookie: " + _filled("sessionid=a; "),
    "quotes and backslashes": lambda: _filled('\\"password\\":\\"'),
    "percent signs": lambda: _filled("%25"),
    "a URL encoded 12 times": lambda: _filled(_nested(12)),
    "at signs": lambda: _filled("a@b."),
    "digits": lambda: _filled("4111 1111 1111 1112 "),
    "private keys without end": lambda: _filled("-----BEGIN PRIVATE KEY-----\\n"),
    "INSERT without end": lambda: _filled("INSERT INTO a (password, b) VALUES ("),
    "bytes that are no UTF-8": lambda: random.Random(4).randbytes(MIB).decode("utf-8", "replace"),
    "an expression that others choke on": lambda: "acme_" + _filled("a"),
}


def _seconds(detectors: Detectors, text: str) -> tuple[float, int]:
    best, finds = float("inf"), 0
    for run in range(RUNS):
        value = Value(f"bench.{run}", text, new=True, sightings=())
        start = perf_counter()
        found = detectors.found([value])
        best = min(best, perf_counter() - start)
        finds = len(found.get(0, ()))
    return best, finds


def main() -> None:
    """Print the table."""
    choking = custom.expression("acme_(?:(?:a|aa)+)+b")
    own = custom.detector("acme-token", Severity.CRITICAL, choking, literals=["acme_"])
    detectors = Detectors(b"key of the bench", own=[own])
    table = Table(title="One hostile value", title_justify="left", title_style="bold")
    for number, name in enumerate(("value", "KiB", "ms", "finds", "against ordinary text")):
        table.add_column(name, justify="right" if number else "left")
    console = Console(width=int(os.environ.get("COLUMNS", "100")))
    ordinary, _ = _seconds(detectors, _ordinary())
    for name, make in track(CASES.items(), console=console, transient=True):
        text = make()
        seconds, finds = _seconds(detectors, text)
        row = [name, f"{len(text) // 1024:,}", f"{seconds * 1e3:.1f}", str(finds)]
        table.add_row(*row, f"{seconds / ordinary:.1f} x")
    console.print(table)


if __name__ == "__main__":
    main()
