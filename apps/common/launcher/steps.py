"""One-off commands on the way to a running product."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from apps.common.launcher.installation import ROOT, Refusal
from apps.common.launcher.output import Output

T = TypeVar("T")
_PROGRESS_S = 2.0


async def with_progress(output: Output, label: str, work: Awaitable[T]) -> T:
    """Await ``work``; when it takes longer than two seconds, say so, and how long already."""
    started = time.monotonic()
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=_PROGRESS_S))[0]:
            output.say(f"{label} ... {time.monotonic() - started:.0f} s")
        return await task
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def run(output: Output, label: str, command: Sequence[str], env: Mapping[str, str]) -> str:
    """Run a command to its end and return what it printed; Refusal with that when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed, _ = await with_progress(output, label, process.communicate())
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    text = printed.decode(errors="replace").strip()
    if process.returncode:
        raise Refusal(f"{label} failed (exit code {process.returncode}):\n{text}")
    return text
