"""How many tasks of asyncio a process has, which no file of the kernel tells.

A folder on the path of the process holds a ``sitecustomize`` that answers a signal with it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from conformance.servers import Program
from faults.scene import until

_ANSWERS = '''
"""Answers SIGUSR1 with the number of asyncio's tasks that have not ended."""

import asyncio
import gc
import os
import signal
from pathlib import Path


def _answer(_number, _frame):
    kinds = [one for one in gc.get_objects() if issubclass(type(one), asyncio.Task)]
    file = Path(os.environ["TASKS_FILE"])
    made = file.with_suffix(".new")
    made.write_text(str(sum(not one.done() for one in kinds)))
    made.replace(file)


signal.signal(signal.SIGUSR1, _answer)
'''


class Tasks:
    """Asks a process for the number of its tasks.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(_ANSWERS)
        self._file = folder / "tasks"
        #: What the process needs in its environment.
        self.env = {
            "PYTHONPATH": os.pathsep.join([str(folder), str(Path(__file__).resolve().parents[2])]),
            "TASKS_FILE": str(self._file),
        }

    def of(self, program: Program) -> int:
        """Tasks that have not ended."""
        self._file.unlink(missing_ok=True)
        program.process.send_signal(signal.SIGUSR1)
        until(self._file.exists, "the number of tasks is not told")
        return int(self._file.read_text())
