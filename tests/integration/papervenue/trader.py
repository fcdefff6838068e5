"""A bare Open API client for tests: sends what it is told and collects what it hears."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from apps.openapi_wire import Frame, FrameDecoder, encode_frame, messages
from apps.openapi_wire.payloads import PayloadType
from apps.papervenue.testing import OpenedAccount, TestVenue

WAIT_S = 5.0


class Trader:
    """One session; ``heard`` holds every frame in the order of arrival."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._decoder = FrameDecoder()
        self._next = 0
        self._more = asyncio.Event()
        self.heard: list[Frame] = []
        self.ended = False
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, host: str, port: int, context: ssl.SSLContext | None = None) -> Trader:
        return cls(*await asyncio.open_connection(host, port, ssl=context))

    @classmethod
    async def signed_in(cls, venue: TestVenue, *accounts: OpenedAccount) -> Trader:
        """A session with the application and these accounts signed in."""
        trader = await cls.connect(venue.host, venue.port)
        await trader.sign_in(venue.client_id, venue.client_secret)
        for account in accounts:
            await trader.open(account.account_id, account.access_token)
        return trader

    async def sign_in(self, client_id: str, client_secret: str) -> Any:
        return await self.ask(
            messages.ProtoOAApplicationAuthReq(clientId=client_id, clientSecret=client_secret)
        )

    async def open(self, account_id: int, token: str) -> Any:
        return await self.ask(
            messages.ProtoOAAccountAuthReq(ctidTraderAccountId=account_id, accessToken=token)
        )

    def send(self, message: Any, key: str = "") -> str:
        self._next += 1
        key = key or f"t{self._next}"
        self._writer.write(encode_frame(message, key))
        return key

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def ask(self, message: Any) -> Any:
        """The first answer to a request."""
        return (await self.answers(self.send(message), 1))[0]

    async def trade(self, message: Any, count: int = 2) -> list[Any]:
        """The first ``count`` answers to a request: accepted and filled, as a rule."""
        return await self.answers(self.send(message), count)

    async def answers(self, key: str, count: int) -> list[Any]:
        found = await self.wait(lambda frame: frame.client_msg_id == key, count)
        return [frame.message() for frame in found]

    async def events(self, kind: PayloadType, count: int = 1) -> list[Any]:
        """Messages of a kind that answer nothing of ours."""
        found = await self.wait(
            lambda frame: frame.payload_type == kind and not frame.client_msg_id, count
        )
        return [frame.message() for frame in found]

    async def wait(self, fits: Callable[[Frame], bool], count: int) -> list[Frame]:
        """At least ``count`` frames that fit; AssertionError tells what came instead."""
        try:
            async with asyncio.timeout(WAIT_S):
                while len(found := [frame for frame in self.heard if fits(frame)]) < count:
                    assert not self.ended, f"the venue hung up; heard {self.heard}"
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"waited for {count} frames, heard {self.heard}") from None
        return found

    async def hang_up(self) -> None:
        """Until the venue has closed the session."""
        async with asyncio.timeout(WAIT_S):
            await self._task

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(1 << 18):
                self.heard += self._decoder.feed(data)
                self._more.set()
        except OSError:
            pass
        finally:
            self.ended = True
            self._more.set()
