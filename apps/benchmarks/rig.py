"""Real processes of the product for measuring and for breaking: started, killed, weighed.

Everything runs in a folder of its own, against the database and Redis that the environment
names, with the commands that an installation runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from django.conf import settings

HOST = "127.0.0.1"


class RigError(Exception):
    """A process of the rig failed; the text ends with what it said last."""


class Rig:
    """Processes by name, with their output in ``folder/NAME.log``."""

    STOP_S = 10.0

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._env = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1"}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process in a session of its own, so that its children end with it."""
        if name in self._running:
            raise RigError(f"{name} is running already")
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=settings.BASE_DIR,
                env=self._env,
                start_new_session=True,
            )

    def manage(self, name: str, *arguments: str) -> None:
        """Start ``manage.py`` with these arguments as process ``name``."""
        self.start(name, [sys.executable, "manage.py", *arguments])

    def venue(self, port: int, admin_port: int, *flags: str) -> None:
        """Start the paper venue on these ports, its books in the rig's folder."""
        self.manage(
            "venue",
            *("papervenue", "serve", "--host", HOST, "--port", str(port)),
            *(
                "--admin-port",
                str(admin_port),
                "--data",
                str(self.folder / "venue"),
                *flags,
            ),
        )

    def gateway(self, name: str = "gateway") -> None:
        self.manage(name, "gateway", "--name", name)

    def worker(self, name: str = "worker") -> None:
        """Start a Celery worker with the options of an installation."""
        self.start(
            name,
            [
                *(sys.executable, "-m", "celery", "-A", "config", "worker"),
                *(
                    "-Q",
                    ",".join(settings.QUEUES),
                    "--concurrency",
                    "2",
                    "--loglevel",
                    "INFO",
                ),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                *("-n", f"{name}@%h"),
            ],
        )

    def check(self) -> None:
        """RigError when a process has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise RigError(f"{name} ended with {process.returncode}:\n{self.tail(name)}")

    def kill(self, name: str) -> None:
        """End a process and its children as a crash would, without a word."""
        process = self._running.pop(name)
        _signal_group(process, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> None:
        """Ask a process to end; one that does not is killed."""
        process = self._running.pop(name, None)
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(self.STOP_S)
            except subprocess.TimeoutExpired:
                pass
        _signal_group(process, signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def wait_until(
        self,
        true: Callable[[], bool],
        what: str,
        timeout_s: float,
        every_s: float = 0.1,
    ) -> None:
        """Return when ``true`` answers so; RigError when a process dies or time is up."""
        deadline = time.monotonic() + timeout_s
        while not true():
            self.check()
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {n}\n{self.tail(n)}" for n in self._running)
                raise RigError(f"{what} did not happen within {timeout_s:.0f} s\n{tails}")
            time.sleep(every_s)

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of each process with its children, in MiB."""
        return {name: round(_tree_rss(p.pid) / 1024, 1) for name, p in self._running.items()}

    def cpu_s(self) -> dict[str, float]:
        """Processor time that each process with its children has used so far, in seconds."""
        return {name: round(_tree_cpu(p.pid), 3) for name, p in self._running.items()}

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def tail(self, name: str, size: int = 3000) -> str:
        try:
            return (self.folder / f"{name}.log").read_text(errors="replace")[-size:]
        except OSError:
            return ""

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop_all()


def _signal_group(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    try:
        os.killpg(process.pid, how)
    except (ProcessLookupError, PermissionError):
        pass


def _tree(pid: int) -> list[int]:
    """A process and all below it; what has ended meanwhile is left out."""
    found = [pid]
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = entry.read_text().split()
        except OSError:
            continue
        for child in children:
            found += _tree(int(child))
    return found


def _tree_rss(pid: int) -> int:
    """Resident kilobytes of a tree of processes, by what the kernel shows."""
    total = 0
    for each in _tree(pid):
        try:
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return total


def _tree_cpu(pid: int) -> float:
    total = 0.0
    for each in _tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total
