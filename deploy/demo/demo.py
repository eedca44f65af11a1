"""Runs a small shop that misbehaves beside the auditor, and shows what the auditor finds.

DEMO_SECONDS ends it by itself; without, it runs until Ctrl-C. The exit status is 0 when every
misbehaviour was found and the well-behaved service is clean, 1 when not, 2 when it cannot run.
With --clean the shop does everything right, and 0 means that nothing was found.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType

import board
from auditor import Auditor, DemoError, Ports, taken_ports
from rich.console import Console
from rich.live import Live
from rich.text import Text
from shop.launch import Shop

REFRESH_SECONDS = 1.0
PROGRESS_SECONDS = 5.0
STEADY_SECONDS = 3.0  # more than the demo's wait for a trace, see auditor.yaml
SETTLE_SECONDS = 8.0
PLAIN_WIDTH = 160  # where no terminal tells its own
EXIT_MISSING, EXIT_UNUSABLE = 1, 2


def _duration() -> float | None:
    given = os.environ.get("DEMO_SECONDS", "")
    if not given:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise DemoError(
            f"DEMO_SECONDS is {given!r}; allowed is a number of seconds above 0, such as 20."
        )
    return seconds


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():  # a second Ctrl-C does not wait for the summary
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop


def _rows(auditor: Auditor) -> list[board.Row]:
    return board.rows(board.violations(auditor.metrics()), board.findings(auditor.findings()))


class Progress:
    """Plain lines for where no terminal is: each new row once, and a sum now and then.

    Args:
        console: Where they go.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = self._summed = time.monotonic()
        self._seen: set[tuple[str, str, str]] = set()

    def show(self, rows: list[board.Row]) -> None:
        """Print what is new."""
        now = time.monotonic()
        at = f"{now - self._started:5.1f} s"
        for row in rows:
            if (row.service, row.policy, row.severity) not in self._seen:
                self._seen.add((row.service, row.policy, row.severity))
                line = f"{at}  {row.severity:8}  {row.service}  {row.policy}  {row.what}"
                self._console.print(Text(line), soft_wrap=True)
        if now - self._summed >= PROGRESS_SECONDS:
            self._summed = now
            total = sum(row.count for row in rows)
            self._console.print(f"{at}  {total} violations in {len(rows)} rows")


def _watch(
    console: Console, auditor: Auditor, shop: Shop, stop: threading.Event, seconds: float | None
) -> None:
    started = time.monotonic()
    live = Live(console=console, auto_refresh=False) if console.is_terminal else None
    progress = Progress(console)

    def on_terminal(rows: list[board.Row]) -> None:
        if live is not None:
            title = f"telemetry auditor, {time.monotonic() - started:.0f} s, Ctrl-C ends it"
            live.update(board.table(rows, title, brief=True), refresh=True)

    show: Callable[[list[board.Row]], None] = on_terminal if live else progress.show
    screen: AbstractContextManager[object] = live or nullcontext()
    with screen:
        while not stop.is_set():
            if ended := shop.ended():
                raise DemoError(f"Services ended by themselves: {', '.join(ended)}.")
            show(_rows(auditor))
            left = REFRESH_SECONDS
            if seconds is not None:
                left = min(left, started + seconds - time.monotonic())
            if left <= 0:
                return
            stop.wait(left)


def _settle(auditor: Auditor) -> dict[board.Key, dict[str, int]]:
    """The counters, once they have been steady for longer than the auditor holds traces."""
    counts = board.violations(auditor.metrics())
    begun = changed = time.monotonic()
    while time.monotonic() < min(changed + STEADY_SECONDS, begun + SETTLE_SECONDS):
        time.sleep(REFRESH_SECONDS / 2)
        newer = board.violations(auditor.metrics())
        if newer != counts:
            counts, changed = newer, time.monotonic()
    return counts


def _run(console: Console, directory: Path, *, clean: bool) -> int:
    seconds = _duration()
    ports = Ports()
    if messages := taken_ports(ports):
        raise DemoError("\n".join(messages))
    stop = _stop_on_signals()
    auditor, shop = Auditor(directory, ports), Shop(ports.endpoints, directory, clean=clean)
    try:
        console.print("Starting the auditor, then the shop ...")
        auditor.start()
        shop.start()
        _watch(console, auditor, shop, stop, seconds)
        stop.set()
        console.print("Stopping the shop; the auditor judges what it still holds ...")
        shop.stop()
        counts = _settle(auditor)
        auditor.stop()
    finally:
        shop.stop()
        auditor.kill()
    found = board.findings(auditor.findings())
    console.print(board.table(board.rows(counts, found), "What the auditor found"))
    seen = board.clean_verdict(counts, found) if clean else board.verdict(counts, found)
    for line in seen.lines:
        console.print(Text(line))
    return 0 if seen.passed else EXIT_MISSING


def main() -> int:
    """Run the demo and say how it went.

    Returns:
        The exit status.
    """
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=PLAIN_WIDTH)
    directory = Path(tempfile.mkdtemp(prefix="telemetry-auditor-demo-"))
    try:
        code = _run(console, directory, clean="--clean" in sys.argv[1:])
    except DemoError as error:
        print(error, file=sys.stderr)
        code = EXIT_UNUSABLE
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    if any(directory.iterdir()):
        console.print(Text(f"Findings and logs: {directory}"), soft_wrap=True)
    else:
        directory.rmdir()
    return code


if __name__ == "__main__":
    sys.exit(main())
