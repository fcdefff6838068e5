"""A relay between a connector and its platform, where the network itself fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

Look = Callable[[bytes], None]


class Relay:
    """Passes bytes on until told otherwise; the platform's port may change beneath it.

    ``look`` makes, for each session, what is shown the bytes on their way to the connector.
    """

    def __init__(self, look: Callable[[], Look], host: str = "127.0.0.1") -> None:
        self.host = host
        self.barred = False
        self._look = look
        self.port = 0
        self.target = 0
        self.bytes_up = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._thawed: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def cut(self) -> None:
        """Break every session in the middle."""
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    def freeze(self) -> None:
        """The sessions of now stay, and nothing passes on them any more."""
        for thawed in self._thawed.values():
            thawed.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.barred:
                raise ConnectionRefusedError
            up_reader, up_writer = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.transport.abort()
            return
        thawed = asyncio.Event()
        thawed.set()
        for end in (writer, up_writer):
            self._writers.add(end)
            self._thawed[end] = thawed
        for source, sink, look in (
            (reader, up_writer, self._count),
            (up_reader, writer, self._look()),
        ):
            pump = asyncio.get_running_loop().create_task(self._pump(source, sink, thawed, look))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    def _count(self, data: bytes) -> None:
        self.bytes_up += len(data)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        thawed: asyncio.Event,
        look: Look,
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await thawed.wait()
                look(data)
                sink.write(data)
        with suppress(OSError):
            sink.close()
        self._writers.discard(sink)
        self._thawed.pop(sink, None)
