"""Prepared rows for the pages about masters to choose from: nothing left to query or compute."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.accounts.models import User
from apps.analytics.copyability import copyable_shares
from apps.analytics.domain.minimum_lot import Copyable
from apps.analytics.domain.standing import Figure
from apps.analytics.list_query import Period
from apps.analytics.listing import MasterEntry
from apps.analytics.selectors import return_lines
from apps.copytrading.selectors import followed_masters
from apps.platforms.registry import CATALOGUE

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount

#: Symbols that are named; of the others the number.
_SYMBOLS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class DiscoverRow:
    """A master with its figures of a period, for a card, a line of the table or a column.

    ``line`` is what one unit of money became. ``own``: on an account of the customer's;
    ``followed``: by one of them. ``copyable`` is what the chosen account could copy, None where
    that cannot be said, for the reason ``not_copyable``.
    """

    entry: MasterEntry
    returned: Figure
    drawdown: Figure
    line: Sequence[float]
    record: str
    own: bool
    followed: bool
    copyable: Copyable | None
    not_copyable: str

    @property
    def risk(self) -> Figure:
        return self.entry.figure("risk_score")

    @property
    def sharpe(self) -> Figure:
        return self.entry.figure("sharpe")

    @property
    def platform(self) -> str:
        code = self.entry.platform
        return CATALOGUE[code].name if code in CATALOGUE else code

    @property
    def symbols(self) -> str:
        """What it trades, most first, in a few words."""
        names = self.entry.symbols_by_use
        more = len(names) - _SYMBOLS_SHOWN
        return ", ".join(names[:_SYMBOLS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def discover_rows(
    entries: Collection[MasterEntry],
    user: User,
    account: TradingAccount | None,
    *,
    period: Period,
    today: date,
) -> list[DiscoverRow]:
    """Rows of these masters for a customer; the same few queries whatever their number."""
    lines = _lines(entries, period, today)
    followed = followed_masters(user) if entries else frozenset()
    shares = _shares(entries, account)
    return [
        DiscoverRow(
            entry=entry,
            returned=entry.figure(period.return_figure),
            drawdown=entry.figure(period.drawdown_figure),
            line=lines.get(entry.account_id, ()),
            record=record_words(entry.since, today),
            own=entry.owner_id == user.pk,
            followed=entry.id in followed,
            copyable=shares.get(entry.id),
            not_copyable="" if entry.id in shares else _why_not(entry, account),
        )
        for entry in entries
    ]


def _lines(
    entries: Collection[MasterEntry], period: Period, today: date
) -> Mapping[int, Sequence[float]]:
    until = max((entry.day for entry in entries if entry.day), default=None)
    if until is None:
        return {}
    since = min((entry.since for entry in entries if entry.since), default=today)
    days = period.days or max((until - since).days + 1, 1)
    return return_lines([entry.account_id for entry in entries], until=until, days=days)


def equity_of(account: TradingAccount | None) -> Decimal | None:
    """Equity of an account that was read with its state, None where it is not known."""
    state = getattr(account, "state", None)
    return None if state is None else state.equity


def _shares(
    entries: Collection[MasterEntry], account: TradingAccount | None
) -> Mapping[int, Copyable]:
    return {} if account is None else copyable_shares(entries, account, equity_of(account))


def _why_not(entry: MasterEntry, account: TradingAccount | None) -> str:
    """Why nothing can be said about what the account could copy."""
    if account is None:
        return "You have no account yet"
    if entry.account_id == account.pk:
        return "This is the account itself"
    if not entry.openings:
        return "No trades yet"
    if not equity_of(account) or not entry.equity:
        return "Equity is not known"
    return f"No rate from {account.currency} to {entry.currency}"


def record_words(since: date | None, today: date) -> str:
    """How long a record is: 12 days, 5 months, 2.5 years; '' where there is none."""
    if since is None:
        return ""
    days = max((today - since).days, 0)
    if days < 60:
        return f"{days} day{'' if days == 1 else 's'}"
    if days < 730:
        return f"{days // 30} months"
    return f"{days / 365:.1f} years"
