"""From an imported statement to daily returns and figures.

A statement tells balances, not the results of positions while they were open. The curve of an
imported record is therefore that of its balance: a loss shows on the day it was taken, and falls
between are not seen. Pages say so wherever imported history is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from apps.analytics.domain.curve import CurvePoint
from apps.analytics.domain.daily import DailySeries
from apps.analytics.domain.flows import CashFlow, daily_series
from apps.analytics.domain.statements.records import Statement
from apps.trading.quantity import ZERO

_MOMENT = timedelta(milliseconds=1)


def balance_curve(statement: Statement) -> tuple[list[CurvePoint], list[CashFlow]]:
    """Balance after every moment at which it changed, and the money that came from outside.

    Credits are counted as money from outside. Where the file does not tell the balance before
    its first row, the record begins at 0 and lives on its first deposit.
    """
    changes: dict[datetime, Decimal] = {}
    flows = []
    for trade in statement.trades:
        changes[trade.closed_at] = changes.get(trade.closed_at, ZERO) + trade.result
    for operation in statement.operations:
        changes[operation.at] = changes.get(operation.at, ZERO) + operation.amount
        if operation.kind.external:
            flows.append(CashFlow(operation.at, operation.amount))
    balance = statement.opening_balance or ZERO
    if changes and balance > 0:
        begin = min([*changes, *(trade.opened_at for trade in statement.trades)])
        changes = {begin - _MOMENT: ZERO} | changes
    curve: list[CurvePoint] = []
    for at in sorted(changes):
        curve += _quiet_days(curve[-1], at) if curve else []
        balance += changes[at]
        curve.append(CurvePoint(at, balance, balance))
    return curve, flows


def _quiet_days(last: CurvePoint, until: datetime) -> Iterator[CurvePoint]:
    """A point a day between two changes: on days without a trade nothing was won or lost."""
    days = (until.date() - last.at.date()).days
    for day in range(1, days):
        yield CurvePoint(last.at + timedelta(days=day), last.equity, last.balance)


def imported_series(statement: Statement) -> DailySeries:
    """Daily returns of an imported record, deposits, withdrawals and credits taken out."""
    curve, flows = balance_curve(statement)
    active = {trade.closed_at.date() for trade in statement.trades}
    return daily_series(curve, flows, active_days=active)
