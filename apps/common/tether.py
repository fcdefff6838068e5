"""Run a command that ends when the process that started it is gone.

`python -ISs tether.py NICENESS COMMAND ...`. A process that is nicer than others leaves them the
processor where there is not enough of it. The supervisor itself may be killed without being able to
stop its children; on Linux the kernel then does so. Elsewhere the command simply runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(niceness: int, command: list[str]) -> None:
    parent = os.getppid()
    os.nice(niceness)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it went before the kernel was told
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
