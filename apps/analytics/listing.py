"""The list of masters: filtered, searched, sorted and paged in PostgreSQL, for customers and staff.

A page is one query, whatever is asked: what a master is comes from the masters' own tables, so
that a change of status or visibility counts at once, figures and counts from what is kept up.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.models import User
from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.minimum_lot import Opening
from apps.analytics.domain.standing import Figure, Standing
from apps.analytics.kept_figures import KeptFigures
from apps.analytics.list_query import Period as Period  # what a list is asked for
from apps.analytics.list_query import Sort, Wanted, conditions, ordering


@dataclass(frozen=True, slots=True)
class MasterEntry:
    """A master in a list. Money is in ``currency``, that of its account.

    ``figures`` are those of the end of ``day``, empty where nothing was computed yet. ``since`` is
    the first day of the record, part of which may be ``imported``. ``earned`` is the return of the
    follower in the middle after trading costs and ``in_profit`` the share of those who gained, None
    below five followers; ``sample`` is how many there were. ``result`` is what
    its closed ``trades`` brought after costs. ``openings`` are the usual trades. ``gate`` says why
    a rule keeps new followers away now, '' where none does.
    """

    id: int
    uuid: UUID
    name: str
    description: str
    status: str
    status_reason: str
    gate: str
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
    follower_modes: str
    max_followers: int
    min_investment: Decimal
    imported: bool
    since: date | None
    followers: int
    strangers: int
    following: Decimal
    earned: float | None
    in_profit: float | None
    sample: int
    result: Decimal
    trades: int
    win_rate: float | None
    openings: tuple[Opening, ...]
    day: date | None
    figures: Mapping[str, Figure] = field(repr=False)

    @property
    def full(self) -> bool:
        """Whether it takes no more followers than it has."""
        return 0 < self.max_followers <= self.strangers

    @property
    def takes_followers(self) -> bool:
        """Whether somebody who follows now would be copied to, and is let in."""
        return self.status == "active" and self.enabled and not self.full and not self.gate

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
#: Why a rule keeps new followers away.
GATE = (
    "coalesce((SELECT string_agg(h.reason, ' ' ORDER BY h.began_at, h.id) "
    "FROM copytrading_mastergate h WHERE h.master_id = m.id AND h.lifted_at IS NULL), '')"
)
_MASTER = (
    "m.id, m.uuid, m.strategy_name, m.description, m.status, m.status_reason, "
    f"{GATE}, m.enabled, "
    "m.visibility, m.created_at, m.account_id, a.login, a.owner_id, a.currency, a.platform, "
    "g.mode, st.equity, m.allowed_follower_modes, m.max_followers, m.min_investment, "
    "EXISTS (SELECT 1 FROM analytics_importedrecord r WHERE r.account_id = m.account_id "
    "AND r.confirmed_at IS NOT NULL)"
)
_SUMS = (
    "s.since, coalesce(s.followers, 0), coalesce(s.strangers, 0), coalesce(s.following, 0), "
    "s.earned, s.in_profit, coalesce(s.sample, 0), coalesce(t.result, 0), coalesce(t.trades, 0), "
    "t.win_rate, coalesce(u.openings, '[]')"
)
_FIGURES = ", ".join(f"f.{name}" for name in DAILY_FIGURES)
_ENTRY = (_MASTER, f"{_SUMS}, f.day, f.standings, {_FIGURES}")

# All that fit are read once, narrow, for their order and their number; what is shown is read for
# the page alone. Figures and summaries are joined only where they decide. The last step is cut in
# two: to find the best order of nine joins takes longer than the joins. The widest tables are
# asked row by row (OFFSET 0 keeps it so): for some hundred rows PostgreSQL would read them whole.
_PAGE = """
WITH fitting AS MATERIALIZED (
    SELECT m.id, {keys}
    FROM copytrading_copymaster m
    LEFT JOIN analytics_accountfigures f ON f.account_id = m.account_id
    LEFT JOIN analytics_mastersummary s ON s.account_id = m.account_id
    LEFT JOIN analytics_accounttrades t ON t.account_id = m.account_id
    LEFT JOIN (SELECT master_id, count(*) AS alarms FROM analytics_masteralarm
               WHERE cleared_at IS NULL GROUP BY master_id) w ON w.master_id = m.id
    WHERE m.archived_at IS NULL AND {which}
), page AS MATERIALIZED (
    SELECT id, row_number() OVER () AS place FROM (
        SELECT id FROM fitting ORDER BY {order} LIMIT %(size)s
        OFFSET greatest(least(%(page)s::bigint, (SELECT (count(*) - 1) / %(size)s + 1 FROM fitting))
                        - 1, 0) * %(size)s) ordered
), shown AS MATERIALIZED (
    SELECT page.place, {master}
    FROM page
    CROSS JOIN LATERAL (
        SELECT * FROM copytrading_copymaster one WHERE one.id = page.id OFFSET 0) m
    JOIN platforms_tradingaccount a ON a.id = m.account_id
    JOIN platforms_accountgroup g ON g.id = a.group_id
    LEFT JOIN platforms_accountstate st ON st.account_id = m.account_id
)
SELECT (SELECT count(*) FROM fitting), shown.*, {sums}
FROM shown
LEFT JOIN LATERAL (
    SELECT * FROM analytics_accountfigures one WHERE one.account_id = shown.account_id OFFSET 0
) f ON true
LEFT JOIN analytics_mastersummary s ON s.account_id = shown.account_id
LEFT JOIN analytics_accounttrades t ON t.account_id = shown.account_id
LEFT JOIN analytics_usualtrades u ON u.account_id = shown.account_id
ORDER BY shown.place
"""
_VISIBLE = (
    "m.status IN ('active', 'paused') AND (m.visibility = 'public' OR m.account_id IN "
    "(SELECT id FROM platforms_tradingaccount WHERE owner_id = %(user)s))"
)


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
    rows = _ask(ordering(Sort.NAME, Period.ALL), [_VISIBLE, "m.uuid = ANY(%(uuids)s)"], values)
    return sorted((_entry(row) for row in rows), key=lambda entry: places[entry.uuid])


def _page(wanted: Wanted, scope: Sequence[str], values: dict[str, Any], today: date) -> MasterPage:
    """The page that is asked for, or the last one where there are not so many."""
    rows = read_page(wanted, scope, values, today)
    total = rows[0][0] if rows else 0
    number = min(max(wanted.page, 1), max(-(-total // wanted.size), 1))
    return MasterPage(tuple(map(_entry, rows)), total, number, wanted.size)


def read_page(
    wanted: Wanted,
    scope: Sequence[str],
    values: Mapping[str, Any],
    today: date,
    columns: tuple[str, str] = _ENTRY,
) -> list[tuple[Any, ...]]:
    """The rows of a page: how many fit, the place, and ``columns`` of the master and of what is
    summed up, over the tables of the list; ``m.account_id`` is among the master's."""
    narrowed, filters = conditions(wanted, today)
    values = {**values, **filters, "size": wanted.size, "page": max(wanted.page, 1)}
    order = ordering(wanted.sort, wanted.period, reverse=wanted.reverse)
    return _ask(order, [*scope, *narrowed], values, columns)


def _ask(
    order: tuple[str, str],
    which: Sequence[str],
    values: Mapping[str, Any],
    columns: tuple[str, str] = _ENTRY,
) -> list[tuple[Any, ...]]:
    key, direction = order
    statement = _PAGE.format(
        keys=f"{key} AS key",
        order=f"key {direction}, id",
        which=" AND ".join(which),
        master=columns[0],
        sums=columns[1],
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


_LAST = 34  # the last column of _SUMS, behind the total and the place


def _entry(row: Sequence[Any]) -> MasterEntry:
    *plain, openings = row[2:_LAST]
    day, standings, *kept = row[_LAST:]
    figures = KeptFigures(tuple(kept), bytes(standings or b""))
    usual = tuple(
        Opening(symbol, Decimal(units), times) for symbol, units, times in json.loads(openings)
    )
    values = [*plain, usual, day, figures]
    return MasterEntry(*values)
