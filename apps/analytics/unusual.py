"""Looking for what is unusual about masters, over all of them together.

A look reads what all masters are worth once, and of the others only what is near a threshold or
new since the look before. The calculations stand in :mod:`apps.analytics.domain.unusual`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from apps.analytics.alarm_models import WatchedMaster
from apps.analytics.domain.alarms import EASED, Found, Number
from apps.analytics.domain.daily import grid
from apps.analytics.domain.standing import LOOK_BACK, FloatArray, IntArray
from apps.analytics.domain.unusual import (
    LEAST_BOUND,
    LEAST_FALL,
    LEAST_SILENCE_S,
    LEAST_TRADES,
    fall_measure,
    margin_measure,
    silence_measure,
    worst_before,
)
from apps.analytics.master_money import MasterMoney
from apps.analytics.records import daily_series

#: Masters whose history is read anew in one look; the next one takes the others.
HISTORIES_AT_ONCE = 500
#: What is usual of margin is read off so many days.
_USUAL_DAYS = 30

_REMEMBERED = """
SELECT f.account_id, w.worst, w.day IS DISTINCT FROM f.day, f.day
FROM analytics_accountfigures f LEFT JOIN analytics_watchedmaster w ON w.account_id = f.account_id
WHERE f.account_id = ANY(%(accounts)s) ORDER BY w.day NULLS FIRST, f.account_id
"""
_MARGIN_DAYS = """
SELECT account_id, (%(today)s - day)::int, most_margin::float8 / equity::float8
FROM analytics_equityday
WHERE account_id = ANY(%(accounts)s) AND day < %(today)s AND day >= %(today)s - %(days)s
  AND NOT imported AND equity > 0 AND most_margin > 0
"""
_SILENT = """
WITH last AS (
    SELECT m.id, t.trades, t.first_at, t.last_at,
           greatest(t.last_at, (SELECT max(h.last_at) FROM analytics_heldposition h
                                WHERE h.account_id = m.account_id)) AS at
    FROM copytrading_copymaster m JOIN analytics_accounttrades t ON t.account_id = m.account_id
    WHERE m.archived_at IS NULL AND m.status = 'active' AND m.enabled
      AND t.trades >= %(trades)s AND t.last_at < %(before)s
)
SELECT id, at, extract(epoch FROM last_at - first_at)::float8, trades FROM last
WHERE at < %(before)s ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a look found of one kind: ``found`` is near the threshold or beyond it, by master.

    Of the others among ``masters`` nothing is unusual; None is all of them.
    """

    found: Mapping[int, Found]
    masters: frozenset[int] | None = None

    def covers(self, master_id: int) -> bool:
        """Whether the look was at this master."""
        return self.masters is None or master_id in self.masters


def drawdowns(money: MasterMoney, now: datetime, threshold: float) -> Judged:
    """Masters that have fallen deeper than ever before; unknown ones are not judged."""
    known = np.isfinite(money.fall)
    near = np.flatnonzero(known & (money.fall >= LEAST_FALL * threshold * EASED))
    worst = _worst(money.account[near], now)
    measures = fall_measure(money.fall[near], worst)
    found = {
        int(money.master[place]): _deeper(measure, float(money.fall[place]), deepest)
        for place, measure, deepest in zip(
            near.tolist(), measures.tolist(), worst.tolist(), strict=True
        )
        if measure >= threshold * EASED
    }
    return Judged(found, frozenset(money.master[known].tolist()))


def _deeper(measure: float, fall: float, worst: float) -> Found:
    return Found(
        measure,
        f"It is {fall:.1%} below its high; the deepest drawdown before this one was {worst:.1%}.",
        (
            Number("Below its high now", f"{fall:.1%}"),
            Number("Deepest drawdown before", f"{worst:.1%}"),
            Number("Times the deepest before", f"{measure:.2f}"),
        ),
    )


def _worst(accounts: IntArray, now: datetime) -> FloatArray:
    """The deepest drawdown before the present one; what a new day changed is computed anew."""
    rows = _rows(_REMEMBERED, {"accounts": accounts.tolist()})
    known = {account: np.nan if worst is None else worst for account, worst, _, _ in rows}
    fresh = {account: day for account, _, stale, day in rows if stale}
    some = dict(list(fresh.items())[:HISTORIES_AT_ONCE])
    series = daily_series(some, until=now.date(), days=LOOK_BACK) if some else {}
    if series:
        found = worst_before(grid(list(series.values()), now.date(), LOOK_BACK))
        known |= dict(zip(series, found.tolist(), strict=True))
    WatchedMaster.objects.bulk_create(
        [
            WatchedMaster(account_id=account, worst=_or_none(known[account]), day=day)
            for account, day in some.items()
        ],
        update_conflicts=True,
        unique_fields=["account_id"],
        update_fields=["worst", "day"],
    )
    return np.array([known.get(account, np.nan) for account in accounts.tolist()], dtype=np.float64)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def sudden_leverage(money: MasterMoney, now: datetime, threshold: float) -> Judged:
    """Masters that bind much more of their equity as margin than they usually do."""
    known = np.isfinite(money.bound)
    near = np.flatnonzero(known & (money.bound >= LEAST_BOUND))
    days = np.full((len(near), _USUAL_DAYS), np.nan)
    places = {int(account): row for row, account in enumerate(money.account[near])}
    values = {"accounts": list(places), "today": now.date(), "days": _USUAL_DAYS}
    for account, ago, share in _rows(_MARGIN_DAYS, values) if places else ():
        days[places[account], ago - 1] = share
    measures, usual = margin_measure(money.bound[near], days)
    found = {
        int(money.master[place]): _levered(money, int(place), float(measures[row]), usual[row])
        for row, place in enumerate(near)
        if measures[row] >= threshold * EASED
    }
    return Judged(found, frozenset(money.master[known].tolist()))


def _levered(money: MasterMoney, place: int, measure: float, usual: float) -> Found:
    bound, leverage = float(money.bound[place]), float(money.leverage[place])
    return Found(
        measure,
        f"It binds {bound:.1%} of its equity as margin; at most {usual:.1%} is usual for a day.",
        (
            Number("Margin of equity now", f"{bound:.1%}"),
            Number("Usual at most in a day", f"{usual:.1%}"),
            Number("Times the usual", f"{measure:.1f}"),
            Number("Value of its positions", f"{leverage:.1f} times its equity"),
        ),
    )


def silent(now: datetime, threshold: float) -> Judged:
    """Active masters that have not traded for much longer than they usually pause."""
    before = now - timedelta(seconds=LEAST_SILENCE_S)
    rows = _rows(_SILENT, {"before": before, "trades": LEAST_TRADES})
    quiet = np.array([(now - at).total_seconds() for _, at, _, _ in rows], dtype=np.float64)
    span = np.array([row[2] for row in rows], dtype=np.float64)
    trades = np.array([row[3] for row in rows], dtype=np.int64)
    measures = silence_measure(quiet, span, trades)
    return Judged(
        {
            row[0]: _quiet(measure, row[1], seconds)
            for row, measure, seconds in zip(rows, measures.tolist(), quiet.tolist(), strict=True)
            if measure >= threshold * EASED
        }
    )


def _quiet(measure: float, at: datetime, seconds: float) -> Found:
    days, usual = seconds / 86_400, seconds / measure / 3600
    pause = f"{usual:.0f} hours" if usual < 48 else f"{usual / 24:.1f} days"
    if usual < 1.5:
        pause = "hour"
    return Found(
        measure,
        f"No trade for {days:.0f} days; until then it traded every {pause} on average.",
        (
            Number("Silent for", f"{days:.1f} days"),
            Number("Last trade", f"{at:%-d %b %Y %H:%M} UTC"),
            Number("Usual pause", pause if usual >= 1.5 else "1 hour or less"),
        ),
    )


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
