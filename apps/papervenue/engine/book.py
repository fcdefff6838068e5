"""State of the venue and what follows from prices: results, margin, equity."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from apps.openapi_wire.enums import ErrorCode, TradeSide
from apps.papervenue.engine.records import ENTRY_SCALE, Account, Order, Position, Refused
from apps.papervenue.engine.specs import PRICE_DIGITS, UNIT, SymbolSpec
from apps.trading.errors import NoConversionRate
from apps.trading.money import Rates
from apps.trading.schedule import Schedule

_PRICE = Decimal(10**PRICE_DIGITS)
_RESULT = Decimal(UNIT * ENTRY_SCALE * 10**PRICE_DIGITS)
_MILLION = Decimal(1_000_000)

Quote = tuple[int, int]
"""Bid and ask."""


def share(total: int, part: int, whole: int) -> int:
    """The part of an amount that goes with ``part`` of ``whole``, rounded half up."""
    return total if part == whole else (2 * total * part + whole) // (2 * whole)


class Counters:
    """Next ids. They are saved with every batch, so that none is given twice."""

    __slots__ = ("account", "cash", "deal", "order", "position")

    def __init__(self) -> None:
        self.account = 1_001
        self.order = 10_000_001
        self.position = 20_000_001
        self.deal = 30_000_001
        self.cash = 40_000_001

    def take(self, name: str) -> int:
        value: int = getattr(self, name)
        setattr(self, name, value + 1)
        return value


class Book:
    """Accounts, quotes and what is watched for a price; valuation of positions."""

    def __init__(self, specs: Iterable[SymbolSpec]) -> None:
        self.specs = {spec.symbol_id: spec for spec in specs}
        self.accounts: dict[int, Account] = {}
        self.quotes: dict[int, Quote] = {}
        self.schedules: dict[int, Schedule] = {}  # of symbols that are not always open
        self.counters = Counters()
        self.resting: dict[int, dict[int, Order]] = {number: {} for number in self.specs}
        self.protected: dict[int, dict[int, Position]] = {number: {} for number in self.specs}
        self.bounds: dict[int, tuple[int, int, int, int]] = {}
        self._rates: Rates | None = None
        self._terms: dict[tuple[str, int, int, int], int] = {}  # margins, commissions now
        self._scales: dict[tuple[str, str], Decimal] = {}  # of results, per pair of currencies

    def set_quote(self, symbol_id: int, bid: int, ask: int) -> None:
        self.quotes[symbol_id] = (bid, ask)
        self._rates = None
        self._terms = {}
        self._scales = {}

    def quote(self, spec: SymbolSpec) -> Quote:
        """Bid and ask; NO_QUOTES where the symbol has no price yet."""
        quote = self.quotes.get(spec.symbol_id)
        if quote is None:
            raise Refused(ErrorCode.NO_QUOTES, f"{spec.name} has no price at the moment")
        return quote

    def is_open(self, symbol_id: int, now: int) -> bool:
        """Whether a symbol is traded at ``now`` (milliseconds)."""
        schedule = self.schedules.get(symbol_id)
        return schedule is None or schedule.is_open(datetime.fromtimestamp(now / 1000, UTC))

    def require_open(self, spec: SymbolSpec, now: int, *, position_id: int = 0) -> None:
        """MARKET_CLOSED outside a symbol's trading hours."""
        if not self.is_open(spec.symbol_id, now):
            raise Refused(
                ErrorCode.MARKET_CLOSED,
                f"{spec.name} is not traded at this time",
                position_id=position_id,
            )

    def price(self, spec: SymbolSpec, side: TradeSide) -> int:
        """Price at which an order of this side is filled now."""
        bid, ask = self.quote(spec)
        return ask if side == TradeSide.BUY else bid

    def rate(self, source: str, target: str) -> Decimal:
        """Units of ``target`` for one of ``source`` at middle prices; NO_QUOTES if unknown."""
        if source == target:
            return Decimal(1)
        if self._rates is None:
            specs = self.specs
            self._rates = Rates(
                {
                    (specs[number].base, specs[number].quote): Decimal(bid + ask) / 2 / _PRICE
                    for number, (bid, ask) in self.quotes.items()
                }
            )
        try:
            return self._rates.rate(source, target)
        except NoConversionRate as missing:
            raise Refused(ErrorCode.NO_QUOTES, str(missing)) from missing

    def gross(self, position: Position, volume: int, price: int) -> int:
        """Result in the account's money of closing ``volume`` of a position at ``price``."""
        account = position.account
        key = (position.spec.quote, account.currency)
        scale = self._scales.get(key)
        if scale is None:
            scale = self.rate(*key).scaleb(account.money_digits) / _RESULT
            self._scales[key] = scale
        points = (price * ENTRY_SCALE - position.entry) * position.sign * volume
        return int((points * scale).to_integral_value(rounding=ROUND_HALF_EVEN))

    def margin(self, account: Account, spec: SymbolSpec, volume: int) -> int:
        """Margin in the account's money that a new volume needs now."""
        key = (account.currency, account.leverage, spec.symbol_id, volume)
        known = self._terms.get(key)
        if known is None:
            rate = self.rate(spec.base, account.currency)
            known = _money(volume * rate / (UNIT * account.leverage), account)
            self._terms[key] = known
        return known

    def commission(self, account: Account, spec: SymbolSpec, volume: int) -> int:
        """What trading a volume costs one way, zero or negative."""
        if not spec.commission:
            return 0
        key = (account.currency, 0, spec.symbol_id, volume)
        known = self._terms.get(key)
        if known is None:
            traded = volume * self.rate(spec.base, "USD") / UNIT
            cost = traded * spec.commission / _MILLION * self.rate("USD", account.currency)
            known = self._terms[key] = -_money(cost, account)
        return known

    def night(self, position: Position) -> int:
        """Swap in the account's money for holding a position over one night."""
        spec = position.spec
        pips = spec.swap_long if position.side == TradeSide.BUY else spec.swap_short
        rate = self.rate(spec.quote, position.account.currency)
        return _money(pips * spec.pip * position.volume / (UNIT * _PRICE) * rate, position.account)

    def unrealised(self, position: Position) -> int:
        """Gross open result at the price that would close the position."""
        bid, ask = self.quote(position.spec)
        return self.gross(position, position.volume, bid if position.sign > 0 else ask)

    def net_unrealised(self, position: Position) -> int:
        return self.unrealised(position) + position.swap + position.commission

    def equity(self, account: Account) -> int:
        return account.balance + sum(map(self.net_unrealised, account.positions.values()))

    def used_margin(self, account: Account) -> int:
        return sum(position.margin for position in account.positions.values())

    def free_margin(self, account: Account) -> int:
        if not account.positions:
            return account.balance
        return self.equity(account) - self.used_margin(account)

    def watch_order(self, order: Order) -> None:
        order.account.orders[order.order_id] = order
        self.resting[order.spec.symbol_id][order.order_id] = order
        self.bounds.pop(order.spec.symbol_id, None)

    def forget_order(self, order: Order) -> None:
        order.account.orders.pop(order.order_id, None)
        if self.resting[order.spec.symbol_id].pop(order.order_id, None) is not None:
            self.bounds.pop(order.spec.symbol_id, None)

    def watch_position(self, position: Position) -> None:
        """Watch a position's stop loss and take profit, or stop watching where it has none."""
        watched = self.protected[position.spec.symbol_id]
        if position.volume and (position.stop_loss or position.take_profit):
            watched[position.position_id] = position
        elif watched.pop(position.position_id, None) is None:
            return
        self.bounds.pop(position.spec.symbol_id, None)


def _money(amount: Decimal, account: Account) -> int:
    scaled = amount.scaleb(account.money_digits)
    return int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN))
