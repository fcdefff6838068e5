"""Prepared rows for the pages about masters to choose from: nothing left to query or compute."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from apps.accounts.models import User
from apps.analytics.copyability import copyable_shares
from apps.analytics.domain.minimum_lot import Copyable
from apps.analytics.domain.standing import MINIMUM_FOLLOWERS, Figure
from apps.analytics.list_query import Period
from apps.analytics.listing import MasterEntry
from apps.analytics.selectors import return_lines
from apps.common.templatetags.figures import percent, ratio, signed_percent, tone
from apps.copytrading.selectors import followed_masters
from apps.platforms.registry import CATALOGUE

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount

#: Symbols that are named; of the others the number.
_SYMBOLS_SHOWN = 3


class Badge(NamedTuple):
    """A word beside a name, its tone, and what it means."""

    text: str
    tone: str
    meaning: str


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
    def sharpe_words(self) -> str:
        """The Sharpe ratio, or why there is none."""
        value = self.sharpe.value
        return self.sharpe.standing.label if value is None else ratio(value)

    @property
    def return_tone(self) -> str:
        return tone_of(self.returned.value)

    @property
    def earned_tone(self) -> str:
        return tone_of(self.entry.earned)

    @property
    def line_words(self) -> str:
        """The line in words, for those who cannot see it."""
        return f"{self.entry.name}, {signed_percent(self.line[-1] - 1)} over the period"

    @property
    def followers_words(self) -> str:
        """What the followers' figures rest on, or why there are none."""
        entry = self.entry
        if entry.earned is None:
            known = f" ({entry.sample} of {MINIMUM_FOLLOWERS})" if entry.sample else ""
            return f"Too few followers{known}"
        return f"median of {entry.sample:,}, {percent(entry.in_profit, 0)} in profit"

    @property
    def copyable_words(self) -> str:
        """What of the usual trades does not fit the account."""
        share = self.copyable
        if share is None:
            return self.not_copyable
        small = f"{share.too_small} of {share.trades} trades too small" if share.too_small else ""
        missing = f"{share.missing} of {share.trades} not offered" if share.missing else ""
        fit = f"all {share.trades} trades fit"
        return ", ".join(words for words in (small, missing) if words) or fit

    @property
    def badges(self) -> list[Badge]:
        """What a customer has to know before any figure, the gravest first."""
        entry = self.entry
        demo = entry.mode == "demo"
        paused = entry.status == "paused" or not entry.enabled
        most = f"It takes {entry.max_followers:,} followers at most"
        only = entry.follower_modes if entry.follower_modes != "both" else ""
        candidates = [
            (demo, Badge("Demo", "warn", "A demo account: no money was at risk")),
            (not demo, Badge("Real", "", "An account with real money")),
            (entry.imported, Badge("Imported history", "warn", "Part of it is from elsewhere")),
            (paused, Badge("Paused", "warn", "Nothing new is copied at the moment")),
            (entry.full, Badge("Full", "warn", most)),
            (entry.gate, Badge("No new followers now", "warn", entry.gate)),
            (only, Badge(f"{only.capitalize()} followers only", "", "Others cannot follow")),
            (entry.visibility == "private", Badge("Private", "", "Only you see this master")),
            (self.own, Badge("Your own", "", "On an account of yours")),
            (self.followed, Badge("You follow", "good", "An account of yours copies it")),
        ]
        return [badge for holds, badge in candidates if holds]

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


def tone_of(share: float | None) -> str:
    """Class of the colour of a return; its sign stands beside it."""
    return "" if share is None else tone(Decimal(repr(share * 100)))


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
