"""Circus, with pauses between restarts, an order of stopping, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import zmq
from circus.arbiter import Arbiter
from circus.watcher import Watcher
from tornado import ioloop

from apps.common.launcher.output import Output

_CHECK_S = 0.25
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0
# A process that ran this long had a good start: its next end counts as a first one.
_GOOD_START_S = 20.0


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running, or several alike.

    Those with a lower ``stop_order`` are stopped first.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 2.2
    stop_order: int = 0
    uid: int | None = None
    gid: int | None = None
    processes: int = 1


class _Watcher(Watcher):
    """One program, restarted when it ends, after a pause that grows while it keeps ending."""

    def __init__(self, program: Program, output: Output) -> None:
        self._output = output
        self._lines = output.stream(program.name)
        self._failures = 0
        self._started: dict[int, float] = {}
        self._not_before = 0.0
        hooks: dict[str, tuple[Callable[..., bool], bool]] = {
            "after_spawn": (self._after_spawn, False),
            "before_reap": (self._before_reap, True),
            "after_reap": (self._after_reap, True),
        }
        super().__init__(
            program.name,
            program.command[0],
            args=list(program.command[1:]),
            env=dict(program.env),
            numprocesses=program.processes,
            working_dir=str(program.folder) if program.folder else None,
            uid=program.uid,
            gid=program.gid,
            stop_signal=program.stop_signal,
            graceful_timeout=program.stop_within_s,
            priority=program.stop_order,
            stdout_stream={"stream": self._lines},
            stderr_stream={"stream": self._lines},
            close_child_stdin=True,
            autostart=False,
            hooks=hooks,
        )

    async def manage_processes(self) -> None:
        # Circus's own also forgets processes that have died since they were last reaped: they
        # would end without a word and without a pause.
        missing = len(self.processes) < self.numprocesses
        if missing and self.is_active() and time.monotonic() >= self._not_before:
            await self.spawn_processes()

    def _after_spawn(self, pid: int, **_: Any) -> bool:
        self._started[pid] = time.monotonic()
        return True

    def _before_reap(self, process_pid: int, **_: Any) -> bool:
        """Read the last words of a process before circus closes its pipes."""
        process = self.processes[process_pid]
        if self.stream_redirector:
            self.stream_redirector.remove_redirections(process)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                os.set_blocking(pipe.fileno(), False)
                self._lines.feed(process_pid, pipe.read() or b"")
        self._lines.flush(process_pid)
        return True

    def _after_reap(self, process_pid: int, exit_code: int | None, **_: Any) -> bool:
        # Each process leads a group of its own: what it started must not outlive it.
        try:
            os.killpg(process_pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        lived = time.monotonic() - self._started.pop(process_pid)
        if self.is_stopping() or self.is_stopped():
            return True
        self._failures = 0 if lived > _GOOD_START_S else self._failures + 1
        pause = min(_FIRST_PAUSE_S * 2**self._failures, _LONGEST_PAUSE_S)
        self._not_before = time.monotonic() + pause
        code = exit_code or 0
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._output.line(self.name, f"ended ({ended}), starts again in {pause:.1f} s")
        return True


class Supervisor(Arbiter):
    """Runs programs inside the current event loop."""

    def __init__(self, output: Output) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bellwether-")
        self._output = output
        super().__init__(
            [],
            f"ipc://{self._folder.name}/control",
            f"ipc://{self._folder.name}/events",
            check_delay=_CHECK_S,
            context=zmq.Context(),
            loop=ioloop.IOLoop.current(),
        )

    async def launch(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        watcher = _Watcher(program, self._output)
        watcher.initialize(self.evpub_socket, self.sockets, self)
        self.watchers.append(watcher)
        self._watchers_names[program.name.lower()] = watcher
        await watcher._start()

    def reap_processes(self) -> None:
        """Reap our programs only: the launcher waits for its one-off commands itself."""
        for watcher in self.iter_watchers():
            for pid in list(watcher.processes):
                try:
                    ended, status = os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:  # circus has waited for it
                    watcher.reap_process(pid)
                    continue
                if ended:
                    watcher.reap_process(pid, status)

    async def shut_down(self) -> None:
        """Stop all programs, those of one stop order at a time."""
        self._stopping = True
        for _, group in groupby(self.iter_watchers(reverse=False), lambda w: w.priority):
            await asyncio.gather(*(watcher._stop(True) for watcher in group))
        self.stop_controller_and_close_sockets()
        self.context.destroy(linger=0)
        self._folder.cleanup()
