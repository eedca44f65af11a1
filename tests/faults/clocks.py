"""The wall clock of the auditor's machine jumps.

Only a library that is put before libc's can do this to one process; it is built here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from faults.load import load, over_http
from faults.scene import Scene, Unbalanced, Untried, until
from faults.table import fault

from collector import testing

_HOUR = 3600
_JUMPS = (_HOUR, 0, -_HOUR, 0, 24 * _HOUR, -24 * _HOUR, 0)
_NUMBERS = count()
_RECORDS = 30
_WINDOW = 0.5
_WINDOWS = f"""
pack: clocks
summary: Windows that are short enough to be waited for.
overrides:
  - {{policy: logs-without-trace-id, options: {{window_seconds: {_WINDOW}}}}}
"""


class _Clock:
    """The wall clock of a process that is started with `env`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None or not sys.platform.startswith("linux"):
            raise Untried("needs a C compiler on Linux")
        library, self._file = folder / "clock_shift.so", folder / "shift"
        source = Path(__file__).with_name("clock_shift.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        self.jump(0)
        preloaded = f"{library}:{os.environ.get('LD_PRELOAD', '')}".rstrip(":")
        self.env: Mapping[str, str] = {
            "LD_PRELOAD": preloaded,
            "CLOCK_SHIFT_FILE": str(self._file),
        }

    def jump(self, seconds: int) -> None:
        """Set it so far from the true time."""
        data = seconds.to_bytes(8, sys.byteorder, signed=True)
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(data)  # in place: the process has it mapped

    def works(self) -> bool:
        """Whether a Python that is started so is an hour ahead."""
        self.jump(_HOUR)
        told = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            env=os.environ | self.env,
            capture_output=True,
            check=True,
        )
        self.jump(0)
        return float(told.stdout) - time.time() > _HOUR / 2


def _logs(service: str) -> list[tuple[str, bytes]]:
    """A traced service whose logs carry no trace ids."""
    delivery = {
        "service": service,
        "spans": [{"trace": "t", "id": "s", "name": "GET /", "kind": "server"}],
        "logs": [{"body": "an order came"}] * _RECORDS,
    }
    return [(str(signal), body) for signal, body in testing.requests(delivery)]


def _order() -> tuple[str, bytes]:
    """Spans of a service that behaves, stamped by a clock that does not jump."""
    delivery = {
        "service": "shop",
        "at": time.time() - testing.START,
        "spans": [
            {"trace": f"t{next(_NUMBERS)}", "id": "a", "name": "GET /", "kind": "server"},
        ],
    }
    return next((str(signal), body) for signal, body in testing.requests(delivery))


def _found_after_a_jump(scene: Scene, service: str) -> None:
    """A window that begins after the jump ends, and is judged."""

    def judged() -> bool:
        return any(name == service for _, name in scene.program.found())

    def once_more() -> bool:
        for signal, body in _logs(service):
            scene.post(signal, body)
        return judged()

    until(once_more, f"no window ends any more: {service}")


@fault("the wall clock jumps by hours, both ways, under load")
def _(scene: Scene) -> None:
    folder = scene.folder()
    clock = _Clock(folder)
    if not clock.works():
        raise Untried("this Python does not ask libc for the time")
    pack, state = folder / "clocks.yaml", folder / "state"
    pack.write_text(_WINDOWS)
    scene.replace(
        {
            "policies": {"paths": [str(pack)]},
            "traces": {"wait_seconds": _WINDOW},
            "snapshot": {"file": str(state), "interval_seconds": 0.1},
        },
        clock.env,
    )
    planted = set()
    with load(scene, over_http(scene, make=_order)):
        for number, shift in enumerate(_JUMPS[: scene.many(len(_JUMPS), 3)]):
            clock.jump(shift)
            planted.add(service := f"late-{number}")
            _found_after_a_jump(scene, service)
            before = state.stat().st_mtime_ns if state.exists() else 0
            until(
                lambda before=before: state.exists() and state.stat().st_mtime_ns > before,  # type: ignore[misc]
                "no snapshot is written any more",
            )
    until(lambda: scene.metric("open_spans") == 0, "traces wait for ever")
    if scene.books.refused or scene.books.unanswered:
        raise Unbalanced(f"a request was lost: {scene.books}")
    wanted = {("logs-without-trace-id", service) for service in planted}
    wrong = scene.program.found() - wanted
    if wrong:
        raise Unbalanced(f"a jump of the clock is taken for {sorted(wrong)}")
