"""One of something for each event loop: a process has one loop, tests have many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Made when the running loop first asks; those of loops that have ended are forgotten."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[asyncio.AbstractEventLoop, T] = {}

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            for ended in [each for each in self._made if each.is_closed()]:
                del self._made[ended]
            self._made[loop] = self._make()
        return self._made[loop]
