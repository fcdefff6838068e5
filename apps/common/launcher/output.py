"""One readable stream out of many processes: each line carries the name of its process."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95)
_WIDTH = 9


class Output:
    """Writes whole lines, prefixed, in colour on a terminal unless NO_COLOR is set."""

    def __init__(self, target: TextIO | None = None) -> None:
        self._target = target or sys.stdout
        self._coloured = self._target.isatty() and "NO_COLOR" not in os.environ
        self._colour_of: dict[str, int] = {}
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        """One line of a process."""
        prefix = f"{name:<{_WIDTH}} |"
        if self._coloured:
            used = len(self._colour_of)
            colour = self._colour_of.setdefault(name, _COLOURS[used % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        with self._lock:
            self._target.write(f"{prefix} {text}\n")
            self._target.flush()

    def say(self, text: str) -> None:
        """Something the launcher itself has to say."""
        with self._lock:
            self._target.write(f"{text}\n")
            self._target.flush()

    def stream(self, name: str) -> LineStream:
        """A sink for the raw output of a program's processes."""
        return LineStream(lambda text: self.line(name, text))


class LineStream:
    """Cuts chunks of bytes into lines; called by the supervisor with what a process wrote."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._rests: dict[int, bytes] = {}

    def __call__(self, chunk: dict[str, Any]) -> None:
        self.feed(chunk["pid"], chunk["data"])

    def feed(self, pid: int, data: bytes) -> None:
        *lines, self._rests[pid] = (self._rests.get(pid, b"") + data).split(b"\n")
        for line in lines:
            if text := line.decode(errors="replace").rstrip():
                self._emit(text)

    def flush(self, pid: int) -> None:
        """Emit what stands behind the last line break; the process has ended."""
        self.feed(pid, b"\n")
        del self._rests[pid]
