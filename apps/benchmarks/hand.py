"""The hand that trades a master account during a run: an outside client, one trade at a time."""

from __future__ import annotations

from typing import Any

from apps.demo.client import VenueClient, symbols_of
from apps.demo.desk import Endpoint
from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType, TradeSide

SYMBOL = "EURUSD"


class Hand:
    """Opens and closes on one account; the volume is lots of the venue's symbol."""

    def __init__(self, client: VenueClient, account: int, symbol: Any) -> None:
        self._client = client
        self.account = account
        self.symbol_id: int = symbol.symbolId
        self._lot: int = symbol.lotSize

    @classmethod
    async def sit_down(cls, endpoint: Endpoint, account: int) -> Hand:
        client = await endpoint.open()
        await client.authorise(account, endpoint.access_token)
        symbols = await symbols_of(client, account)
        return cls(client, account, symbols[SYMBOL])

    def volume(self, lots: int) -> int:
        return lots * self._lot

    async def open(self, lots: int) -> int:
        """Buy; the id of the new position."""
        done = await self._client.execute(
            messages.ProtoOANewOrderReq(
                ctidTraderAccountId=self.account,
                symbolId=self.symbol_id,
                orderType=OrderType.MARKET,
                tradeSide=TradeSide.BUY,
                volume=self.volume(lots),
            )
        )
        return int(done.position.positionId)

    async def close(self, position: int, lots: int) -> None:
        await self._client.execute(
            messages.ProtoOAClosePositionReq(
                ctidTraderAccountId=self.account, positionId=position, volume=self.volume(lots)
            )
        )

    async def leave(self) -> None:
        await self._client.close()
