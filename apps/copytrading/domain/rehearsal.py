"""Would it have worked on my account? A master's past events, copied on paper.

The events go one by one through the same :func:`plan` that copies live, with the account's
equity, leverage, symbols and settings. What it orders is filled at once and whole, at the
master's price with friction. The account is valued at every event, and at every mark between
them where any are given: margin and equity are known at those moments only. Resting orders are
left out; what the master's have filled is copied as any other trade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.adoption import follow
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.conclude import conclude
from apps.copytrading.domain.events import OF_ORDERS, EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState, Reply, answered
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.margin import STOP_OUT
from apps.copytrading.domain.plan import plan
from apps.copytrading.domain.rehearsal_account import NO_FRICTION, Account, Friction
from apps.copytrading.domain.rows import Market, Quote, Row
from apps.copytrading.domain.steps import Ending, Order
from apps.copytrading.domain.volume import Converts, Funds
from apps.trading.orders import Leg, OrderState, Side
from apps.trading.quantity import ZERO

#: What asks for volume; all other events take some away or move stops.
OPENS = frozenset({EventKind.OPENED, EventKind.INCREASED, EventKind.REVERSED, EventKind.EXISTING})
_ALIVE = (LinkState.OPEN, LinkState.GONE)
_NEVER_STALE_S = float("inf")


class Heard(NamedTuple):
    """An event, and the master's money at that moment."""

    event: MasterEvent
    master: Funds


class Mark(NamedTuple):
    """A price of one of the follower's symbols between events."""

    at: datetime
    instrument_id: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same during a rehearsal.

    ``row`` has the settings and the account with which it begins, ``symbols`` the follower's
    symbol for each of the master's instruments (None: not mapped). ``rates`` are today's.
    ``stop_out_level`` is the margin level, in percent, at which the platform closes everything.
    """

    row: Row
    symbols: Mapping[str, Symbol | None]
    master_symbols: Mapping[str, Symbol]
    rates: Converts
    friction: Friction = NO_FRICTION
    stop_out_level: Decimal = STOP_OUT


@dataclass(slots=True)
class Rehearsal:
    """What would have happened; money in the account's currency.

    ``opens`` are the events that asked for volume, of which ``copied`` were copied;
    ``reasons`` counts the outcome code of each of them, ``rounded_up`` and ``capped`` among the
    copied. ``result`` is net of ``friction`` and counts what is still open at its latest price.
    ``worst_margin_level`` is percent, None where no margin was ever in use. A stop-out or the
    loss limit ended everything at ``stopped_out_at`` or ``loss_limit_at``; no event after it is
    counted.

    The sizes being as they were: with a balance of ``needed`` it would not have been stopped out,
    and with one of ``needs`` each opening would have passed the guard on margin. ``shortages``
    are, for each event that was sized, the smallest volume that can be opened ÷ what should be
    held: above 1 where it was too small.
    """

    events: int = 0
    opens: int = 0
    copied: int = 0
    reasons: dict[Code, int] = field(default_factory=dict)
    result: Decimal = ZERO
    friction: Decimal = ZERO
    peak_margin: Decimal = ZERO
    worst_margin_level: Decimal | None = None
    lowest_equity: Decimal = ZERO
    stopped_out_at: datetime | None = None
    loss_limit_at: datetime | None = None
    needed: Decimal = ZERO
    needs: list[Decimal] = field(default_factory=list)
    shortages: list[Decimal] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether a stop-out or the loss limit ended it before the last event."""
        return self.stopped_out_at is not None or self.loss_limit_at is not None

    @property
    def skipped(self) -> int:
        return self.opens - self.copied

    @property
    def rounded_up(self) -> int:
        return self.reasons.get(Code.ROUNDED_UP, 0)

    @property
    def capped(self) -> int:
        return self.reasons.get(Code.CAPPED, 0)

    @property
    def copied_share(self) -> Decimal | None:
        """copied ÷ opens; None where nothing asked for volume."""
        return Decimal(self.copied) / self.opens if self.opens else None


def rehearse(
    items: Sequence[Heard | Mark], terms: Terms, *, most_skipped: int | None = None
) -> Rehearsal:
    """Copy a master's events on paper, oldest first, with prices between them.

    It breaks off as soon as more than ``most_skipped`` events that ask for volume were skipped.
    NoConversionRate where the result of a symbol cannot be converted into the account's currency.
    """
    stage = _Stage(terms)
    for item in items:
        if isinstance(item, Mark):
            stage.account.prices[item.instrument_id] = item.price
            at = item.at
        elif item.event.kind in OF_ORDERS:
            continue
        else:
            stage.hear(item)
            at = item.event.happened_at
        if stage.value(at) or (most_skipped is not None and stage.made.skipped > most_skipped):
            break
    return stage.finish()


class _Stage:
    """The account, its links and what became of the events so far."""

    def __init__(self, terms: Terms) -> None:
        row = terms.row
        self.terms = terms
        self.account = Account(
            row.funds.currency, row.funds.balance, row.leverage, terms.rates, terms.friction
        )
        self.own = {s.instrument_id: s for s in terms.symbols.values() if s is not None}
        self.links: dict[str, Link] = {}
        self.made = Rehearsal(lowest_equity=row.funds.balance)
        self.opened = False

    def hear(self, heard: Heard) -> None:
        """Plan one event and carry out what comes of it."""
        event = heard.event
        symbol = self.terms.symbols.get(event.instrument_id)
        if symbol is not None and event.price is not None:
            self.account.prices[symbol.instrument_id] = event.price
        market = self._market(heard, symbol)
        made = plan([event], [self._row()], market)
        for change in made.changes:
            self._keep(change.link)
        if event.kind in OPENS and symbol is not None:
            self._size_up(event, symbol)
        codes = _codes(event, [ended.ending for ended in made.endings])
        waiting = tuple(waits.event for waits in made.waits)
        order = made.orders[-1].order if made.orders else None
        while order is not None:
            codes.append(self._fill(event, order))
            if not waiting:
                break
            step = follow(self._row(), self.links.get(event.position_key), waiting, market)
            for link in step.links:
                self._keep(link)
            codes += _codes(event, step.endings)
            order, waiting = step.order, step.waiting
        self._count(event, codes)

    def value(self, at: datetime) -> bool:
        """Note margin and equity; True where everything would have been closed for good."""
        margin, equity = self.account.margin(), self.account.equity()
        self.made.peak_margin = max(self.made.peak_margin, margin)
        self.made.lowest_equity = min(self.made.lowest_equity, equity)
        result = equity - self.terms.row.funds.balance
        if self.opened:  # it had to pass the guard
            self.opened = False
            self.made.needs.append(margin * self.terms.row.rules.min_margin_level / 100 - result)
        needed = margin * self.terms.stop_out_level / 100 - result
        self.made.needed = max(self.made.needed, needed)
        limit = self.terms.row.rules.loss_limit
        if limit and result <= -limit:
            self.account.close_all()
            self.made.loss_limit_at = at
            return True
        if margin <= 0:
            return False
        level = equity / margin * 100
        worst = self.made.worst_margin_level
        self.made.worst_margin_level = level if worst is None else min(worst, level)
        if level > self.terms.stop_out_level:
            return False
        self.account.close_all()
        self.made.stopped_out_at = at
        return True

    def finish(self) -> Rehearsal:
        self.made.result = self.account.equity() - self.terms.row.funds.balance
        self.made.friction = self.account.paid
        return self.made

    def _size_up(self, event: MasterEvent, symbol: Symbol) -> None:
        link = self.links.get(event.position_key)
        if link is not None and link.state is LinkState.OPEN and link.target > 0:
            least = max(symbol.min_units, self.terms.row.min_volume * symbol.lot_units)
            self.made.shortages.append(least / link.target)

    def _row(self) -> Row:
        row, account = self.terms.row, self.account
        equity = account.equity()
        return row._replace(
            started_after=0,
            links=dict(self.links),
            decided={},
            funds=Funds(account.currency, equity, account.balance, 0.0),
            margin_used=account.margin(),
            open_links=len(account.positions),
            own_result=equity - row.funds.balance,
        )

    def _market(self, heard: Heard, symbol: Symbol | None) -> Market:
        event, row = heard.event, self.terms.row
        quotes = {}
        if symbol is not None and (price := self.account.prices.get(symbol.instrument_id)):
            half = self.terms.friction.spreads.get(symbol.instrument_id, ZERO) / 2
            key = (row.connection_id, symbol.instrument_id)
            quotes[key] = Quote(price - half, price + half, event.received_at)
        holders: dict[tuple[int, str], tuple[tuple[int, Side | None], ...]] = {}
        for link in self.links.values() if row.netting else ():
            own = (row.subscription_id, link.side)
            holders[row.account_id, link.instrument_id] = (own,)
        return Market(
            now=event.happened_at,
            master=heard.master._replace(age_s=0.0),
            stale_after_s=_NEVER_STALE_S,
            master_symbols=self.terms.master_symbols,
            symbols={(row.connection_id, i): s for i, s in self.terms.symbols.items()},
            rates=self.terms.rates,
            in_use=holders,
            quotes=quotes,
        )

    def _keep(self, link: Link) -> None:
        if link.state in _ALIVE:
            self.links[link.position_key] = link
        else:
            self.links.pop(link.position_key, None)

    def _fill(self, event: MasterEvent, order: Order) -> Code:
        """Fill an order at once and whole; answers the outcome's code."""
        link = self.links[event.position_key]
        filled = ZERO if order.leg is Leg.PROTECT else order.units
        if order.leg is Leg.OPEN:
            symbol = self.own[link.instrument_id]
            self.account.buy_or_sell(event.position_key, symbol, order.side, filled)
            self.opened = True
        elif order.leg is Leg.CLOSE:
            self.account.close(event.position_key, filled)
        position_id = link.position_id or event.position_key
        link = answered(link, Reply(order.leg, order.units, filled, position_id))
        if order.leg in (Leg.OPEN, Leg.PROTECT):
            link = link._replace(shown_sl=order.stop_loss, shown_tp=order.take_profit)
        self._keep(link)
        return conclude(
            leg=order.leg,
            state=OrderState.FILLED,
            code="",
            message="",
            units=order.units,
            filled=filled,
            numbers=order.numbers,
        ).code

    def _count(self, event: MasterEvent, codes: Sequence[Code]) -> None:
        self.made.events += 1
        if event.kind not in OPENS:
            return
        self.made.opens += 1
        code = codes[-1] if codes else Code.NOT_LINKED
        self.made.reasons[code] = self.made.reasons.get(code, 0) + 1
        self.made.copied += code in _COPIED


#: Codes with which the copy holds what it should.
_COPIED = (
    Code.COPIED,
    Code.CAPPED,
    Code.ROUNDED_UP,
    Code.NOTHING_TO_CHANGE,
    Code.ALREADY_LINKED,
)


def _codes(event: MasterEvent, endings: Sequence[Ending]) -> list[Code]:
    return [ending.code for ending in endings if ending.event.id == event.id]
