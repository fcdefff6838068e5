"""A relay between a connector and its platform, where the network itself fails."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Relay:
    """Passes bytes on until told otherwise; the platform's port may change beneath it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
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
            up_reader, up_writer = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.transport.abort()
            return
        thawed = asyncio.Event()
        thawed.set()
        for end in (writer, up_writer):
            self._writers.add(end)
            self._thawed[end] = thawed
        for source, sink, counts in ((reader, up_writer, True), (up_reader, writer, False)):
            pump = asyncio.get_running_loop().create_task(self._pump(source, sink, thawed, counts))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        thawed: asyncio.Event,
        counts: bool,
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await thawed.wait()
                if counts:
                    self.bytes_up += len(data)
                sink.write(data)
        with suppress(OSError):
            sink.close()
        self._writers.discard(sink)
        self._thawed.pop(sink, None)
