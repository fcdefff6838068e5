"""What can be asked of the list of masters, and what that means in SQL."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from apps.analytics.domain.standing import WINDOWS
from apps.platforms.selectors import currency_rates
from apps.trading.errors import NoConversionRate
from apps.trading.money import Money
from apps.trading.symbols import fold

PAGE_SIZE = 18


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
    """What a list begins with; masters without the figure come last, of equal ones the newer."""

    RETURN = "return"
    SHARPE = "sharpe"
    DRAWDOWN = "drawdown"
    RISK = "risk"
    FOLLOWERS = "followers"
    EARNED = "earned"
    FOLLOWING = "following"
    RESULT = "result"
    WIN_RATE = "win_rate"
    AGE = "age"
    NAME = "name"
    STATUS = "status"
    ALARMS = "alarms"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the list. Fractions are fractions (0.05 is 5 %), None asks for nothing.

    ``symbol`` is one that was among the usual trades; its spelling does not matter. ``investment``
    is what the minimum investment must not be above. ``statuses`` are those of masters;
    ``open_only`` leaves out those that take no new followers now, ``gated`` all that no rule keeps
    new followers from, ``alarmed`` all that no alarm is about. With ``by_login`` the
    search finds the one with this login, too. ``reverse`` turns the order round.
    """

    period: Period = Period.QUARTER
    search: str = ""
    min_return: float | None = None
    max_drawdown: float | None = None
    max_risk: int | None = None
    min_days: int | None = None
    symbol: str = ""
    min_followers: int | None = None
    investment: Money | None = None
    platform: str = ""
    mode: str = ""
    open_only: bool = False
    statuses: Sequence[str] = ()
    visibility: str = ""
    gated: bool = False
    alarmed: bool = False
    by_login: bool = False
    reverse: bool = False
    sort: Sort = Sort.SHARPE
    page: int = 1
    size: int = PAGE_SIZE


#: What each order goes by, and whether the largest come first.
_KEYS: Mapping[Sort, tuple[str, bool]] = {
    Sort.RETURN: ("f.{returned}", True),
    Sort.SHARPE: ("f.sharpe", True),
    Sort.DRAWDOWN: ("f.{drawdown}", False),
    Sort.RISK: ("f.risk_score", False),
    Sort.FOLLOWERS: ("s.followers", True),
    Sort.EARNED: ("s.earned", True),
    Sort.FOLLOWING: ("s.following", True),
    Sort.RESULT: ("t.result", True),
    Sort.WIN_RATE: ("t.win_rate", True),
    Sort.AGE: ("s.since", False),
    Sort.NAME: ("upper(m.strategy_name)", False),
    Sort.STATUS: ("m.status", False),
    Sort.ALARMS: ("w.alarms", True),
}
_GATED = (
    "EXISTS (SELECT 1 FROM copytrading_mastergate h "
    "WHERE h.master_id = m.id AND h.lifted_at IS NULL)"
)
_ALARMED = (
    "EXISTS (SELECT 1 FROM analytics_masteralarm w "
    "WHERE w.master_id = m.id AND w.cleared_at IS NULL)"
)
_OPEN = (
    "m.status = 'active' AND m.enabled "
    "AND (m.max_followers = 0 OR coalesce(s.strangers, 0) < m.max_followers) "
    f"AND NOT {_GATED}"
)
_AFFORDABLE = (
    "(m.min_investment = 0 OR m.min_investment <= (%(limits)s::jsonb ->> "
    "(SELECT currency FROM platforms_tradingaccount WHERE id = m.account_id))::numeric)"
)
_WORDS = "(m.strategy_name ILIKE %(search)s OR m.description ILIKE %(search)s)"
_LOGIN = "m.account_id IN (SELECT id FROM platforms_tradingaccount WHERE login = %(login)s)"
_ASKED_CURRENCIES = """
SELECT DISTINCT a.currency FROM copytrading_copymaster m
JOIN platforms_tradingaccount a ON a.id = m.account_id WHERE m.min_investment > 0
"""


def largest_first(wanted_sort: Sort) -> bool:
    """Whether an order begins with the largest where it is not turned round."""
    return _KEYS[wanted_sort][1]


def ordering(wanted_sort: Sort, period: Period, *, reverse: bool = False) -> tuple[str, str]:
    """What an order goes by, over the same tables, and its direction."""
    key, falling = _KEYS[wanted_sort]
    column = key.format(returned=period.return_figure, drawdown=period.drawdown_figure)
    return column, f"{'DESC' if falling != reverse else 'ASC'} NULLS LAST"


def conditions(wanted: Wanted, today: date) -> tuple[list[str], dict[str, Any]]:
    """What masters must fulfil, over the tables m, f, s and t of the list, and its values."""
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
        "m.visibility = %(visibility)s": ("visibility", wanted.visibility or None),
        _WORDS if not wanted.by_login else f"({_WORDS} OR {_LOGIN})": (
            "search",
            _pattern(wanted.search),
        ),
    }
    if wanted.investment is not None:
        limits = _in_other_currencies(wanted.investment)
        tests[_AFFORDABLE] = ("limits", limits)
    asked = {test: pair for test, pair in tests.items() if pair[1] is not None}
    more = {_OPEN: wanted.open_only, _GATED: wanted.gated, _ALARMED: wanted.alarmed}
    values = {**dict(asked.values()), "login": wanted.search.strip()}
    return [*asked, *(test for test, counts in more.items() if counts)], values


def _in_other_currencies(amount: Money) -> str:
    """An amount in every currency that accounts have and that a rate is known to."""
    with connection.cursor() as cursor:
        cursor.execute(_ASKED_CURRENCIES)
        currencies = [currency for (currency,) in cursor.fetchall()]
    rates = currency_rates([*currencies, amount.currency])
    known = {amount.currency: str(amount.amount)}
    for currency in currencies:
        try:
            known[currency] = str(rates.convert(amount.amount, amount.currency, currency))
        except NoConversionRate:
            continue
    return json.dumps(known)


def _pattern(search: str) -> str | None:
    """What is searched for, anywhere in the text, letter by letter."""
    text = search.strip()
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%" if text else None
