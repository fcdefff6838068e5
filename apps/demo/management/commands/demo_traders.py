"""Trade the demo's master accounts through the Open API until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.demo.desk import Desk
from apps.demo.selectors import demo_seats, endpoint


class Command(BaseCommand):
    help = "Trade the demo masters, each by its own script, as an outside client would."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="of the traders' chance")

    def handle(self, *args: Any, **options: Any) -> None:
        desk = Desk(endpoint, demo_seats(), seed=options["seed"], say=self._say)
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_until_told(desk))

    def _say(self, who: str, what: str) -> None:
        self.stdout.write(f"{who}: {what}")
        sys.stdout.flush()


async def _until_told(desk: Desk) -> None:
    """Run the desk; SIGTERM and SIGINT end it at once, its positions keep their stops."""
    loop, work = asyncio.get_running_loop(), asyncio.current_task()
    assert work is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    await desk.run()
