"""Prepared rows for the pages about accounts: plain values, no query while rendering."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.analytics.domain.curve import CurvePoint, maximum_drawdown
from apps.platforms.selectors import StateRow
from apps.portal.health import Health, health_of

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A trading account with its money in account currency; None where it was never read.

    ``curve`` is its equity over the last day, oldest first; ``fall`` the largest fall of it
    from an earlier high, in percent.
    """

    uuid: str
    title: str
    login: str
    server: str
    platform: str
    mode: str
    margin_mode: str
    leverage: Decimal
    currency: str
    balance: Decimal | None
    equity: Decimal | None
    open_result: Decimal | None
    margin_used: Decimal | None
    margin_level: Decimal | None
    open_positions: int
    synced: bool
    known_at: datetime | None
    curve: tuple[Decimal, ...]
    fall: Decimal | None
    health: Health
    free_margin: Decimal | None


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """An open position of an account; result in account currency at the last quote."""

    position_id: str
    symbol: str
    digits: int | None
    side: str
    lots: Decimal
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    margin: Decimal
    open_result: Decimal
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """Money of all accounts in one currency; amounts of different currencies are not added."""

    currency: str
    equity: Decimal
    open_result: Decimal
    accounts: int


def account_row(
    account: TradingAccount,
    state: StateRow | None,
    open_positions: int,
    curve: Sequence[CurvePoint] = (),
    *,
    now: datetime,
) -> AccountRow:
    """Put an account of :mod:`apps.platforms.selectors` and its state into one row."""
    a = account
    fall = maximum_drawdown(curve)
    return AccountRow(
        uuid=str(a.uuid),
        title=a.name or a.login,
        login=a.login,
        server=a.server,
        platform=a.platform,
        mode=a.group.mode,
        margin_mode=a.get_margin_mode_display(),
        leverage=a.leverage,
        currency=a.currency,
        balance=state.balance if state else None,
        equity=state.equity if state else None,
        open_result=state.open_result if state else None,
        margin_used=state.margin_used if state else None,
        margin_level=_margin_level(state),
        open_positions=open_positions,
        synced=state.synced if state else False,
        known_at=state.known_at if state else None,
        curve=tuple(point.equity for point in curve),
        fall=None if fall is None else fall * HUNDRED,
        health=health_of(a, state, now),
        free_margin=state.equity - state.margin_used if state else None,
    )


def _margin_level(state: StateRow | None) -> Decimal | None:
    if state is None or state.margin_used <= 0:
        return None
    return state.equity / state.margin_used * HUNDRED


def totals(rows: Iterable[AccountRow]) -> list[CurrencyTotal]:
    """Sums by currency, the largest number of accounts first."""
    found: dict[str, CurrencyTotal] = {}
    for row in rows:
        before = found.get(row.currency, CurrencyTotal(row.currency, Decimal(0), Decimal(0), 0))
        found[row.currency] = CurrencyTotal(
            row.currency,
            before.equity + (row.equity or 0),
            before.open_result + (row.open_result or 0),
            before.accounts + 1,
        )
    return sorted(found.values(), key=lambda total: (-total.accounts, total.currency))
