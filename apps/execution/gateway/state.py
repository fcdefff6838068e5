"""Accounts, positions and quotes of a connection in memory, and the equity that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from apps.platforms.ports import QuoteUpdate, Snapshot
from apps.trading.errors import NoConversionRate
from apps.trading.margin import open_result, used_margin
from apps.trading.money import Rates
from apps.trading.orders import Order, Side
from apps.trading.positions import Position
from apps.trading.symbols import Instrument

ZERO = Decimal(0)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Figures:
    """Money of an account at one moment, in its currency."""

    balance: Decimal
    equity: Decimal
    margin_used: Decimal
    open_result: Decimal
    open_positions: int


@dataclass(slots=True, eq=False)
class Account:
    """One of our accounts on the connection. ``synced``: positions and balance are current."""

    id: int
    account: str  # the platform's id
    currency: str
    leverage: Decimal
    journaled: bool  # a hint for the order of work; the database decides
    created_at: datetime
    balance: Decimal = ZERO
    read: bool = False  # positions and balance were read once, so its figures mean something
    synced: bool = False
    dirty: bool = True  # changed since its figures were computed
    figures: Figures | None = None  # as last computed, about once a second
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)  # pending ones, by the platform's id
    written: tuple[Figures, bool] | None = None
    results: dict[str, Decimal] = field(default_factory=dict)  # written per position


Computed = tuple[Figures, dict[str, Decimal]]


class Factors:
    """What one base and one quote unit of an instrument are in a currency, found once."""

    def __init__(self, instruments: dict[str, Instrument], rates: Rates) -> None:
        self._instruments = instruments
        self._rates = rates
        self._found: dict[tuple[str, str], tuple[Decimal, Decimal] | None] = {}

    def of(self, instrument_id: str, currency: str) -> tuple[Decimal, Decimal] | None:
        """Base and quote in ``currency``; None where no price converts them."""
        key = (instrument_id, currency)
        if key not in self._found:
            self._found[key] = self._find(instrument_id, currency)
        return self._found[key]

    def _find(self, instrument_id: str, currency: str) -> tuple[Decimal, Decimal] | None:
        instrument = self._instruments.get(instrument_id)
        if instrument is None:
            return None
        try:
            return (
                self._rates.rate(instrument.base, currency),
                self._rates.rate(instrument.quote, currency),
            )
        except NoConversionRate:
            return None


class Book:
    """All that a session knows of its accounts and of prices."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.by_id: dict[int, Account] = {}
        self.instruments: dict[str, Instrument] = {}
        self.quotes: dict[str, QuoteUpdate] = {}
        self.fresh_quotes: set[str] = set()
        self.moved_at: dict[str, datetime] = {}  # when a price was last seen to change

    def add(self, account: Account) -> None:
        self.accounts[account.account] = account
        self.by_id[account.id] = account

    def remove(self, account: Account) -> None:
        self.accounts.pop(account.account, None)
        self.by_id.pop(account.id, None)

    def quote(self, update: QuoteUpdate) -> None:
        before = self.quotes.get(update.instrument_id)
        if before is not None and (before.bid, before.ask) != (update.bid, update.ask):
            self.moved_at[update.instrument_id] = update.received_at
        self.quotes[update.instrument_id] = update
        self.fresh_quotes.add(update.instrument_id)

    def read(self, account: Account, snapshot: Snapshot) -> None:
        account.read = True
        account.balance = snapshot.state.balance
        account.leverage = snapshot.state.leverage
        account.positions = {p.position_id: p for p in snapshot.positions}
        account.orders = {o.platform_order_id: o for o in snapshot.orders}
        account.dirty = True

    def unsync(self) -> None:
        for account in self.accounts.values():
            account.synced, account.dirty = False, True

    def symbol(self, instrument_id: str) -> str:
        """Name of an instrument; its id where the platform has not told it."""
        instrument = self.instruments.get(instrument_id)
        return instrument.name if instrument else instrument_id

    def rates(self) -> Rates:
        """Conversion rates from the mid prices known now."""
        pairs: dict[tuple[str, str], Decimal] = {}
        for instrument_id, quote in self.quotes.items():
            instrument = self.instruments.get(instrument_id)
            if instrument is not None:
                pairs[instrument.base, instrument.quote] = (quote.bid + quote.ask) / 2
        return Rates(pairs)

    def figures(self, account: Account, factors: Factors) -> Computed | None:
        """Money now and the result per position; None while a price is missing.

        A position's own result leaves out its commission: that is told by its deals, and would
        count twice in what they and the open positions make together.
        """
        margin, total = ZERO, ZERO
        results: dict[str, Decimal] = {}
        for position in account.positions.values():
            quote = self.quotes.get(position.instrument_id)
            factor = factors.of(position.instrument_id, account.currency)
            if quote is None or factor is None:
                return None
            exit_price = quote.bid if position.side is Side.BUY else quote.ask
            gross = open_result(position.side, position.units, position.price, exit_price)
            net = gross * factor[1] + position.swap + position.commission
            results[position.position_id] = (net - position.commission).quantize(_CENT)
            total += net
            margin += position.margin or used_margin(
                position.units, factor[0], account.leverage or Decimal(1)
            )
        figures = Figures(
            account.balance,
            (account.balance + total).quantize(_CENT),
            margin.quantize(_CENT),
            total.quantize(_CENT),
            len(account.positions),
        )
        return figures, results

    def factors(self) -> Factors:
        """Conversion of this moment for :meth:`figures`."""
        return Factors(self.instruments, self.rates())

    def wanted_quotes(self, few: int = 60) -> list[str]:
        """Instruments whose prices are needed: held ones, conversion pairs, all where few."""
        tradable = [i for i in self.instruments.values() if i.tradable]
        if len(tradable) <= few:
            return [i.instrument_id for i in tradable]
        held = {p.instrument_id for a in self.accounts.values() for p in a.positions.values()}
        currencies = {a.currency for a in self.accounts.values()} | {"USD", "EUR"}
        for instrument_id in held:
            if (instrument := self.instruments.get(instrument_id)) is not None:
                currencies |= {instrument.base, instrument.quote}
        pairs = {
            i.instrument_id for i in tradable if i.base in currencies and i.quote in currencies
        }
        return sorted(held | pairs)
