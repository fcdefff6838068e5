"""A launcher process under test, with folders and a port of its own."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from apps.common.embedded import free_port

ROOT = Path(__file__).resolve().parents[3]
_OURS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER")


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """A fresh machine's environment; all data goes below ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    return {
        **kept,
        "VAR_DIR": str(folder / "var"),
        "DATA_DIR": str(folder / "data"),
        "DEMO": "0",
        "PORT": str(free_port()),
        **extra,
    }


class Launcher:
    """Starts the product and reads what it says."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apps.common.launcher"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip())
            self._queue.put(line.rstrip())

    def wait_for(self, text: str, timeout_s: float = 90) -> str:
        """The next line that holds ``text``."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                line = self._queue.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, "\n".join(self.lines)
                continue
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r} in:\n" + "\n".join(self.lines))

    def children(self) -> dict[int, str]:
        """Command lines of all processes below the launcher, by process id."""
        return descendants(self.process.pid)

    def programs(self, text: str) -> list[int]:
        """The processes directly below the launcher whose command lines hold ``text``."""
        return [
            pid
            for pid, command in self.children().items()
            if text in command and parent_of(pid) == self.process.pid
        ]

    def wait_for_programs(self, text: str, count: int, timeout_s: float = 15) -> list[int]:
        """So many processes directly below the launcher with ``text`` in their command lines."""
        deadline = time.monotonic() + timeout_s
        while len(found := self.programs(text)) != count:
            assert time.monotonic() < deadline, (text, self.children())
            time.sleep(0.1)
        return found

    def interrupt(self) -> float:
        """Press Ctrl-C; the seconds until the launcher is gone."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - started

    def close(self) -> None:
        """End it, whatever the test has found."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


def parent_of(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])


def descendants(ancestor: int) -> dict[int, str]:
    """Command lines of all processes below ``ancestor``, by process id."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    parents = {pid: parent_of(pid) for pid in pids}
    found: dict[int, str] = {}
    level = {ancestor}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level}
        found |= {pid: command_of(pid) for pid in level}
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pids: dict[int, str]) -> list[str]:
    """Those of the processes that still run the same command."""
    return [command for pid, command in pids.items() if command and command_of(pid) == command]
