"""How long a keeper waits before it begins a session anew."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from apps.execution.gateway import keeper as keeping
from apps.execution.gateway.keeper import Keeper
from apps.execution.gateway.lease import Lease


def test_pauses_grow_with_failures_and_begin_afresh_after_a_session_that_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "_SETTLED_S", 0.02)
    sleep = asyncio.sleep
    stood = [0.0, 0.0, 0.0, 0.05, 0.0]
    pauses: list[float] = []

    async def paused(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    async def work() -> None:
        lease = Lease(1, "me", 1, deadline=time.monotonic() + 60, send_from=0.0)
        keeper = Keeper(cast(Any, None), lease, lambda _: None, lambda *_: None)

        async def session() -> float:
            await sleep(stood.pop(0))
            keeper._leaving = not stood
            return 0.0

        monkeypatch.setattr(keeper, "_one_session", session)
        monkeypatch.setattr(asyncio, "sleep", paused)
        await keeper._run()

    asyncio.run(work())
    assert pauses == pytest.approx([0.5, 0.7, 0.98, 0.5, 0.7])
