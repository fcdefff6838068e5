"""Run a command that ends when the process that started it is gone.

`python -ISs tether.py NICENESS COMMAND ...`. A process that is nicer than others leaves them the
processor where there is not enough of it. The supervisor itself may be killed without being able to
stop its children; on Linux the kernel then does so. Elsewhere the command simply runs.

Linux shares the processor out between sessions first, so the niceness of a process that has a
session of its own would tell it from nobody: there the session is made as nice.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def be_nice(niceness: int) -> None:
    """Make this process nicer, and its session where that is its own."""
    os.nice(niceness)
    if niceness and os.getsid(0) == os.getpid():
        try:
            with open("/proc/self/autogroup", "w") as group:
                group.write(str(niceness))
        except OSError:  # not Linux, or one that knows no groups
            pass


def main(niceness: int, command: list[str]) -> None:
    parent = os.getppid()
    be_nice(niceness)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it went before the kernel was told
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
