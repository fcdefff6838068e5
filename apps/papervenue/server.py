"""The venue as a server: sockets, prices, the admin channel, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from types import TracebackType

from apps.papervenue import tls
from apps.papervenue.admin import AdminServer
from apps.papervenue.config import VenueConfig
from apps.papervenue.prices import PriceSource, open_source
from apps.papervenue.session import Session
from apps.papervenue.venue import Venue
from apps.papervenue.web.http import HttpServer
from apps.papervenue.web.pages import Pages

SWEEP_S = 1.0
SAVE_PRICES_S = 5.0
CHECKPOINT_S = 5.0
_POSITION = "price_position_ms"


class VenueServer:
    """A running venue. Its ports are known once it has started."""

    def __init__(self, config: VenueConfig, source: PriceSource | None = None) -> None:
        self.config = config
        self.venue = Venue(config)
        self.stopping = asyncio.Event()
        self.venue.failed = self.stopping.set
        self.port = 0
        self.admin_port = 0
        self.http_port = 0
        self._source = open_source(config) if source is None else source
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> VenueServer:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Take prices, then open the ports. OSError where a port is in use."""
        venue, config = self.venue, self.config
        self._source.seek(venue.meta.get(_POSITION, 0) / 1000)
        venue.symbols_offered.update(self._source.symbols)
        venue.quotes(self._source.advance(0))
        loop = asyncio.get_running_loop()
        context: ssl.SSLContext | None = None
        if config.tls or config.tls_cert:
            context = tls.server_context(config)
        server = await loop.create_server(
            lambda: Session(venue), config.host, config.port, ssl=context, backlog=512
        )
        self.port = server.sockets[0].getsockname()[1]
        admin = AdminServer(venue, self.stopping)
        admin_server = await admin.listen(config.admin_port)
        self.admin_port = admin_server.sockets[0].getsockname()[1]
        self._servers = [server, admin_server]
        if config.http_port is not None:
            web = await HttpServer(Pages(venue).answer).listen(config.host, config.http_port)
            self.http_port = web.sockets[0].getsockname()[1]
            self._servers.append(web)
        self._tasks = [
            asyncio.create_task(self._prices(), name="venue-prices"),
            asyncio.create_task(self._sweeps(), name="venue-sweeps"),
            asyncio.create_task(self._checkpoints(), name="venue-checkpoints"),
        ]

    async def serve(self) -> None:
        """Run until :attr:`stopping` is set."""
        async with self:
            await self.stopping.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            server.close()
        for session in self.venue.sessions.copy():
            session.end("the venue is shut down")
        for server in self._servers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 1)
        self._save_position()
        self.venue.store.close()

    async def _prices(self) -> None:
        last = saved = time.monotonic()
        while True:
            await asyncio.sleep(self.config.tick_s)
            now = time.monotonic()
            self.venue.quotes(self._source.advance((now - last) * self.config.speed))
            last = now
            if now - saved >= SAVE_PRICES_S:
                saved = now
                self._save_position()

    def _save_position(self) -> None:
        """Prices go on from here after a restart."""
        self.venue.store.meta(_POSITION, int(self._source.position * 1000))

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            await self.venue.sweep_gently()

    async def _checkpoints(self) -> None:
        store = self.venue.store
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            if store.checkpoint_due:
                await asyncio.to_thread(store.checkpoint)
