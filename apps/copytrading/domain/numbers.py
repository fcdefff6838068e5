"""The numbers behind a decision, as they are stored and later explained.

Plain JSON values: Decimals as text, ages as seconds. Keys are stable; readers treat all of
them as optional, since not every mode uses each.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.volume import Size

if TYPE_CHECKING:
    from apps.copytrading.domain.events import MasterEvent
    from apps.copytrading.domain.link import Link
    from apps.copytrading.domain.rows import Market, Row

Number = str | float | int | bool | None
Numbers = dict[str, Number]


def of_size(
    event: MasterEvent, row: Row, market: Market, symbol: Symbol, size: Size | None
) -> Numbers:
    """What a first open was sized from; without ``size`` what was known when it failed."""
    return with_size(shared_of_size(event, row, market, symbol), row, size)


def shared_of_size(event: MasterEvent, row: Row, market: Market, symbol: Symbol) -> Numbers:
    """What first opens of copies that are set like ``row`` are sized from alike."""
    sizing = row.sizing
    place = (row.connection_id, symbol.instrument_id)
    key = (event.id, *place, row.min_volume, row.max_volume, sizing)
    common = market.common.get(key)
    if common is not None:
        return common
    common = _of_event(event, market) | _of_symbol(row, symbol) | of_master(market)
    common["mode"] = sizing.mode.value
    common["held_units"] = "0"
    common["multiplier"] = str(sizing.risk_multiplier)
    quote = market.quote(row, symbol.instrument_id, event)
    if quote is not None:
        common["bid"], common["ask"] = str(quote.bid), str(quote.ask)
    if sizing.fixed_volume:
        common["fixed_volume"] = str(sizing.fixed_volume)
    if sizing.base_equity is not None:
        common["base_equity"] = str(sizing.base_equity)
    if sizing.allocated_capital:
        common["allocated_capital"] = str(sizing.allocated_capital)
    market.common[key] = common
    return common


def with_size(shared: Numbers, row: Row, size: Size | None) -> Numbers:
    """``shared`` with what is the row's own: its money, and what was made of it."""
    numbers = shared | of_moment(row)
    if row.sizing.allocated_capital:
        numbers["own_result"] = str(row.own_result)
    if size is not None:
        numbers["ratio"] = str(size.ratio)
        numbers["raw_units"] = str(size.target)
        numbers["grows"] = size.grows
        if size.capital is not None:
            numbers["capital"] = str(size.capital)
        if size.rate is not None and size.rate != 1:
            numbers["rate"] = str(size.rate)
    return numbers


def of_link(event: MasterEvent, link: Link, row: Row, market: Market) -> Numbers:
    """What a later change of a link was computed from."""
    key = (event.id, row.connection_id, row.min_volume, row.max_volume)
    common = market.common.get(key)
    if common is None:
        symbol = market.symbols.get((row.connection_id, event.instrument_id))
        common = _of_event(event, market) | (_of_symbol(row, symbol) if symbol else {})
        market.common[key] = common
    numbers = common.copy()
    numbers["ratio"] = str(link.ratio)
    numbers["raw_units"] = str(link.target)
    numbers["held_units"] = str(link.held)
    numbers["revision"] = row.revision
    numbers["grows"] = link.grows
    if link.stop_loss is not None:
        numbers["stop_loss"] = str(link.stop_loss)
    if link.take_profit is not None:
        numbers["take_profit"] = str(link.take_profit)
    if event.units_before == event.units_after:  # stops moved: what the platform showed counts
        numbers["shown_sl"] = None if link.shown_sl is None else str(link.shown_sl)
        numbers["shown_tp"] = None if link.shown_tp is None else str(link.shown_tp)
    return numbers


def of_event(event: MasterEvent, market: Market) -> Numbers:
    """What the master did, for an event of which nothing was computed."""
    key = (event.id,)
    told = market.common.get(key)
    if told is None:
        told = {name: value for name, value in _of_event(event, market).items() if value != "0"}
        if event.terms is not None and event.units_after:  # an order: its whole volume
            told["master_units"] = str(event.units_after)
        symbol = market.master_symbols.get(event.instrument_id)
        if symbol is not None:
            told["digits"] = symbol.digits
        market.common[key] = told
    return told


def _of_event(event: MasterEvent, market: Market) -> Numbers:
    symbol = market.master_symbols.get(event.instrument_id)
    lot_units = symbol.lot_units if symbol else Decimal(1)
    return {
        "kind": event.kind.value,
        "master_side": event.order_side.value,
        "master_units": str(event.units),
        "master_units_before": str(event.units_before),
        "master_units_after": str(event.units_after),
        "master_lot_units": str(lot_units),
        "price": None if event.price is None else str(event.price),
    }


def _of_symbol(row: Row, symbol: Symbol) -> Numbers:
    numbers: Numbers = {
        "lot_units": str(symbol.lot_units),
        "step_units": str(symbol.step_units),
        "min_units": str(symbol.min_units),
        "digits": symbol.digits,
        "pip_digits": symbol.pip_digits,
    }
    if row.min_volume:
        numbers["min_volume"] = str(row.min_volume)
    if row.max_volume:
        numbers["max_volume"] = str(row.max_volume)
    return numbers


def of_master(market: Market) -> Numbers:
    """The master's money, whether this copy sizes on it or another one would."""
    master = market.master
    return {
        "master_equity": str(master.equity),
        "master_balance": str(master.balance),
        "master_currency": master.currency,
        "master_age_s": master.age_s,
    }


def of_moment(row: Row) -> Numbers:
    """How the follower stood, and by which settings; with it a decision can be computed again."""
    funds = row.funds
    numbers: Numbers = {
        "revision": row.revision,
        "equity": str(funds.equity),
        "balance": str(funds.balance),
        "currency": funds.currency,
        "age_s": funds.age_s,
    }
    if row.leverage:
        numbers["leverage"] = str(row.leverage)
        numbers["margin_used"] = str(row.margin_used)
    return numbers
