"""The demo's past as a whole: which account lived through what, before anything is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from zlib import crc32

from apps.demo import plan
from apps.demo.domain.past.book import PastBook
from apps.demo.domain.past.calendar import DAY, HOUR, Calendar
from apps.demo.domain.past.living import trade
from apps.demo.domain.past.mirror import PastCopy, follow, terms
from apps.demo.domain.past.prices import PastPrices, Terms
from apps.demo.domain.past.strategies import STRATEGIES
from apps.demo.plan import Account, Copy, Master
from apps.papervenue.engine.specs import DEFAULT_SYMBOLS
from apps.papervenue.prices.ecb import DAILY_VOLATILITY, START, reference_days

#: Business days of a year.
YEAR = 260
LEVERAGE = 100
_SEED = 1
#: A copy began at least and at most so many business days ago.
_BEGAN = (25, 190)


@dataclass(slots=True)
class Past:
    """Accounts by their key in the plan, copies by the keys of account and master."""

    calendar: Calendar
    books: dict[str, PastBook] = field(default_factory=dict)
    copies: dict[tuple[str, str], PastCopy] = field(default_factory=dict)

    def deposit(self, account: Account) -> Decimal:
        """What an account holds when it is opened at the venue: all that became of it."""
        book = self.books.get(account.key)
        return account.deposit if book is None else book.balance


def live_past(today: dt.date, days: int = YEAR) -> Past:
    """The past of ``days`` business days before ``today``; with 0 there is none.

    The same arguments always give the same past, and but for the dates any ``today`` does.
    """
    past = Past(Calendar(today, days))
    if not days:
        return past
    prices = _prices(days)
    masters: dict[str, PastBook] = {}
    for master in plan.MASTERS:
        book = PastBook(master.account.currency, LEVERAGE, prices, past.calendar)
        _trade(book, master, days)
        masters[master.character] = past.books[master.account.key] = book
    for account in plan.FOLLOWERS:
        copies = [_copy(copy, masters, days) for copy in plan.COPIES if copy.account == account.key]
        past.copies |= {(copy.account, copy.master): copy for copy in copies}
        book = PastBook(account.currency, LEVERAGE, prices, past.calendar)
        first = max(min(copy.first for copy in copies) // DAY - 3, 0) * DAY
        follow(
            book,
            copies,
            masters,
            netting=account.margin_mode == "netting",
            seed=account.key,
            first=first,
            last=past.calendar.steps,
            flows=_flows(account, first, past.calendar.steps),
        )
        past.books[account.key] = book
    return past


@lru_cache(maxsize=2)
def _prices(days: int) -> PastPrices:
    """The venue's own prices begin where these end: with the rates of the day of its start."""
    rates = reference_days(START - dt.timedelta(days=days * 3 // 2 + 20), START)[-(days + 1) :]
    known = {"EUR", *DAILY_VOLATILITY}
    symbols = [
        Terms(
            *(str(spec.symbol_id), spec.name, spec.base, spec.quote, spec.digits, spec.pip),
            *(spec.spread, spec.commission, spec.swap_long, spec.swap_short),
        )
        for spec in DEFAULT_SYMBOLS
        if {spec.base, spec.quote} <= known
    ]
    logs = {currency: [day[currency] for day in rates] for currency in DAILY_VOLATILITY}
    return PastPrices(symbols, logs, DAILY_VOLATILITY, _SEED)


def _trade(book: PastBook, master: Master, days: int) -> None:
    began = days - min(master.days or days, days)
    flows = {began * DAY: master.account.deposit}
    flows |= {d * DAY + 10 * HOUR: Decimal(amount) for d, amount in master.flows if d < days}
    trade(
        book,
        STRATEGIES[master.character],
        seed=f"{master.character}/{master.seed}",
        first=began * DAY,
        last=days * DAY,
        flows=flows,
    )


def _copy(copy: Copy, masters: Mapping[str, PastBook], days: int) -> PastCopy:
    began = copy.days or _between(f"{copy.account}/{copy.master}", *_BEGAN)
    first = (days - min(began, days)) * DAY + 9 * HOUR
    return PastCopy(
        copy.account,
        copy.master,
        terms(
            mode=copy.volume_mode,
            risk_multiplier=copy.risk_multiplier,
            fixed_volume=copy.fixed_volume,
            base_equity=copy.base_equity,
            allocated_capital=copy.allocated_capital,
            min_volume=copy.min_volume,
            max_volume=copy.max_volume,
            round_up=copy.below_minimum == "round_up",
        ),
        first=first,
        paused=(days - 12) * DAY if copy.paused else days * DAY,
    )


def _flows(account: Account, first: int, last: int) -> dict[int, Decimal]:
    """The first deposit; some accounts paid in later, a few took out."""
    flows = {first: account.deposit}
    kind = crc32(account.key.encode()) % 6
    later = (first + (last - first) // 2) // DAY * DAY + 13 * HOUR
    if kind in (0, 3) and later > first:
        flows[later] = account.deposit / 5
    elif kind == 1 and later > first:
        flows[later] = -account.deposit / 10
    return flows


def _between(text: str, least: int, most: int) -> int:
    return least + crc32(text.encode()) % (most - least + 1)
