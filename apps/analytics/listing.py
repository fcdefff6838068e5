"""The list of masters: filtered, searched, sorted and paged in PostgreSQL, for customers and staff.

A page is one query, whatever is asked: what a master is comes from the masters' own tables, so
that a change of status or visibility counts at once, figures and counts from what is kept up.
"""

from __future__ import annotations

import enum
import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.models import User
from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.minimum_lot import Opening
from apps.analytics.domain.standing import WINDOWS, Figure, Standing
from apps.trading.symbols import fold

PAGE_SIZE = 24


class Period(enum.StrEnum):
    """The stretch that returns and drawdowns are looked at over."""

    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"
    YEAR = "365"
    ALL = "all"

    @property
    def days(self) -> int | None:
        """Calendar days, None for the whole record."""
        return None if self is Period.ALL else int(self)

    @property
    def return_figure(self) -> str:
        return f"return_{self}"

    @property
    def drawdown_figure(self) -> str:
        return "max_drawdown" if self is Period.ALL else f"drawdown_{self}"


assert {period.days for period in Period} == {*WINDOWS, None}


class Sort(enum.StrEnum):
    """What a list begins with; masters without the figure come last, then the older one is first."""

    RETURN = "return"
    SHARPE = "sharpe"
    DRAWDOWN = "drawdown"
    RISK = "risk"
    FOLLOWERS = "followers"
    FOLLOWING = "following"
    AGE = "age"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the list. Fractions are fractions (0.05 is 5 %), None asks for nothing.

    ``symbol`` is one that was among the usual trades; its spelling does not matter. ``statuses``
    are those of masters; ``open_only`` leaves out what cannot be followed now.
    """

    period: Period = Period.QUARTER
    search: str = ""
    min_return: float | None = None
    max_drawdown: float | None = None
    max_risk: int | None = None
    min_days: int | None = None
    symbol: str = ""
    min_followers: int | None = None
    platform: str = ""
    mode: str = ""
    open_only: bool = False
    statuses: Sequence[str] = ()
    sort: Sort = Sort.SHARPE
    page: int = 1
    size: int = PAGE_SIZE


@dataclass(frozen=True, slots=True)
class MasterEntry:
    """A master in a list. Money is in ``currency``, that of its account.

    ``figures`` are those of the end of ``day``, empty where nothing was computed yet. ``since`` is
    the first day of the record. ``openings`` are the usual trades.
    """

    id: int
    uuid: UUID
    name: str
    description: str
    status: str
    status_reason: str
    enabled: bool
    visibility: str
    created_at: datetime
    account_id: int
    login: str
    owner_id: int | None
    currency: str
    platform: str
    mode: str
    equity: Decimal | None
    since: date | None
    followers: int
    following: Decimal
    openings: tuple[Opening, ...]
    day: date | None
    figures: Mapping[str, Figure] = field(repr=False)

    @property
    def symbols_by_use(self) -> list[str]:
        """What it trades, most first."""
        counts = Counter[str]()
        for opening in self.openings:
            counts[opening.symbol] += opening.times
        return [symbol for symbol, _ in counts.most_common()]

    def figure(self, name: str) -> Figure:
        return self.figures.get(name, _NO_DATA)


@dataclass(frozen=True, slots=True)
class MasterPage:
    """A page of the list. ``total`` counts all masters that fit, ``number`` is this page's."""

    entries: tuple[MasterEntry, ...]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        return max(-(-self.total // self.size), 1)


_NO_DATA = Figure(None, Standing.NO_DATA)
_SHOWN = (
    "m.id, m.uuid, m.strategy_name, m.description, m.status, m.status_reason, m.enabled, "
    "m.visibility, m.created_at, m.account_id, a.login, a.owner_id, a.currency, a.platform, "
    "g.mode, st.equity, s.since, coalesce(s.followers, 0), coalesce(s.following, 0), "
    "coalesce(u.openings, '[]')"
)
_FIGURES = ", ".join(f"f.{name}" for name in DAILY_FIGURES)

# All that fit are read once, narrow, for their order and their number; what is shown is read for
# the page alone. Figures and summaries are joined only where they decide.
_PAGE = """
WITH fitting AS MATERIALIZED (
    SELECT m.id, {keys}
    FROM copytrading_copymaster m
    LEFT JOIN analytics_accountfigures f ON f.account_id = m.account_id
    LEFT JOIN analytics_mastersummary s ON s.account_id = m.account_id
    WHERE m.archived_at IS NULL AND {which}
), page AS MATERIALIZED (
    SELECT id, row_number() OVER () AS place FROM (
        SELECT id FROM fitting ORDER BY {order} LIMIT %(size)s
        OFFSET greatest(least(%(page)s::bigint, (SELECT (count(*) - 1) / %(size)s + 1 FROM fitting))
                        - 1, 0) * %(size)s) ordered
)
SELECT (SELECT count(*) FROM fitting), {shown}, f.day, f.standings, {figures}
FROM page
JOIN copytrading_copymaster m ON m.id = page.id
JOIN platforms_tradingaccount a ON a.id = m.account_id
JOIN platforms_accountgroup g ON g.id = a.group_id
LEFT JOIN platforms_accountstate st ON st.account_id = m.account_id
LEFT JOIN analytics_accountfigures f ON f.account_id = m.account_id
LEFT JOIN analytics_mastersummary s ON s.account_id = m.account_id
LEFT JOIN analytics_usualtrades u ON u.account_id = m.account_id
ORDER BY page.place
"""
#: What each order goes by, and whether the largest come first.
_KEYS: Mapping[Sort, tuple[str, bool]] = {
    Sort.RETURN: ("f.{returned}", True),
    Sort.SHARPE: ("f.sharpe", True),
    Sort.DRAWDOWN: ("f.{drawdown}", False),
    Sort.RISK: ("f.risk_score", False),
    Sort.FOLLOWERS: ("s.followers", True),
    Sort.FOLLOWING: ("s.following", True),
    Sort.AGE: ("s.since", False),
    Sort.NAME: ("upper(m.strategy_name)", False),
}
_VISIBLE = (
    "m.status IN ('active', 'paused') AND (m.visibility = 'public' OR m.account_id IN "
    "(SELECT id FROM platforms_tradingaccount WHERE owner_id = %(user)s))"
)


_OFFERS = """
SELECT ARRAY(SELECT DISTINCT platform FROM analytics_mastersummary ORDER BY 1),
       ARRAY(SELECT symbol FROM analytics_mastersummary, unnest(symbols) symbol
             GROUP BY symbol ORDER BY count(*) DESC, symbol LIMIT 200)
"""
_OFFERS_AGE_S = 60.0


@dataclass(frozen=True, slots=True)
class Offers:
    """Platforms of masters, and the symbols that they trade, those of most masters first."""

    platforms: tuple[str, ...]
    symbols: tuple[str, ...]


class _OffersCache:
    value: Offers | None = None
    read_at = 0.0


def offers() -> Offers:
    """What there is to filter by, read at most once a minute in each process."""
    now = time.monotonic()
    if _OffersCache.value is None or now - _OffersCache.read_at > _OFFERS_AGE_S:
        with connection.cursor() as cursor:
            cursor.execute(_OFFERS)
            platforms, symbols = cursor.fetchone()
        _OffersCache.value = Offers(tuple(platforms), tuple(symbols))
        _OffersCache.read_at = now
    return _OffersCache.value


def forget_offers() -> None:
    """Read it anew at the next use."""
    _OffersCache.value = None


def masters_open_to(user: User, wanted: Wanted, *, today: date) -> MasterPage:
    """The masters that a customer may follow: public ones that are active or paused, and the
    customer's own."""
    return _page(wanted, [_VISIBLE], {"user": user.pk}, today)


def all_masters(wanted: Wanted, *, today: date) -> MasterPage:
    """Masters of every kind and status but deleted ones, for staff."""
    return _page(wanted, ["TRUE"], {}, today)


def masters_chosen(user: User, uuids: Collection[UUID]) -> list[MasterEntry]:
    """Those of these masters that a customer may follow, in the order of ``uuids``."""
    places = {uuid: place for place, uuid in enumerate(uuids)}
    if not places:
        return []
    values = {"user": user.pk, "uuids": list(places), "size": len(places), "page": 1}
    rows = _ask(Sort.NAME, Period.ALL, [_VISIBLE, "m.uuid = ANY(%(uuids)s)"], values)
    return sorted((_entry(row) for row in rows), key=lambda entry: places[entry.uuid])


def _page(wanted: Wanted, scope: Sequence[str], values: dict[str, Any], today: date) -> MasterPage:
    """The page that is asked for, or the last one where there are not so many."""
    conditions, filters = _conditions(wanted, today)
    values = {**values, **filters, "size": wanted.size, "page": max(wanted.page, 1)}
    rows = _ask(wanted.sort, wanted.period, [*scope, *conditions], values)
    total = rows[0][0] if rows else 0
    number = min(max(wanted.page, 1), max(-(-total // wanted.size), 1))
    return MasterPage(tuple(map(_entry, rows)), total, number, wanted.size)


def _conditions(wanted: Wanted, today: date) -> tuple[list[str], dict[str, Any]]:
    returned, drawdown = wanted.period.return_figure, wanted.period.drawdown_figure
    since = today - timedelta(days=wanted.min_days) if wanted.min_days else None
    tests = {
        f"f.{returned} >= %(min_return)s": ("min_return", wanted.min_return),
        f"f.{drawdown} <= %(max_drawdown)s": ("max_drawdown", wanted.max_drawdown),
        "f.risk_score <= %(max_risk)s": ("max_risk", wanted.max_risk),
        "s.since <= %(since)s": ("since", since),
        "s.symbols @> ARRAY[%(symbol)s]::varchar[]": ("symbol", fold(wanted.symbol) or None),
        "s.followers >= %(min_followers)s": ("min_followers", wanted.min_followers or None),
        "s.platform = %(platform)s": ("platform", wanted.platform or None),
        "s.mode = %(mode)s": ("mode", wanted.mode or None),
        "m.status = ANY(%(statuses)s)": ("statuses", list(wanted.statuses) or None),
        "(m.strategy_name ILIKE %(search)s OR m.description ILIKE %(search)s)": (
            "search",
            _pattern(wanted.search),
        ),
    }
    asked = {test: pair for test, pair in tests.items() if pair[1] is not None}
    conditions = [*asked, *(["m.status = 'active' AND m.enabled"] if wanted.open_only else [])]
    return conditions, dict(asked.values())


def _pattern(search: str) -> str | None:
    """What is searched for, anywhere in the text, letter by letter."""
    text = search.strip()
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%" if text else None


def _ask(
    sort: Sort, period: Period, which: Sequence[str], values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    key, largest_first = _KEYS[sort]
    statement = _PAGE.format(
        keys=key.format(returned=period.return_figure, drawdown=period.drawdown_figure) + " AS key",
        order=f"key{' DESC' if largest_first else ''} NULLS LAST, id",
        which=" AND ".join(which),
        shown=_SHOWN,
        figures=_FIGURES,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


_LAST = 21  # the last column of _SHOWN, behind the total


def _entry(row: Sequence[Any]) -> MasterEntry:
    *plain, openings = row[1:_LAST]
    day, standings, *values = row[_LAST:]
    figures = {
        name: Figure(value, Standing(standing))
        for name, value, standing in zip(
            DAILY_FIGURES, values, bytes(standings or b""), strict=False
        )
    }
    usual = tuple(
        Opening(symbol, Decimal(units), times) for symbol, units, times in json.loads(openings)
    )
    return MasterEntry(*plain, usual, day, figures)
