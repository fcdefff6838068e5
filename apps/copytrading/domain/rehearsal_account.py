"""The account of a rehearsal: it trades at the master's prices with friction, and is valued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.volume import Converts
from apps.trading.margin import margin_level, open_result, used_margin
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

_PERCENT = Decimal(100)


class Friction(NamedTuple):
    """What copying costs more than the master pays.

    ``slippage`` is percent of the price, in the worse direction. ``spreads`` are, by instrument
    of the follower, how much wider bid and ask stand than the master's (absolute). ``commission``
    is account currency for each lot and side.
    """

    slippage: Decimal = ZERO
    spreads: Mapping[str, Decimal] = {}
    commission: Decimal = ZERO


NO_FRICTION = Friction()


class Held(NamedTuple):
    """A position of the rehearsal, at its average price."""

    symbol: Symbol
    side: Side
    units: Decimal
    price: Decimal


class _Book(NamedTuple):
    """All positions of one instrument: units with their sign, what they cost, and without."""

    symbol: Symbol
    net: Decimal = ZERO
    cost: Decimal = ZERO
    gross: Decimal = ZERO


@dataclass(slots=True)
class Account:
    """Money and positions in ``currency``; positions by the key of the master's position.

    ``paid`` is what friction has cost. ``prices`` are the latest by instrument of the follower.
    """

    currency: str
    balance: Decimal
    leverage: Decimal
    rates: Converts
    friction: Friction
    positions: dict[str, Held] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    paid: Decimal = ZERO
    _rates: dict[str, Decimal] = field(default_factory=dict)
    _books: dict[str, _Book] = field(default_factory=dict)

    def buy_or_sell(self, key: str, symbol: Symbol, side: Side, units: Decimal) -> None:
        """Open a position or add to it, at the symbol's latest price with friction."""
        price = self._filled(symbol, side, units)
        self._add(symbol, side, units, price)
        held = self.positions.get(key)
        if held is not None:
            price = (held.price * held.units + price * units) / (held.units + units)
            units += held.units
        self.positions[key] = Held(symbol, side, units, price)

    def close(self, key: str, units: Decimal) -> None:
        """Close ``units`` of a position, or what there is of it."""
        held = self.positions[key]
        units = min(units, held.units)
        price = self._filled(held.symbol, held.side.opposite, units)
        result = open_result(held.side, units, held.price, price)
        self.balance += result * self.quote_rate(held.symbol)
        self._add(held.symbol, held.side, -units, held.price)
        if units < held.units:
            self.positions[key] = held._replace(units=held.units - units)
        else:
            del self.positions[key]

    def close_all(self) -> None:
        for key, held in list(self.positions.items()):
            self.close(key, held.units)

    def equity(self) -> Decimal:
        """Balance and the results of open positions at the latest prices."""
        equity = self.balance
        for name, book in self._books.items():
            result = book.net * self.prices[name] - book.cost
            equity += result * self.quote_rate(book.symbol)
        return equity

    def margin(self) -> Decimal:
        """Margin in use; nothing where the account has no leverage that is known."""
        if self.leverage <= 0:
            return ZERO
        margin = ZERO
        for name, book in self._books.items():
            base_rate = self.prices[name] * self.quote_rate(book.symbol)
            margin += used_margin(book.gross, base_rate, self.leverage)
        return margin

    def margin_level(self) -> Decimal | None:
        """Equity ÷ margin in percent; None without margin in use."""
        return margin_level(self.equity(), self.margin())

    def quote_rate(self, symbol: Symbol) -> Decimal:
        """From a symbol's quote currency to the account's; NoConversionRate where unknown."""
        if symbol.quote == self.currency:
            return Decimal(1)
        price = self.prices.get(symbol.instrument_id)
        if symbol.base == self.currency and price:
            return 1 / price
        if symbol.quote not in self._rates:
            self._rates[symbol.quote] = self.rates.rate(symbol.quote, self.currency)
        return self._rates[symbol.quote]

    def _add(self, symbol: Symbol, side: Side, units: Decimal, price: Decimal) -> None:
        """Keep the sums by instrument, so that valuing costs the same for many positions."""
        book = self._books.get(symbol.instrument_id, _Book(symbol))
        signed = units * side.sign
        book = _Book(symbol, book.net + signed, book.cost + signed * price, book.gross + units)
        if book.gross:
            self._books[symbol.instrument_id] = book
        else:
            del self._books[symbol.instrument_id]

    def _filled(self, symbol: Symbol, side: Side, units: Decimal) -> Decimal:
        """The price with friction; commission is booked."""
        price = self.prices[symbol.instrument_id]
        worse = price * self.friction.slippage / _PERCENT
        worse += self.friction.spreads.get(symbol.instrument_id, ZERO) / 2
        commission = self.friction.commission * units / symbol.lot_units
        self.balance -= commission
        self.paid += worse * units * self.quote_rate(symbol) + commission
        return price + worse * side.sign
