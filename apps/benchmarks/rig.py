"""Real processes of the product for measuring and for breaking: started, killed, weighed.

Everything runs in a folder of its own, against the database and Redis that the environment
names, with the commands that an installation runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import redis

from apps.common.embedded import free_port
from apps.common.launcher import programs
from apps.common.launcher.installation import Installation
from apps.common.launcher.supervisor import Program


class RigError(Exception):
    """A process of the rig failed; the text ends with what it said last."""


class Rig:
    """Processes by name, with their output in ``folder/NAME.log``.

    ``env`` names database, Redis and settings; the venue's two ports are chosen here.
    """

    STOP_S = 10.0

    def __init__(self, folder: Path, env: Mapping[str, str] = os.environ) -> None:
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self._env = {
            **env,
            "PYTHONUNBUFFERED": "1",
            "VAR_DIR": str(folder),
            "PAPERVENUE_PORT": str(self.port),
            "PAPERVENUE_ADMIN_PORT": str(self.admin_port),
        }
        self._running: dict[str, list[subprocess.Popen[bytes]]] = {}
        self._others: dict[str, int] = {}

    def venue(self, *flags: str) -> None:
        """Start the paper venue with further options, its books in the rig's folder."""
        place = Installation(
            var=self.folder,
            data=self.folder,
            host="127.0.0.1",
            port=0,
            demo=False,
            own_postgres=False,
            own_redis=False,
        )
        self._start("venue", programs.paper_venue(place, self._env), *flags)

    def web(self) -> int:
        """Start the web process as the launcher does; answers its port."""
        port = free_port()
        place = Installation(
            var=self.folder,
            data=self.folder,
            host="127.0.0.1",
            port=port,
            demo=False,
            own_postgres=False,
            own_redis=False,
        )
        self._start("web", programs.web(place, self._env))
        return port

    def gateway(self, name: str = "gateway") -> None:
        self._start(name, programs.gateway(self._env), "--name", name)

    def worker(self) -> None:
        """For copies alone, as many processes as an installation has."""
        self._start("worker", programs.worker(self._env))

    def upkeep(self) -> None:
        self._start("upkeep", programs.upkeep(self._env))

    def workers(self) -> None:
        """For everything."""
        self.worker()
        self.upkeep()

    def workers_wait(self) -> bool:
        """Whether all workers have begun and wait for tasks."""
        with redis.Redis.from_url(self._env["REDIS_URL"]) as client:
            waiting = [each for each in client.client_list() if each["cmd"] == "brpop"]
        return len(waiting) > programs.COPY_WORKERS

    def traders(self) -> None:
        self._start("traders", programs.demo_traders(self._env))

    def _start(self, name: str, program: Program, *more: str) -> None:
        """Each process in a session of its own, so that its children can be ended with it."""
        if name in self._running:
            raise RigError(f"{name} is running already")
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = [
                subprocess.Popen(
                    [*program.command, *more],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=program.folder,
                    env=dict(program.env),
                    start_new_session=True,
                )
                for _ in range(program.processes)
            ]

    def venue_listens(self) -> bool:
        """Whether the venue takes sessions on both of its ports."""
        for port in (self.port, self.admin_port):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return False
        return True

    def check(self) -> None:
        """RigError when a process has ended by itself."""
        for name, processes in self._running.items():
            for process in processes:
                if process.poll() is not None:
                    raise RigError(f"{name} ended with {process.returncode}:\n{self.tail(name)}")

    def kill(self, name: str) -> None:
        """End a process and its children as a crash would, without a word."""
        processes = self._running.pop(name)
        for process in processes:
            _signal_group(process, signal.SIGKILL)
        for process in processes:
            process.wait()

    def stop(self, name: str) -> None:
        """Ask a process to end; one that does not is killed."""
        processes = self._running.pop(name, [])
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.STOP_S)
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
        return {
            name: round(sum(_tree_rss(process.pid) for process in processes) / 1024, 1)
            for name, processes in self._running.items()
        }

    def cpu_s(self) -> dict[str, float]:
        """Processor time that each process with its children has used so far, in seconds."""
        pids = {name: [p.pid for p in processes] for name, processes in self._running.items()}
        pids |= {name: [pid] for name, pid in self._others.items()}
        return {name: round(sum(map(_tree_cpu, of)), 3) for name, of in pids.items()}

    def weigh(self, name: str, pid: int) -> None:
        """Count the processor time of a process that is not ours as well, by its id."""
        self._others[name] = pid

    def pid(self, name: str) -> int:
        return self._running[name][0].pid

    def tail(self, name: str, size: int = 3000) -> str:
        try:
            return (self.folder / f"{name}.log").read_text(errors="replace")[-size:]
        except OSError:
            return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop_all()


def _signal_group(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, how)


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
        # Its own, and that of children that have ended and were waited for.
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total
