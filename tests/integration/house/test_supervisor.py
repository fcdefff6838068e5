"""Programs that the supervisor keeps running: their ends are told, whenever they come."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apps.common.launcher.output import Output
from apps.common.launcher.supervisor import Program, Supervisor

SLEEPS = ("sleep", "600")
WITHIN_S = 20.0


class Unlucky(Supervisor):
    """Its programs are struck at the worst of moments: when the dead have just been reaped."""

    strikes = 0

    def reap_processes(self) -> None:
        super().reap_processes()
        if self.strikes:
            self.strikes -= 1
            kill_and_wait_for_a_zombie(pids(self)[0])


@pytest.fixture
async def supervised() -> AsyncIterator[tuple[Unlucky, io.StringIO]]:
    said = io.StringIO()
    supervisor = Unlucky(Output(said))
    await supervisor.start()
    yield supervisor, said
    await supervisor.shut_down()


def pids(supervisor: Supervisor) -> list[int]:
    return [pid for watcher in supervisor.watchers for pid in watcher.processes]


def kill_and_wait_for_a_zombie(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.001)


async def until_it_says(said: io.StringIO, text: str, times: int = 1) -> None:
    async with asyncio.timeout(WITHIN_S):
        while said.getvalue().count(text) < times:
            await asyncio.sleep(0.02)


async def test_a_program_that_dies_right_after_the_reaping_is_told_of_and_starts_again(
    supervised: tuple[Unlucky, io.StringIO],
) -> None:
    supervisor, said = supervised
    await supervisor.launch(Program("sleeper", SLEEPS, processes=2))
    first, second = pids(supervisor)

    supervisor.strikes = 1
    await until_it_says(said, "sleeper   | ended (signal 9), starts again in 0.5 s")

    async with asyncio.timeout(WITHIN_S):
        while len(pids(supervisor)) < 2:
            await asyncio.sleep(0.02)
    assert first not in pids(supervisor)
    assert second in pids(supervisor)
    with pytest.raises(ChildProcessError):  # nor did it leave a zombie
        os.waitpid(first, os.WNOHANG)


async def test_a_program_that_keeps_ending_waits_longer_each_time(
    supervised: tuple[Unlucky, io.StringIO],
) -> None:
    supervisor, said = supervised

    await supervisor.launch(Program("brief", ("sh", "-c", "echo hello; exit 3")))
    await until_it_says(said, "ended (exit code 3)", times=3)

    lines = [line.partition("| ")[2] for line in said.getvalue().splitlines()]
    assert lines[:6] == [
        "hello",
        "ended (exit code 3), starts again in 0.5 s",
        "hello",
        "ended (exit code 3), starts again in 1.0 s",
        "hello",
        "ended (exit code 3), starts again in 2.0 s",
    ]
