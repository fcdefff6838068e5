"""What an imported record looks like, before and after it is confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.conf import settings

from apps.analytics.domain.daily import DailySeries, figures_of
from apps.analytics.domain.drawdowns import index_of
from apps.analytics.domain.standing import Figure
from apps.analytics.domain.trade_figures import trade_figures_of
from apps.analytics.domain.trades import ClosedTrade
from apps.analytics.imported import first_own_day
from apps.analytics.importing import days_before
from apps.analytics.models import ImportedRecord
from apps.trading.orders import Side

#: Figures of a preview, in the order in which they are shown.
SHOWN = ("return_all", "max_drawdown", "volatility", "sharpe", "risk_score")
SHOWN_OF_TRADES = ("trades", "win_rate", "profit_factor", "holding_hours")
_MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class RecordPreview:
    """Figures of a record; ``index`` is the return since its first day after each day.

    ``first_day`` and ``last_day`` are of the days that count here; ``left_out`` is how many days
    of the file do not, since they were recorded here themselves.
    """

    figures: dict[str, Figure]
    trades: dict[str, Figure]
    index: tuple[tuple[date, float], ...]
    first_day: date
    last_day: date
    days: int
    left_out: int


def preview_of(record: ImportedRecord, *, is_draft: bool) -> RecordPreview:
    """The preview of a draft, or of what stands."""
    days = days_before(record.days, first_own_day(record.account_id)) if is_draft else record.days
    usable = days or record.days
    counted = [(values[0], values[3]) for values in usable if values[3] is not None]
    series = DailySeries(
        np.array([day for day, _ in counted], dtype="datetime64[D]"),
        np.array([value for _, value in counted], dtype=np.float64),
    )
    last = date.fromisoformat(usable[-1][0])
    figures = figures_of(series, last, float(settings.RISK_FREE_RATE))
    index = [float(value) - 1 for value in index_of(series.returns)]
    points = list(zip((date.fromisoformat(day) for day, _ in counted), index, strict=True))
    step = max(1, len(points) // _MOST_POINTS)
    thinned = points[::step] if (len(points) - 1) % step == 0 else [*points[::step], points[-1]]
    return RecordPreview(
        figures={name: figures[name] for name in SHOWN},
        trades={name: value for name, value in _trades(record).items() if name in SHOWN_OF_TRADES},
        index=tuple(thinned),
        first_day=date.fromisoformat(usable[0][0]),
        last_day=last,
        days=len(days),
        left_out=len(record.days) - len(days),
    )


def _trades(record: ImportedRecord) -> dict[str, Figure]:
    rows = record.rows.values_list(
        "symbol", "side", "volume", "opened_at", "closed_at", "open_price", "close_price",
        "profit", "commission", "swap",
    )  # fmt: skip
    return trade_figures_of(ClosedTrade(row[0], Side(row[1]), *row[2:]) for row in rows)
