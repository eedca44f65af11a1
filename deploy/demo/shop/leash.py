"""Run a command that ends when the process that started it ends, however that one ends.

Usage: python leash.py PARENT COMMAND [ARGUMENT ...], where PARENT is the starter's process id.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; the setting outlives exec


def main(parent: int, command: list[str]) -> None:
    """Ask the kernel for SIGTERM at the parent's death, then become the command.

    Args:
        parent: Process id of the starter.
        command: Path of a program and its arguments.

    Raises:
        OSError: The program cannot be executed.
        SystemExit: The parent was gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
