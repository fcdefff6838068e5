"""Copies of resting orders, for pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.accounts.models import User
from apps.copytrading.domain.pending import PendingState
from apps.copytrading.services import sql


@dataclass(frozen=True, slots=True)
class RestingCopy:
    """A follower's order that stands for one of its master's; volumes in lots.

    ``at`` is the price it waits for, ``limit`` the limit of a stop-limit once it is triggered.
    ``moving`` says that a placement, change or cancel is under way.
    """

    pending_id: int
    subscription_uuid: UUID
    strategy_name: str
    account_name: str
    account_login: str
    symbol: str
    digits: int
    side: str
    type: str
    lots: Decimal
    filled_lots: Decimal
    at: Decimal | None
    limit: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    expires_at: datetime | None
    state: str
    moving: bool
    opened_at: datetime

    @property
    def state_label(self) -> str:
        return PendingState[self.state.upper()].label

    @property
    def type_label(self) -> str:
        return self.type.replace("_", "-")


_RESTING = """
    SELECT p.id, s.uuid, m.strategy_name, a.name, a.login, p.symbol, coalesce(y.digits, 5),
           p.side, p.type, p.units / coalesce(y.lot_units, 1),
           p.filled_units / coalesce(y.lot_units, 1), coalesce(p.stop_price, p.price),
           CASE WHEN p.stop_price IS NOT NULL THEN p.price END, p.stop_loss, p.take_profit,
           p.expires_at, p.state, p.in_flight <> '' OR p.cancel_cause <> '', p.opened_at
    FROM copytrading_pendinglink p
    JOIN copytrading_copysubscription s ON s.id = p.subscription_id
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN platforms_tradingaccount a ON a.id = p.account_id
    LEFT JOIN platforms_symbol y ON y.connection_id = a.connection_id
        AND y.instrument_id = p.instrument_id
    WHERE p.closed_at IS NULL AND p.state IN ('placing', 'resting', 'unwanted', 'filled')
      AND (%(owner)s::bigint IS NULL OR a.owner_id = %(owner)s)
      AND (%(subscription)s::bigint IS NULL OR p.subscription_id = %(subscription)s)
    ORDER BY p.opened_at DESC, p.id DESC
    LIMIT %(limit)s
"""


def resting_copies(
    *, user: User | None = None, subscription_id: int | None = None, limit: int = 200
) -> list[RestingCopy]:
    """Copies of orders that rest, or filled before their master's; newest first."""
    values = {
        "owner": user.pk if user else None,
        "subscription": subscription_id,
        "limit": limit,
    }
    return [RestingCopy(*row) for row in sql.rows(_RESTING, values)]
