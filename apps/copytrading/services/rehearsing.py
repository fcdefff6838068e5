"""What a rehearsal is made of: a master's last events, its money then, symbols and costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from apps.accounts.selectors import product_config
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.past import events_of
from apps.copytrading.domain.rehearsal import Heard, Mark, Terms
from apps.copytrading.domain.rehearsal_account import Friction
from apps.copytrading.domain.rows import Market, Quote, Row
from apps.copytrading.domain.volume import Funds
from apps.copytrading.models import CopySubscription
from apps.copytrading.services import sql
from apps.copytrading.services.load import load_master
from apps.copytrading.services.market import load_market
from apps.copytrading.services.terms import sized_of, terms_of
from apps.execution.past_deals import commission_of, last_deals, units_before
from apps.platforms import selectors as platforms
from apps.trading.money import Rates
from apps.trading.quantity import ZERO

#: Percent of the price that is taken for slippage where too little was measured.
ASSUMED_SLIPPAGE = Decimal("0.005")
#: So many copies make a measured slippage.
FEWEST_MEASURED = 20
_NETTING = ("netting", "spot")

_SIZING = (
    "volume_mode", "risk_multiplier", "fixed_volume", "base_equity", "allocated_capital",
    "below_minimum", "min_volume", "max_volume", "copy_sl", "copy_tp",
)  # fmt: skip
_FLAGS = ("copy_partial_close", "copy_pending_orders", "reverse_direction", "copy_mode")
_LIMITS = (
    "max_positions", "max_delay_s", "min_equity", "max_slippage", "min_margin_level", "loss_limit",
)  # fmt: skip

# How much worse than the master's price copies of it were filled here, spread and all.
_SLIPPAGE = """
    SELECT avg(o.slippage / o.master_price) * 100, count(*)
    FROM (SELECT account_id, slippage, master_price FROM copytrading_outcome
          WHERE master_account_id = %s ORDER BY event_id DESC, subscription_id DESC
          LIMIT 2000) o
    JOIN platforms_tradingaccount a ON a.id = o.account_id
    WHERE a.connection_id = %s AND o.slippage IS NOT NULL AND o.master_price > 0
"""


class MoneyThen(Protocol):
    """What an account was worth at a moment."""

    @property
    def equity(self) -> Decimal: ...
    @property
    def balance(self) -> Decimal: ...


MoneyAt = Callable[[int, Sequence[datetime]], Sequence[MoneyThen | None]]


class Material(NamedTuple):
    """What stays the same whatever the settings of the copy are.

    ``guessed`` counts the events before which nothing was recorded of the master's money, so
    that the first that is known was taken. ``measured`` copies tell the slippage, 0: it is assumed.
    """

    items: Sequence[Heard | Mark]
    symbols: Mapping[str, Symbol | None]
    master_symbols: Mapping[str, Symbol]
    rates: Rates
    friction: Friction
    measured: int
    guessed: int

    @property
    def events(self) -> list[MasterEvent]:
        return [item.event for item in self.items if isinstance(item, Heard)]


def load_material(copy: CopySubscription, money_at: MoneyAt, now: datetime, limit: int) -> Material:
    """The last ``limit`` trades of a copy's master; the copy need not be stored.

    ``money_at`` tells what an account was worth. About ten queries, however many events.
    """
    account_id, follower = copy.master.account_id, copy.follower.account
    deals = last_deals(account_id, limit)
    master = load_master(account_id, now)
    assert master is not None
    events = events_of(deals, {}, {})
    row = row_of(copy, Funds(follower.currency, ZERO, ZERO, None))._replace(netting=False)
    market = load_market(master, events, [row], now)
    events = events_of(deals, units_before(account_id, deals), market.master_symbols)
    funds, guessed = _funds_then(events, money_at, master.funds, account_id)
    symbols = {
        instrument_id: _open(market.symbol(row, instrument_id))
        for instrument_id in market.master_symbols
    }
    friction, measured = _friction(copy, market, symbols)
    items: list[Heard | Mark] = [Heard(*pair) for pair in zip(events, funds, strict=True)]
    return Material(
        items=items + _marks(market, row, symbols, now),
        symbols=symbols,
        master_symbols=market.master_symbols,
        rates=platforms.rates(sorted({master.connection_id, follower.connection_id})),
        friction=friction,
        measured=measured,
        guessed=guessed,
    )


def terms_for(copy: CopySubscription, material: Material, equity: Decimal) -> Terms:
    """The terms of a rehearsal that begins with this equity, and nothing open."""
    funds = Funds(copy.follower.account.currency, equity, equity, 0.0)
    return Terms(
        row=row_of(copy, funds),
        symbols=material.symbols,
        master_symbols=material.master_symbols,
        rates=material.rates,
        friction=material.friction,
    )


def row_of(copy: CopySubscription, funds: Funds) -> Row:
    """The row of a copy as its settings stand on the instance, as if it were running."""
    account = copy.follower.account
    flags = [getattr(copy, name) for name in _FLAGS]
    limits = [getattr(of, name) for name in _LIMITS for of in (copy, copy.follower)]
    said = terms_of(_joined([*flags, *limits, copy.symbols_mode, copy.symbols]), product_config())
    return Row(
        copy.pk or 0, str(copy.uuid), account.pk, account.platform_account_id,
        account.connection_id, account.margin_mode in _NETTING,
        Code.CLOSES_ONLY if said.closes_only else None,
        *sized_of(_joined(getattr(copy, name) for name in _SIZING)),
        said.max_delay, 0, funds, ZERO, {}, {}, said.rules,
        leverage=account.leverage, has_pairs=copy.has_pairs,
    )  # fmt: skip


def _joined(values: Iterable[object]) -> str:
    """Columns as the query of the rows joins them."""
    return "|".join(_text(value) for value in values)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    return "" if value is None else str(value)


def _open(symbol: Symbol | None) -> Symbol | None:
    """A symbol in its trading hours: that the market is closed today says nothing of then."""
    return None if symbol is None else symbol._replace(market_open=True)


def _funds_then(
    events: Sequence[MasterEvent], money_at: MoneyAt, now: Funds, account_id: int
) -> tuple[list[Funds], int]:
    """The master's money at each event, and how often that was not recorded."""
    found = list(money_at(account_id, [event.happened_at for event in events]))
    known: MoneyThen | None = now if now.age_s is not None else None
    guessed = 0
    funds: list[Funds] = []
    for then in reversed(found):
        guessed += then is None
        known = then or known
        if known is None:
            funds.append(Funds(now.currency, ZERO, ZERO, None))
        else:
            funds.append(Funds(now.currency, known.equity, known.balance, 0.0))
    return funds[::-1], guessed


def _marks(
    market: Market, row: Row, symbols: Mapping[str, Symbol | None], now: datetime
) -> list[Heard | Mark]:
    """The latest prices: what is still open is worth so much."""
    return [
        Mark(now, symbol.instrument_id, (quote.bid + quote.ask) / 2)
        for symbol in symbols.values()
        if symbol is not None
        and (quote := market.quotes.get((row.connection_id, symbol.instrument_id))) is not None
    ]


def _friction(
    copy: CopySubscription, market: Market, symbols: Mapping[str, Symbol | None]
) -> tuple[Friction, int]:
    """What copying costs here, and over how many copies slippage was measured."""
    master, follower = copy.master.account, copy.follower.account
    paid = commission_of(follower.pk)
    if paid is None and (master.connection_id, master.currency) == (
        follower.connection_id,
        follower.currency,
    ):
        paid = commission_of(master.pk)
    commission = max(paid or ZERO, ZERO)
    worse, count = sql.rows(_SLIPPAGE, [master.pk, follower.connection_id])[0]
    if count >= FEWEST_MEASURED:
        return Friction(max(worse, ZERO), {}, commission), count
    spreads = {}
    for instrument_id, symbol in symbols.items():
        if symbol is None or master.connection_id == follower.connection_id:
            continue
        own = market.quotes.get((follower.connection_id, symbol.instrument_id))
        masters = market.quotes.get((master.connection_id, instrument_id))
        if own is not None and masters is not None:
            spreads[symbol.instrument_id] = max(ZERO, _spread(own) - _spread(masters))
    return Friction(ASSUMED_SLIPPAGE, spreads, commission), 0


def _spread(quote: Quote) -> Decimal:
    return quote.ask - quote.bid
