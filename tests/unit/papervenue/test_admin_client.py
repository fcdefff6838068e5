"""Answers of the admin channel come whole, however long they are."""

from __future__ import annotations

import asyncio
import json

import pytest

from apps.papervenue import admin_client
from apps.papervenue.admin_client import AdminClient


@pytest.mark.parametrize("piece", [1_000, 10_000_000])
async def test_an_answer_of_any_length_is_read(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(admin_client, "_PART_BYTES", 4_096)
    books = ["x" * 100] * 3_000
    text = json.dumps({"ok": True, "books": books}).encode() + b"\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert json.loads(await reader.readline()) == {"do": "books"}
        for start in range(0, len(text), piece):
            writer.write(text[start : start + piece])
            await writer.drain()
        await reader.read()  # left open: the end of the line is the end of the answer
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(10):
            assert await AdminClient(port).ask("books") == {"books": books}


@pytest.mark.parametrize("part", [b"", b'{"ok": true, "bo'])
async def test_a_venue_that_ends_is_said(part: bytes) -> None:
    async def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(part)
        writer.close()

    async with await asyncio.start_server(gone, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionError):
            await AdminClient(port).ask("books")
