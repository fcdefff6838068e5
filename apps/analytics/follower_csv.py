"""Followers as rows of a CSV file; money in the currency that the row names."""

from __future__ import annotations

from decimal import Decimal

from apps.analytics.follower_rows import FollowerRow
from apps.common.csv_files import harmless

HEADER = (
    "account", "account_name", "customer", "email", "platform", "currency", "master", "state",
    "sizing", "risk_multiplier", "fixed_lots", "ratio", "ratio_of", "copied_result", "realised",
    "open_result", "return_percent", "open_positions", "equity", "margin_used",
    "margin_used_percent", "level", "level_since", "leverage", "account_leverage",
    "margin_level_percent", "to_stop_out", "current", "following_since", "copy",
)  # fmt: skip


def cells(row: FollowerRow) -> tuple[str, ...]:
    """A row in the columns of :data:`HEADER`; words of others are made harmless."""
    ratio_of = "" if row.ratio is None else "next trade" if row.held_ratio is None else "open"
    return (
        harmless(row.login), harmless(row.account_name), harmless(row.customer_name),
        harmless(row.email), row.platform, row.currency, harmless(row.strategy_name), row.status,
        row.sizing, _number(row.risk_multiplier), _number(row.fixed_volume),
        _number(row.ratio, 6), ratio_of, _number(row.result, 2), _number(row.realised, 2),
        _number(row.floating, 2),
        "" if row.returned is None else f"{row.returned * 100:.2f}", str(row.open_links),
        _number(row.equity, 2), _number(row.margin_used, 2), _number(row.used_percent, 2),
        row.level, "" if row.since is None else row.since.isoformat(timespec="seconds"),
        _number(row.leverage, 2), _number(row.account_leverage), _number(row.margin_level, 2),
        _number(row.room, 2), "yes" if row.current else "no",
        row.created_at.isoformat(timespec="seconds"), str(row.uuid),
    )  # fmt: skip


def _number(value: Decimal | None, places: int | None = None) -> str:
    if value is None:
        return ""
    return f"{value.normalize():f}" if places is None else f"{value:.{places}f}"
