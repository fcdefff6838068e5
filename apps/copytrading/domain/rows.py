"""What planning knows: the market around it, and one row per subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.numbers import Numbers
from apps.copytrading.domain.rounding import Limits
from apps.copytrading.domain.volume import Converts, Funds, Sizing
from apps.trading.errors import NoConversionRate
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

if TYPE_CHECKING:
    from apps.copytrading.domain.pending import Pending


class Decided(NamedTuple):
    """A decision that an interrupted run has already committed, with the link it made."""

    event_id: int
    link: Link


@dataclass(frozen=True, slots=True)
class Rules:
    """What a subscription copies, and the guards on its opens: the strictest that hold for it.

    ``include`` are the only symbols it copies (None: all), ``exclude`` those it leaves out, in
    upper case. 0 in a guard is no limit; slippage and margin level are percent.
    """

    partial_close: bool = True
    pending_orders: bool = True
    reverse: bool = False
    opens_only: bool = False
    include: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    max_positions: int = 0
    min_equity: Decimal = Decimal(0)
    max_slippage: Decimal = Decimal(0)
    min_margin_level: Decimal = Decimal(0)
    loss_limit: Decimal = Decimal(0)

    def admits(self, symbol: str) -> bool:
        """Whether a symbol of the master is copied."""
        name = symbol.upper()
        return (self.include is None or name in self.include) and name not in self.exclude


NO_RULES = Rules()


class Row(NamedTuple):
    """One subscription with its follower account, at the moment of planning.

    ``key`` is the subscription's lasting identity, part of its order ids. ``hold`` is why no
    new volume may be opened, None where it may. ``links`` holds the open links of the
    positions concerned and ``decided`` what an interrupted run left, both by position key.
    ``margin_used`` and ``leverage`` are the account's, ``open_links`` how many positions the
    subscription holds (counted only where that is limited), ``revision`` its settings' number,
    ``has_pairs`` whether it names symbols itself. ``pending`` are its copies of the master's
    resting orders that are concerned, by the key of the master's order. ``taking`` are the
    symbols of a netting account that are about to be held, with their side: what was decided a
    moment ago and is not stored yet.
    """

    subscription_id: int
    key: str
    account_id: int
    platform_account: str
    connection_id: int
    netting: bool
    hold: Code | None
    sizing: Sizing
    round_up: bool
    min_volume: Decimal
    max_volume: Decimal
    copy_sl: bool
    copy_tp: bool
    max_delay: timedelta
    started_after: int
    funds: Funds
    own_result: Decimal
    links: Mapping[str, Link]
    decided: Mapping[str, Decided]
    rules: Rules = NO_RULES
    margin_used: Decimal = ZERO
    leverage: Decimal = ZERO
    open_links: int = 0
    revision: int = 0
    has_pairs: bool = False
    pending: Mapping[str, Pending] = {}
    taking: Mapping[str, Side] = {}

    def about_to_hold(self, link: Link) -> Row:
        """The row after a link was made that is not stored yet."""
        if not self.netting or link.link_id or link.state is not LinkState.OPEN:
            return self
        return self._replace(taking={**self.taking, link.instrument_id: link.side})


class Quote(NamedTuple):
    """The latest price of a symbol on its own platform, ``at`` when it came (None: now)."""

    bid: Decimal
    ask: Decimal
    at: datetime | None = None

    def against(self, side: Side) -> Decimal:
        """The price at which an order of this side would be filled."""
        return self.ask if side is Side.BUY else self.bid


Holder = tuple[int, Side | None]


@dataclass(slots=True)
class Market:
    """Everything that the rows of one planning have in common.

    ``symbols`` gives a follower connection's symbol for a master's instrument, None where
    there is none, and ``pairs`` what a subscription itself says, by (subscription, master's
    instrument). ``in_use`` names who holds a symbol of a netting account: subscription and
    side (None: only reserved) by (account, instrument), 0 for a position that is nobody's copy.
    ``quotes`` are the latest by (connection, instrument). ``common`` keeps the numbers and
    ``offers`` the terms of opens that many rows share.
    """

    now: datetime
    master: Funds
    stale_after_s: float
    master_symbols: Mapping[str, Symbol]
    symbols: Mapping[tuple[int, str], Symbol | None]
    rates: Converts
    in_use: Mapping[tuple[int, str], tuple[tuple[int, Side | None], ...]] = field(
        default_factory=dict
    )
    pairs: Mapping[tuple[int, str], Symbol | None] = field(default_factory=dict)
    quotes: Mapping[tuple[int, str], Quote] = field(default_factory=dict)
    common: dict[tuple[object, ...], Numbers] = field(default_factory=dict)
    offers: dict[tuple[object, ...], Any] = field(default_factory=dict)
    _margins: dict[tuple[int, str, str], Decimal | None] = field(default_factory=dict)
    _limits: dict[tuple[object, ...], Limits] = field(default_factory=dict)

    def symbol(self, row: Row, instrument_id: str) -> Symbol | None:
        """The follower's symbol for one of the master's, None where it is not copied."""
        if self.pairs:
            key = (row.subscription_id, instrument_id)
            if key in self.pairs:
                return self.pairs[key]
        return self.symbols.get((row.connection_id, instrument_id))

    def quote(self, row: Row, instrument_id: str, event: MasterEvent) -> Quote | None:
        """The follower's price of a symbol as it is after ``event``, None where not known.

        Stored quotes are up to a second old. One from before the event says nothing about the
        price to which the market has jumped since: the gateway, which hears every price, judges.
        """
        found = self.quotes.get((row.connection_id, instrument_id))
        if found is None or event.kind is EventKind.EXISTING or found.at is None:
            return found
        return found if found.at >= event.received_at else None

    def base_rate(self, row: Row, symbol: Symbol) -> Decimal | None:
        """What one unit of a symbol's base is worth in a row's currency; None where unknown.

        Where the symbol is quoted in that currency its own price says it, without a look at the
        rates of all others.
        """
        currency = row.funds.currency
        key = (row.connection_id, symbol.instrument_id, currency)
        if key not in self._margins:
            quote = self.quotes.get((row.connection_id, symbol.instrument_id))
            if quote is not None and symbol.quote == currency:
                self._margins[key] = (quote.bid + quote.ask) / 2
            else:
                self._margins[key] = self._rate(symbol.base, currency)
        return self._margins[key]

    def _rate(self, source: str, target: str) -> Decimal | None:
        try:
            return self.rates.rate(source, target)
        except NoConversionRate:
            return None

    def limits(self, row: Row, symbol: Symbol) -> Limits:
        """The volume rules of a subscription for a symbol, made once for all alike."""
        key = (
            row.connection_id,
            symbol.instrument_id,
            row.min_volume,
            row.max_volume,
            row.round_up,
        )
        found = self._limits.get(key)
        if found is None:
            found = self._limits[key] = limits_of(row, symbol)
        return found


def limits_of(row: Row, symbol: Symbol) -> Limits:
    """The volume rules of a subscription for a symbol of its platform."""
    maxima = [m for m in (symbol.max_units, row.max_volume * symbol.lot_units) if m > 0]
    return Limits(
        step=symbol.step_units,
        minimum=symbol.min_units,
        open_minimum=max(symbol.min_units, row.min_volume * symbol.lot_units),
        maximum=min(maxima, default=Decimal(0)),
        round_up=row.round_up,
    )
