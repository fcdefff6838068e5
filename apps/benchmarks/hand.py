"""The hand that trades a master account during a run: an outside client, one trade at a time."""

from __future__ import annotations

from typing import Any

from apps.demo.client import VenueClient, positions_of, symbols_of
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
        self._pip: int = symbol.pipPosition
        self._digits: int = symbol.digits

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
        return int((await self._buy(lots)).position.positionId)

    async def add(self, position: int, lots: int) -> None:
        """Buy more of a position."""
        await self._buy(lots, position)

    async def protect(self, position: int, pips: int) -> None:
        """Put the stop loss that many pips below the position's price."""
        held = await positions_of(self._client, self.account)
        price = next(p.price for p in held if p.positionId == position)
        stop = round(price - pips * 10**-self._pip, self._digits)
        await self._client.execute(
            messages.ProtoOAAmendPositionSLTPReq(
                ctidTraderAccountId=self.account, positionId=position, stopLoss=stop
            )
        )

    async def close(self, position: int, lots: int) -> None:
        await self._client.execute(
            messages.ProtoOAClosePositionReq(
                ctidTraderAccountId=self.account, positionId=position, volume=self.volume(lots)
            )
        )

    async def _buy(self, lots: int, position: int | None = None) -> Any:
        return await self._client.execute(
            messages.ProtoOANewOrderReq(
                ctidTraderAccountId=self.account,
                symbolId=self.symbol_id,
                orderType=OrderType.MARKET,
                tradeSide=TradeSide.BUY,
                volume=self.volume(lots),
                positionId=position,
            )
        )

    async def leave(self) -> None:
        await self._client.close()
