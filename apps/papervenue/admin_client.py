"""Speaking to a running venue's admin channel."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from apps.papervenue.admin import LINE_BYTES


class AdminRefused(Exception):
    """The venue did not carry out the command; the text says why."""


class AdminClient:
    """Commands to the admin port, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def ask(self, do: str, **terms: Any) -> dict[str, Any]:
        """Carry out one command (see ``admin.py``). AdminRefused, or OSError without a venue."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LINE_BYTES)
        try:
            writer.write(json.dumps({"do": do, **terms}).encode() + b"\n")
            line = await reader.readline()
        finally:
            writer.close()
        if not line:
            raise ConnectionError("the venue ended before it answered")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise AdminRefused(answer["error"])
        return answer

    def ask_now(self, do: str, **terms: Any) -> dict[str, Any]:
        """The same where no event loop runs."""
        return asyncio.run(self.ask(do, **terms))
