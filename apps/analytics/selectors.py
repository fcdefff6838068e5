"""Reading figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db import connection

from apps.analytics.alarm_records import (
    AlarmRow,
    alarm_by_uuid,
    alarm_history,
    alarms,
    alarms_chosen,
    new_alarms,
    open_alarms_of,
)
from apps.analytics.copies import FollowerEarnings, follower_earnings
from apps.analytics.copy_records import (
    CopyReturn,
    DayPoint,
    copy_curve,
    copy_returns,
)
from apps.analytics.domain.curve import CurvePoint
from apps.analytics.exposures import (
    ExposureTable,
    MasterCorrelations,
    exposure_of,
    master_correlations,
)
from apps.analytics.gaps import CopyGap, GapRow, SkipReason, gap_of_copy
from apps.analytics.imported import (
    ImportedSpan,
    draft_of,
    has_imported_history,
    imported_record,
    imported_spans,
    imported_trades,
)
from apps.analytics.moments import MoneyThen, money_at
from apps.analytics.records import (
    IndexPoint,
    RecordPoint,
    StoredFigures,
    drawdown_curves,
    equity_curve,
    monthly_returns,
    period_figures,
    return_lines,
    stored_figures,
)
from apps.analytics.trade_records import (
    Breakdown,
    HabitRow,
    TradeRow,
    TradeStats,
    closed_trades,
    habits_of,
    trade_parts,
    trade_stats,
)
from apps.common.database import prepared_rows

__all__ = [
    "AlarmRow",
    "Breakdown",
    "CopyGap",
    "CopyReturn",
    "DayPoint",
    "ExposureTable",
    "FollowerEarnings",
    "GapRow",
    "HabitRow",
    "ImportedSpan",
    "IndexPoint",
    "MasterCorrelations",
    "MoneyThen",
    "RecordPoint",
    "SkipReason",
    "StoredFigures",
    "TradeRow",
    "TradeStats",
    "alarm_by_uuid",
    "alarm_history",
    "alarms",
    "alarms_chosen",
    "closed_trades",
    "copy_curve",
    "copy_returns",
    "draft_of",
    "drawdown_curves",
    "equity_curve",
    "equity_history",
    "exposure_of",
    "follower_earnings",
    "gap_of_copy",
    "habits_of",
    "has_imported_history",
    "imported_record",
    "imported_spans",
    "imported_trades",
    "master_correlations",
    "money_at",
    "money_following",
    "monthly_returns",
    "new_alarms",
    "open_alarms_of",
    "period_figures",
    "return_lines",
    "stored_figures",
    "trade_parts",
    "trade_stats",
]

# The last sample of each stretch is found by the index, without reading the others.
_HISTORY = """
SELECT a.id, newest.at, newest.equity, newest.balance
FROM unnest(%(accounts)s::bigint[]) a(id)
CROSS JOIN (
    SELECT %(since)s::timestamptz + number * step AS begins,
           CASE WHEN number = %(points)s - 1 THEN %(until)s::timestamptz + interval '1 microsecond'
                ELSE %(since)s::timestamptz + (number + 1) * step END AS ends
    FROM generate_series(0, %(points)s - 1) number,
         (SELECT (%(until)s::timestamptz - %(since)s::timestamptz) / %(points)s AS step) cut
) stretch
CROSS JOIN LATERAL (
    SELECT at, equity, balance FROM analytics_equitysample
    WHERE account_id = a.id AND at >= stretch.begins AND at < stretch.ends
    ORDER BY at DESC LIMIT 1
) newest
ORDER BY a.id, newest.at
"""


_FOLLOWING = "SELECT following FROM analytics_mastersummary WHERE account_id = %s"


def money_following(account_id: int) -> Decimal | None:
    """The money that copies of a master size on, in its currency; None before it was summed up."""
    found = prepared_rows(_FOLLOWING, [account_id])
    return found[0][0] if found else None


def equity_history(
    account_ids: Collection[int], *, since: datetime, until: datetime, points: int = 120
) -> dict[int, list[CurvePoint]]:
    """Equity curves of accounts, thinned to about ``points`` points each, oldest first.

    Each point is the last sample of its stretch of time. One query, whatever the number of
    accounts; accounts without samples are missing from the answer.
    """
    curves: dict[int, list[CurvePoint]] = defaultdict(list)
    if not account_ids or since >= until:
        return curves
    with connection.cursor() as cursor:
        cursor.execute(
            _HISTORY,
            {"accounts": list(account_ids), "since": since, "until": until, "points": points},
        )
        for account_id, at, equity, balance in cursor.fetchall():
            curves[account_id].append(CurvePoint(at, Decimal(equity), Decimal(balance)))
    return curves
