"""The demo traders at work: one session with the venue, one task per master account.

A trader keeps nothing that matters between two looks at the market: positions and balance are
asked from the venue each time, so that after a restart of either side it goes on from what the
venue says. It touches only positions that carry its label: what a person opens on the same account
is that person's.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from apps.demo.client import VenueClient, VenueRefused, positions_of, symbols_of
from apps.demo.domain.characters import Character
from apps.demo.domain.words import Action, Tick, View
from apps.demo.wire import action_message, describe, holding_of, instrument_of, utc_now
from apps.openapi_wire import messages
from apps.openapi_wire.scaling import money_from_wire, relative_from_wire
from apps.trading.symbols import Instrument

Say = Callable[[str, str], None]
TRAIL_LENGTH = 60
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the venue is and what the traders sign in with."""

    host: str
    port: int
    client_id: str
    client_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    tls: bool = False

    async def open(self, listener: Callable[[Any], None] | None = None) -> VenueClient:
        return await VenueClient.connect(
            self.host,
            self.port,
            client_id=self.client_id,
            client_secret=self.client_secret,
            tls=self.tls,
            listener=listener,
        )


@dataclass(frozen=True, slots=True)
class Seat:
    """A character on its master account; ``deposit`` is what the account began with."""

    character: Character
    account: int
    deposit: Decimal


class Prices:
    """The latest prices of each symbol and a short trail of them, one mid price a second."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._names = {int(i.instrument_id): name for name, i in instruments.items()}
        self._bids: dict[str, Decimal] = {}
        self._asks: dict[str, Decimal] = {}
        self.trails: dict[str, deque[Decimal]] = {
            name: deque(maxlen=TRAIL_LENGTH) for name in instruments
        }

    def take(self, spot: Any) -> None:
        """A spot event; a side that did not change may be missing from it."""
        name = self._names.get(spot.symbolId)
        if name is None:
            return
        if spot.bid:
            self._bids[name] = relative_from_wire(spot.bid)
        if spot.ask:
            self._asks[name] = relative_from_wire(spot.ask)

    def ticks(self) -> dict[str, Tick]:
        return {n: Tick(b, self._asks[n]) for n, b in self._bids.items() if n in self._asks}

    async def sample(self) -> None:
        """Extend the trails for as long as the session lives."""
        while True:
            for name, tick in self.ticks().items():
                self.trails[name].append(tick.mid)
            await asyncio.sleep(1)


class Desk:
    """All demo traders. ``say(who, what)`` is told everything worth a line.

    ``find`` answers where the venue is; it is asked before each session, since an address and
    a token may change while the traders live. OSError from it counts as a venue that is away.
    """

    def __init__(
        self, find: Callable[[], Endpoint], seats: list[Seat], *, seed: int, say: Say
    ) -> None:
        self._find = find
        self._seats = seats
        self._seed = seed
        self._say = say

    async def run(self) -> None:
        """Trade until cancelled; the venue may go and come back meanwhile."""
        pause = FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except* (OSError, VenueRefused) as trouble:
                reason = _first(trouble)
                if time.monotonic() - began > LONGEST_PAUSE_S:
                    pause = FIRST_PAUSE_S
                self._say(
                    "desk",
                    f"no session with the venue ({reason}); again in {pause:.0f} s",
                )
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _session(self) -> None:
        prices: list[Prices] = []

        def listen(message: Any) -> None:
            if prices and isinstance(message, messages.ProtoOASpotEvent):
                prices[0].take(message)

        endpoint = await asyncio.to_thread(self._find)
        client = await endpoint.open(listen)
        try:
            for seat in self._seats:
                await client.authorise(seat.account, endpoint.access_token)
            instruments = await self._instruments(client)
            prices.append(Prices(instruments))
            await self._subscribe(client, instruments)
            self._say("desk", f"{len(self._seats)} traders are at work")
            async with asyncio.TaskGroup() as group:
                group.create_task(prices[0].sample())
                group.create_task(_until_broken(client))
                for seat in self._seats:
                    group.create_task(self._trade(client, seat, instruments, prices[0]))
        finally:
            await client.close()

    async def _instruments(self, client: VenueClient) -> dict[str, Instrument]:
        wanted = {symbol for seat in self._seats for symbol in seat.character.symbols}
        found = await symbols_of(client, self._seats[0].account)
        return {n: instrument_of(n, s) for n, s in found.items() if n in wanted}

    async def _subscribe(self, client: VenueClient, instruments: Mapping[str, Instrument]) -> None:
        await client.request(
            messages.ProtoOASubscribeSpotsReq(
                ctidTraderAccountId=self._seats[0].account,
                symbolId=[int(i.instrument_id) for i in instruments.values()],
            )
        )

    async def _trade(
        self,
        client: VenueClient,
        seat: Seat,
        instruments: Mapping[str, Instrument],
        prices: Prices,
    ) -> None:
        """One character, again and again: look, decide, act."""
        chance = Random(f"{self._seed}/{seat.character.name}")
        while True:
            await asyncio.sleep(seat.character.pace_s * chance.uniform(0.5, 1.5))
            view = await self._view(client, seat, instruments, prices)
            action = seat.character.decide(view, chance)
            if action is not None:
                await self._act(client, seat, action, instruments)

    async def _view(
        self,
        client: VenueClient,
        seat: Seat,
        instruments: Mapping[str, Instrument],
        prices: Prices,
    ) -> View:
        by_id = {int(i.instrument_id): i for i in instruments.values()}
        positions = await positions_of(client, seat.account)
        answer = await client.request(messages.ProtoOATraderReq(ctidTraderAccountId=seat.account))
        balance = money_from_wire(answer.trader.balance, answer.trader.moneyDigits)
        return View(
            now=utc_now(),
            ticks=prices.ticks(),
            trails=prices.trails,
            holdings=[
                holding_of(p, by_id[p.tradeData.symbolId])
                for p in positions
                if p.tradeData.symbolId in by_id
                and p.tradeData.label.startswith(f"{seat.character.name}/")
            ],
            instruments=instruments,
            health=max(balance, Decimal(0)) / seat.deposit,
        )

    async def _act(
        self,
        client: VenueClient,
        seat: Seat,
        action: Action,
        instruments: Mapping[str, Instrument],
    ) -> None:
        """Do it and say it. A refusal is part of trading: a stop may have been quicker."""
        message = action_message(seat.account, action, instruments)
        try:
            done = await client.execute(message)
        except VenueRefused as refused:
            self._say(seat.character.name, f"{describe(action)}: {refused.code}")
        else:
            self._say(seat.character.name, describe(action, done))


def _first(trouble: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain exception of a group of groups."""
    inner = trouble.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _until_broken(client: VenueClient) -> None:
    await client.broken.wait()
    raise ConnectionError("the session with the venue ended")
