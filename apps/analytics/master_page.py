"""What the pages of a master show of its record, for those who may follow it and for staff.

The functions answer parts of a template's context; templates/masters/parts.html shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.analytics.domain.daily import DailySeries
from apps.analytics.list_query import Period
from apps.analytics.master_curves import curves
from apps.analytics.master_tables import HABITS, breakdowns, figure_groups, headline, years
from apps.analytics.records import daily_series, months_in
from apps.analytics.selectors import (
    closed_trades,
    habits_of,
    stored_figures,
    trade_parts,
    trade_stats,
)

TRADES_SHOWN = 20
_PERIODS = (
    (Period.WEEK, "7 days"),
    (Period.MONTH, "30 days"),
    (Period.QUARTER, "90 days"),
    (Period.YEAR, "1 year"),
    (Period.ALL, "All"),
)
_VIEWS = (("money", "Money"), ("return", "Return"))


def chart_of(
    asked: Mapping[str, str],
    account_id: int,
    currency: str,
    now: datetime,
    record: DailySeries | None = None,
) -> dict[str, Any]:
    """The chart that ``period`` and ``view`` of an address ask for, and what can be asked for.

    ``record`` is all of the account's daily returns, where the page has them.
    """
    try:
        period = Period(asked.get("period", Period.YEAR))
    except ValueError:
        period = Period.YEAR
    view = asked.get("view", "")
    view = view if view in dict(_VIEWS) else "money"
    return {
        "chart": curves(account_id, currency, period, view, now, record),
        "period": period.value,
        "view": view,
        "periods": [(one.value, label) for one, label in _PERIODS],
        "views": _VIEWS,
    }


def daily_record(account_id: int, now: datetime) -> DailySeries | None:
    """All daily returns of an account, for the chart and the months of one page."""
    return daily_series([account_id], until=now.date()).get(account_id)


def record_of(
    account_id: int, currency: str, now: datetime, record: DailySeries | None
) -> dict[str, Any]:
    """Figures with their meaning, months, habits, and where it earns and loses."""
    stored = stored_figures([account_id]).get(account_id)
    stats = trade_stats([account_id]).get(account_id)
    figures = {
        **(stored.figures if stored else {}),
        **(stats.figures if stats else {}),
    }
    return {
        "figures_day": stored.day if stored else None,
        "headline": headline(figures, currency),
        "groups": figure_groups(figures, currency),
        "stats": stats,
        "years": years(months_in(record, now.date()) if record is not None else {}),
        "breakdowns": breakdowns(trade_parts(account_id)) if stats and stats.trades else [],
        "habits": [(row, HABITS[row.habit]) for row in habits_of(account_id)],
    }


def trades_of(
    account_id: int, before: str = "", *, until: datetime | None = None
) -> dict[str, Any]:
    """A page of closed trades; ValueError for a ``before`` that is none."""
    trades = closed_trades(account_id, limit=TRADES_SHOWN + 1, before=before, until=until)
    return {
        "trades": trades[:TRADES_SHOWN],
        "older": trades[TRADES_SHOWN - 1].cursor if len(trades) > TRADES_SHOWN else "",
        "paged": bool(before),
    }
