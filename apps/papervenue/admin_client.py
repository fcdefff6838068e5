"""Speaking to a running venue's admin channel."""

from __future__ import annotations

import asyncio
import json
from typing import Any

_PART_BYTES = 1024 * 1024


class AdminRefused(Exception):
    """The venue did not carry out the command; the text says why."""


class AdminClient:
    """Commands to the admin port, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def ask(self, do: str, **terms: Any) -> dict[str, Any]:
        """Carry out one command (see ``admin.py``). AdminRefused, or OSError without a venue."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(json.dumps({"do": do, **terms}).encode() + b"\n")
            line = await _line(reader)
        finally:
            writer.close()
        if not line.endswith(b"\n"):
            raise ConnectionError("the venue ended before it answered")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise AdminRefused(answer["error"])
        return answer

    def ask_now(self, do: str, **terms: Any) -> dict[str, Any]:
        """The same where no event loop runs."""
        return asyncio.run(self.ask(do, **terms))


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The one line of an answer, however long: books of a long run have hundreds of megabytes."""
    parts: list[bytes] = []
    while part := await reader.read(_PART_BYTES):
        parts.append(part)
        if part.endswith(b"\n"):
            break
    return b"".join(parts)
