"""``manage.py gateway``: a gateway process, ended by SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import os
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
    # The libuv of uvloop hands changes of what it watches to io_uring, where they may come late:
    # a socket that got the number of one closed a moment ago would then never be heard.
    os.environ.setdefault("UV_USE_IO_URING", "0")
    import uvloop

    return uvloop.new_event_loop
