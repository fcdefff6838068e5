"""The masters at work during a chaos run: outside clients that trade on, whatever breaks.

A master is told nothing of the product. When the venue is killed under its hands it signs in
again and looks at what it really holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from apps.benchmarks.chaos.field import Master
from apps.demo.client import VenueClient, VenueRefused, positions_of, symbols_of
from apps.demo.desk import Endpoint
from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType, TradeSide

SYMBOLS = ("EURUSD", "GBPUSD", "AUDUSD")
_MOST_OPEN = 4
_BURST_CHANCE = 0.15
_AWAY_S = 0.3
_TROUBLE = (OSError, TimeoutError, VenueRefused)


@dataclass(slots=True)
class Held:
    """A position of a master as it knows it; the volume is hundredths of a unit."""

    position_id: int
    symbol_id: int
    side: int
    volume: int
    price: float


@dataclass(slots=True)
class Trader:
    """One master account. ``rate`` is trades in a second; ``done`` counts what was answered."""

    endpoint: Endpoint
    account: int
    chance: Random
    rate: float
    done: int = 0
    held: dict[int, Held] = field(default_factory=dict)
    _client: VenueClient | None = None
    _symbols: dict[int, Any] = field(default_factory=dict)

    async def play(self, until: asyncio.Event) -> None:
        """Trade until told to stop, then close about half of what is open."""
        while not until.is_set():
            try:
                await self._sit_down()
                for _ in range(self._burst()):
                    await self._trade()
                await _pause(until, self.chance.expovariate(self.rate))
            except _TROUBLE:
                await self._get_up()
                await _pause(until, _AWAY_S)
        with contextlib.suppress(*_TROUBLE):
            await self._sit_down()
            for held in list(self.held.values())[::2]:
                await self._close(held, held.volume)
        await self._get_up()

    def _burst(self) -> int:
        return self.chance.randrange(2, 6) if self.chance.random() < _BURST_CHANCE else 1

    async def _sit_down(self) -> None:
        """A session, and what is really held; nothing to do while both are there."""
        if self._client is not None and not self._client.broken.is_set():
            return
        await self._get_up()
        client = self._client = await self.endpoint.open()
        await client.authorise(self.account, self.endpoint.access_token)
        found = await symbols_of(client, self.account)
        self._symbols = {found[name].symbolId: found[name] for name in SYMBOLS}
        self.held = {p.positionId: _held(p) for p in await positions_of(client, self.account)}

    async def _get_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _trade(self) -> None:
        what = self.chance.choice(("open", "open", "add", "part", "part", "close", "stop", "stop"))
        if not self.held or (what == "open" and len(self.held) < _MOST_OPEN):
            await self._open()
            return
        held = self.chance.choice(list(self.held.values()))
        match what:
            case "add":
                await self._add(held)
            case "part":
                await self._close(held, self._part(held))
            case "stop":
                await self._protect(held)
            case _:
                await self._close(held, held.volume)

    def _lots(self, symbol_id: int, least: int, most: int) -> int:
        """A volume between so many tenths of a lot."""
        return int(self._symbols[symbol_id].lotSize) // 10 * self.chance.randrange(least, most)

    def _part(self, held: Held) -> int:
        """A share of a position on the symbol's step; the whole where it has no parts."""
        step = int(self._symbols[held.symbol_id].stepVolume)
        steps = held.volume // step
        return self.chance.randrange(1, steps) * step if steps > 1 else held.volume

    async def _open(self) -> None:
        symbol_id = self.chance.choice(list(self._symbols))
        side = self.chance.choice((TradeSide.BUY, TradeSide.SELL))
        answer = await self._order(symbol_id, side, self._lots(symbol_id, 20, 120), None)
        self.held[answer.position.positionId] = _held(answer.position)

    async def _add(self, held: Held) -> None:
        volume = self._lots(held.symbol_id, 1, 40)
        answer = await self._order(held.symbol_id, held.side, volume, held.position_id)
        self.held[held.position_id] = _held(answer.position)

    async def _order(self, symbol_id: int, side: int, volume: int, position: int | None) -> Any:
        return await self._execute(
            messages.ProtoOANewOrderReq(
                ctidTraderAccountId=self.account,
                symbolId=symbol_id,
                orderType=OrderType.MARKET,
                tradeSide=side,
                volume=volume,
                positionId=position,
            )
        )

    async def _close(self, held: Held, volume: int) -> None:
        await self._execute(
            messages.ProtoOAClosePositionReq(
                ctidTraderAccountId=self.account, positionId=held.position_id, volume=volume
            )
        )
        held.volume -= volume
        if not held.volume:
            del self.held[held.position_id]

    async def _protect(self, held: Held) -> None:
        """Put the stop loss far enough away not to be hit, or take it off."""
        symbol = self._symbols[held.symbol_id]
        message = messages.ProtoOAAmendPositionSLTPReq(
            ctidTraderAccountId=self.account, positionId=held.position_id
        )
        if self.chance.random() < 0.85:
            sign = -1 if held.side == TradeSide.BUY else 1
            pips = self.chance.randrange(200, 900)
            message.stopLoss = round(
                held.price + sign * pips * 10**-symbol.pipPosition, symbol.digits
            )
        await self._execute(message)

    async def _execute(self, message: Any) -> Any:
        if self._client is None:
            raise ConnectionError("not signed in")
        answer = await self._client.execute(message)
        self.done += 1
        return answer


def _held(position: Any) -> Held:
    trade = position.tradeData
    return Held(position.positionId, trade.symbolId, trade.tradeSide, trade.volume, position.price)


async def _pause(until: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(until.wait(), seconds)


class Storm:
    """All masters trading in a thread of their own, until :meth:`end`."""

    def __init__(
        self, endpoint: Endpoint, masters: Sequence[Master], *, seed: int, per_second: float
    ) -> None:
        rate = per_second / len(masters)
        self.traders = [
            Trader(endpoint, m.venue_account, Random(f"{seed}/{m.venue_account}"), rate)
            for m in masters
        ]
        self._loop = asyncio.new_event_loop()
        self._until = asyncio.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="storm", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self, timeout_s: float = 30) -> int:
        """Let the masters finish; answers how many trades the venue confirmed to them."""
        self._loop.call_soon_threadsafe(self._until.set)
        self._thread.join(timeout_s)
        if self._trouble is not None:
            raise self._trouble
        return sum(trader.done for trader in self.traders)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._play())
        except BaseException as trouble:
            self._trouble = trouble
        finally:
            self._loop.close()

    async def _play(self) -> None:
        async with asyncio.TaskGroup() as group:
            for trader in self.traders:
                group.create_task(trader.play(self._until))
