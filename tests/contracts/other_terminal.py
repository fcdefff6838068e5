"""Another Open API client of the same account, written without the adapter."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from apps.openapi_wire import FrameDecoder, encode_frame, messages
from apps.trading.orders import Side


class OtherTerminal:
    """Signs in, asks one thing after the other, and waits for what it asked for."""

    def __init__(self, port: int, values: dict[str, str]) -> None:
        self._port = port
        self._values = values
        self._decoder = FrameDecoder()
        self._received: list[Any] = []

    async def __aenter__(self) -> OtherTerminal:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        await self.ask(
            messages.ProtoOAApplicationAuthReq(
                clientId=self._values["client_id"], clientSecret=self._values["client_secret"]
            ),
            messages.ProtoOAApplicationAuthRes,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, message: Any, answer: type[Any]) -> Any:
        """Send and wait for the next message of a class; anything else is passed over."""
        self._writer.write(encode_frame(message))
        async with asyncio.timeout(5):
            while True:
                while self._received:
                    received = self._received.pop(0)
                    if isinstance(received, answer):
                        return received
                    assert "Error" not in type(received).__name__, received
                data = await self._reader.read(65_536)
                assert data, "the platform ended the session"
                self._received += [frame.message() for frame in self._decoder.feed(data)]

    async def sign_in(self, account: int) -> None:
        await self.ask(
            messages.ProtoOAAccountAuthReq(
                ctidTraderAccountId=account, accessToken=self._values["access_token"]
            ),
            messages.ProtoOAAccountAuthRes,
        )

    async def spend_refresh_token(self) -> None:
        await self.ask(
            messages.ProtoOARefreshTokenReq(refreshToken=self._values["refresh_token"]),
            messages.ProtoOARefreshTokenRes,
        )

    async def open(self, account: int, symbol_id: int, side: Side, volume: int) -> str:
        """Open at market; the position's id."""
        request = messages.ProtoOANewOrderReq(
            ctidTraderAccountId=account,
            symbolId=symbol_id,
            orderType=1,
            tradeSide=1 if side is Side.BUY else 2,
            volume=volume,
        )
        return await self._filled(request)

    async def close(self, account: int, position_id: str, volume: int) -> str:
        request = messages.ProtoOAClosePositionReq(
            ctidTraderAccountId=account, positionId=int(position_id), volume=volume
        )
        return await self._filled(request)

    async def trail(self, account: int, position_id: str, stop: float) -> None:
        """Put a trailing stop on a position."""
        request = messages.ProtoOAAmendPositionSLTPReq(
            ctidTraderAccountId=account,
            positionId=int(position_id),
            stopLoss=stop,
            trailingStopLoss=True,
        )
        await self.ask(request, messages.ProtoOAExecutionEvent)

    async def _filled(self, request: Any) -> str:
        event = await self.ask(request, messages.ProtoOAExecutionEvent)
        while not event.HasField("deal"):
            event = await self.ask(messages.ProtoHeartbeatEvent(), messages.ProtoOAExecutionEvent)
        return str(event.position.positionId)
