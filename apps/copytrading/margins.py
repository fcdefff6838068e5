"""Reading which accounts use much of their equity as margin."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from apps.accounts.models import User
from apps.common.database import prepared_rows
from apps.copytrading.domain.margin import used_percent

_ALARMS = """
    SELECT a.id, a.uuid, a.name, a.login, a.currency, w.level, st.equity, st.margin_used
    FROM copytrading_marginalarm w
    JOIN platforms_tradingaccount a ON a.id = w.account_id
    JOIN platforms_accountstate st ON st.account_id = a.id
    WHERE a.owner_id = %s
    ORDER BY w.level, a.login
"""


@dataclass(frozen=True, slots=True)
class MarginWarning:
    """An account of a customer beyond a threshold; money in ``currency``, as it is now."""

    account_id: int
    account_uuid: UUID
    account_name: str
    account_login: str
    currency: str
    level: str
    equity: Decimal
    margin_used: Decimal

    @property
    def used_percent(self) -> Decimal:
        return used_percent(self.margin_used, self.equity)

    @property
    def critical(self) -> bool:
        return self.level == "critical"


def margin_warnings(user: User) -> list[MarginWarning]:
    """Accounts of a customer that use too much of their equity, the critical ones first."""
    return [MarginWarning(*row) for row in prepared_rows(_ALARMS, [user.pk])]
