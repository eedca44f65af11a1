"""``make soak``: mixed load for a long time, and whether the auditor grows.

Usage: run.py [--minutes 30] [--rate 10]

A round is a minute of load, in which policies are reloaded once, and a rest in which every
connection is closed and threads that came for the load may go; at its end the process is looked
at. By the fifth round the tables that a sender can fill are full: what the process holds at the end
must be what it held then. Exit status 1 says that it is not, or that a request is unaccounted for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.servers import Program, Servers
from faults.scene import MIB, Entry, Scene, Unbalanced, until
from soak.churn import ITEMS, new_traces
from soak.pools import fill
from soak.senders import Load
from soak.tasks import Tasks

_WARM = 5  # rounds after which nothing may grow
_LAST = 5  # rounds of which the middle one counts, for threads come and go
_ROUND_SECONDS = 60.0
_REST_SECONDS = 30.0  # gRPC keeps a thread that it started under load for 20 s of rest
_LOOKS = 20
_LOOK_SECONDS = 0.05
_MEMORY_TOLERANCE = 0.10
_PACK = """
pack: soak
summary: Of this test.
overrides:
  - {{policy: retry-limit, options: {{max_attempts: {0}}}}}
"""


class Sample(NamedTuple):
    """The process at rest.

    Attributes:
        memory: resident bytes.
        files: open, sockets among them.
        threads: of the process.
        tasks: of asyncio, that have not ended.
        requests: received so far.
        items: inspected so far.
        reloads: of policies, so far.
    """

    memory: int
    files: int
    threads: int
    tasks: int
    requests: int
    items: int
    reloads: int


class Soak:
    """One auditor under load.

    Args:
        servers: start it.
        rate: requests a second of each way.
    """

    def __init__(self, servers: Servers, rate: float) -> None:
        folder = servers.folder()
        self._pack = folder / "soak.yaml"
        self._pack.write_text(_PACK.format(3))
        self._tasks = Tasks(servers.folder())
        self.scene = Scene(
            servers,
            {
                "policies": {"paths": [str(self._pack)], "reload_seconds": 1},
                "findings": {"fold_seconds": 30, "rotate_bytes": MIB},
                "snapshot": {"file": str(folder / "state"), "interval_seconds": 10},
            },
            env=self._tasks.env,
        )
        self._load = Load(self.scene, rate)
        self._sockets_at_rest = self.scene.program.sockets()
        fill(self.scene, "traces", new_traces)
        self._threads_at_rest = sys.maxsize

    def round(self, number: int, seconds: float) -> Sample:
        """Load with a reload in its middle, and then a look at the process at rest."""
        with self._load.running():
            time.sleep(seconds / 2)
            loaded = self._reloads()
            self._pack.write_text(_PACK.format(4 + number))
            time.sleep(seconds / 2)
            until(lambda: self._reloads() > loaded, "policies are not reloaded")
        return self._sample()

    def _reloads(self) -> int:
        return int(self.scene.metric("policy_reloads_total", outcome="loaded"))

    def _sample(self) -> Sample:
        program = self.scene.program
        deadline = time.monotonic() + _REST_SECONDS
        while self._works(program) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._threads_at_rest = program.threads()
        entry = self.scene.entry()
        memory, files = zip(*self._looks(), strict=True)
        return Sample(
            min(memory),
            min(files),
            self._threads_at_rest,
            self._tasks.of(program),
            entry.received,
            entry.items,
            self._reloads(),
        )

    def _works(self, program: Program) -> bool:
        """Whether there are connections or threads that were not there at the rest before."""
        more_sockets = program.sockets() > self._sockets_at_rest
        return more_sockets or program.threads() > self._threads_at_rest

    def _looks(self) -> Iterator[tuple[int, int]]:
        """Memory and files, so often that a snapshot is not being written each time."""
        for _ in range(_LOOKS):
            yield self.scene.program.memory(), len(self.scene.program.files())
            time.sleep(_LOOK_SECONDS)

    def end(self) -> Entry:
        """The books must balance to the request and to the item, and SIGTERM end it with 0.

        Raises:
            Unbalanced: if they do not.
        """
        scene = self.scene
        entry = scene.settle(sys.maxsize)
        books = scene.books
        if books.unanswered:
            raise Unbalanced(f"{books.unanswered} requests had no answer")
        if (entry.inspected, entry.refused) != (books.acknowledged, books.refused):
            raise Unbalanced(f"{entry} against {books}")
        if entry.items != books.acknowledged * ITEMS:
            raise Unbalanced(f"{entry.items} items in {books.acknowledged} requests of {ITEMS}")
        scene.lives()
        scene.end()
        return entry


def growth(samples: Sequence[Sample]) -> list[str]:
    """What grew between the fifth round and the last; nothing is said of fewer rounds."""
    if len(samples) <= _WARM:
        return []
    warm, last = samples[:_WARM], samples[_WARM:][-_LAST:]
    grown = []
    for name, count in (
        ("open files", attrgetter("files")),
        ("threads", attrgetter("threads")),
        ("tasks", attrgetter("tasks")),
    ):
        most, middle = max(map(count, warm)), median_low(map(count, last))
        if middle > most:
            grown.append(f"{name} grew from {most} to {middle}")
    share = samples[-1].memory / samples[_WARM - 1].memory - 1
    if abs(share) > _MEMORY_TOLERANCE:
        grown.append(f"memory changed by {share:+.0%}")
    return grown


def soak(
    folder: Path,
    rounds: int,
    seconds: float,
    rate: float,
    show: Callable[[int, Sample], None] = lambda _number, _sample: None,
) -> tuple[list[Sample], Entry]:
    """Run it.

    Raises:
        Unbalanced: if the books do not balance.
    """
    servers = Servers(folder)
    try:
        running = Soak(servers, rate)
        samples = []
        for number in range(rounds):
            samples.append(running.round(number, seconds))
            show(number + 1, samples[-1])
        return samples, running.end()
    finally:
        servers.close()


def _cells(number: int, one: Sample) -> list[str]:
    numbers = (one.memory // MIB, *one[1:])
    return [str(number), *(f"{value:,}" for value in numbers)]


def main() -> int:
    """Print a line each minute, and the table at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=10, help="requests a second of each way")
    options = parser.parse_args()
    names = ("minute", "MiB", "open files", "threads", "tasks", "requests", "items", "reloads")

    def show(number: int, sample: Sample) -> None:
        said = zip(names, _cells(number, sample), strict=True)
        print(", ".join(f"{name} {value}" for name, value in said), flush=True)

    try:
        with tempfile.TemporaryDirectory() as folder:
            samples, entry = soak(Path(folder), options.minutes, _ROUND_SECONDS, options.rate, show)
    except Unbalanced as error:
        print(f"the books do not balance: {error}")
        return 1
    table = Table(*names, title="A long mixed load, at rest after each minute")
    for number, one in enumerate(samples, 1):
        table.add_row(*_cells(number, one))
    Console().print(table)
    print(
        f"received {entry.received:,} = inspected {entry.inspected:,} + refused {entry.refused:,}"
    )
    grown = growth(samples)
    print(
        "\n".join(grown) or "nothing grew" * (len(samples) > _WARM) or "too short to judge growth"
    )
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
