"""``manage.py gateway``: a gateway process, ended by SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Hold sessions with platforms: journal what happens, send what was committed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="gateway", help="how this gateway is shown")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.execution.gateway.process import Gateway

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(Gateway(options["name"]).run())


def _loop_factory() -> Any:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
