"""One trade by hand on a demo master account, for ``manage.py demo_trade``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.demo.client import VenueClient, positions_of, symbols_of
from apps.demo.desk import Endpoint, Seat
from apps.demo.domain.words import Action, Holding, Increase, Open, Protect, Reduce
from apps.demo.wire import action_message, describe, holding_of, instrument_of
from apps.openapi_wire.scaling import units_from_wire
from apps.trading.orders import Side
from apps.trading.quantity import floor_to_step
from apps.trading.symbols import Instrument

LABEL = "by hand"


class BadTrade(ValueError):
    """The trade cannot be made as asked; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for; lots, pips and prices as typed, None where not given."""

    what: str
    symbol: str = "EURUSD"
    side: Side = Side.BUY
    lots: Decimal | None = None
    position: str = ""
    stop_pips: Decimal | None = None
    target_pips: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


async def trade(endpoint: Endpoint, seat: Seat, wish: Wish) -> list[str]:
    """Sign in, do it, and tell in lines what happened. BadTrade, VenueRefused, OSError."""
    client = await endpoint.open()
    try:
        await client.authorise(seat.account, endpoint.access_token)
        instruments = {
            name: instrument_of(name, symbol)
            for name, symbol in (await symbols_of(client, seat.account)).items()
        }
        holdings = await _holdings(client, seat.account, instruments)
        if wish.what == "list":
            return [_line(h, instruments) for h in holdings] or ["no open position"]
        action = decide(wish, holdings, instruments)
        done = await client.execute(action_message(seat.account, action, instruments))
        return [describe(action, done), _result(done)]
    finally:
        await client.close()


def decide(wish: Wish, holdings: list[Holding], instruments: Mapping[str, Instrument]) -> Action:
    """The action that the wish means; without a position the newest by hand, else the newest."""
    if wish.what == "open":
        return _open(wish, instruments)
    holding = _chosen(wish, holdings)
    instrument = instruments[holding.symbol]
    units = None if wish.lots is None else wish.lots * instrument.lot_units
    match wish.what:
        case "increase":
            return Increase(holding, units or holding.units)
        case "partial":
            half = max(floor_to_step(holding.units / 2, instrument.step_units), Decimal(0))
            return Reduce(holding, _part(units or half, holding, instrument))
        case "close":
            return Reduce(holding, holding.units)
        case "stop":
            return _protect(wish, holding, instrument)
    raise BadTrade(f"there is no {wish.what!r}: open, increase, partial, stop, close or list")


def _open(wish: Wish, instruments: Mapping[str, Instrument]) -> Open:
    instrument = instruments.get(wish.symbol)
    if instrument is None:
        known = ", ".join(sorted(instruments))
        raise BadTrade(f"the venue has no {wish.symbol}; it has {known}")
    pip = Decimal(1).scaleb(-instrument.pip_digits)
    lots = Decimal("0.10") if wish.lots is None else wish.lots
    return Open(
        wish.symbol,
        wish.side,
        lots * instrument.lot_units,
        (wish.stop_pips or Decimal(0)) * pip,
        (wish.target_pips or Decimal(0)) * pip,
        LABEL,
    )


def _chosen(wish: Wish, holdings: list[Holding]) -> Holding:
    if wish.position:
        for holding in holdings:
            if holding.position_id == wish.position:
                return holding
        raise BadTrade(f"position {wish.position} is not open; `list` shows what is")
    newest = sorted(holdings, key=lambda h: (h.label == LABEL, h.opened_at))
    if not newest:
        raise BadTrade("there is no open position; open one first")
    return newest[-1]


def _part(units: Decimal, holding: Holding, instrument: Instrument) -> Decimal:
    if units <= 0 or units > holding.units:
        held = instrument.lots(holding.units)
        raise BadTrade(f"of {held} lots that are held, this much cannot be closed")
    return units


def _protect(wish: Wish, holding: Holding, instrument: Instrument) -> Protect:
    """Prices as given, or pips from the open price; what is not given stays as it is."""
    pip = Decimal(1).scaleb(-instrument.pip_digits)
    sign = holding.side.sign
    stop, target = holding.stop_loss, holding.take_profit
    if wish.stop_pips is not None:
        stop = holding.price - sign * wish.stop_pips * pip
    if wish.target_pips is not None:
        target = holding.price + sign * wish.target_pips * pip
    stop = wish.stop_loss if wish.stop_loss is not None else stop
    target = wish.take_profit if wish.take_profit is not None else target
    if (stop, target) == (holding.stop_loss, holding.take_profit):
        raise BadTrade("say where: --sl or --tp as prices, --sl-pips or --tp-pips from the open")
    return Protect(holding, stop or None, target or None)


async def _holdings(
    client: VenueClient, account: int, instruments: Mapping[str, Instrument]
) -> list[Holding]:
    by_id = {int(i.instrument_id): i for i in instruments.values()}
    positions = await positions_of(client, account)
    return [holding_of(p, by_id[p.tradeData.symbolId]) for p in positions]


def _line(holding: Holding, instruments: Mapping[str, Instrument]) -> str:
    lots = instruments[holding.symbol].lots(holding.units)
    return (
        f"#{holding.position_id}  {holding.side} {lots} lots {holding.symbol} at {holding.price}"
        f"  stop {holding.stop_loss or '-'}  target {holding.take_profit or '-'}  {holding.label}"
    )


def _result(done: Any) -> str:
    """What the venue says of the position afterwards."""
    position = done.position
    volume = units_from_wire(position.tradeData.volume)
    return (
        f"position #{position.positionId} now holds {volume:,.0f} units"
        if volume
        else (f"position #{position.positionId} is closed")
    )
