"""Whether accounts meet the rules for public masters; and applying, which the rules may bind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.analytics.domain.qualification import Check, Record, Rules, checks, qualifies
from apps.analytics.records import period_figures
from apps.common.database import prepared_rows
from apps.copytrading import api as copying
from apps.copytrading.models import CopyMaster
from apps.platforms.models import TradingAccount
from apps.platforms.selectors import account_states

HUNDRED = Decimal(100)
#: An account's closed positions, counted so far and no further.
_COUNTED = 10_000
_TRADES = """
    SELECT a.id, (SELECT count(*) FROM (
        SELECT 1 FROM execution_position p
        WHERE p.account_id = a.id AND p.closed_at IS NOT NULL LIMIT %s) closed)
    FROM unnest(%s::bigint[]) a (id)
"""
_IMPORTED = """
    SELECT account_id, first_at, trades FROM analytics_importedrecord
    WHERE account_id = ANY(%s) AND confirmed_at IS NOT NULL
"""


class NotQualified(Exception):
    """Rules that an account does not meet; ``checks`` has all of them beside its figures."""

    def __init__(self, found: Sequence[Check]) -> None:
        super().__init__(
            "This account does not meet all rules for public masters yet; they stand beside its "
            "figures."
        )
        self.checks = tuple(found)


def rules() -> Rules:
    """The rules of this installation."""
    config = product_config()
    return Rules(
        min_age_days=config.master_min_age_days,
        min_trades=config.master_min_trades,
        min_equity=config.master_min_equity,
        max_drawdown=config.master_max_drawdown,
    )


def qualification_of(
    accounts: Sequence[TradingAccount], *, now: datetime | None = None
) -> dict[int, tuple[Check, ...]]:
    """Every rule beside the figure of each account, by account; four queries for any number."""
    ids = [account.pk for account in accounts]
    moment = now or timezone.now()
    states, trades = account_states(ids), _closed_trades(ids)
    figures = period_figures(ids, until=moment.date())
    imported = {pk: (first_at, number) for pk, first_at, number in prepared_rows(_IMPORTED, [ids])}
    found = rules()
    answer = {}
    for account in accounts:
        brought = imported.get(account.pk)
        began = min(account.created_at, brought[0]) if brought else account.created_at
        state = states.get(account.pk)
        fall = figures[account.pk]["max_drawdown"].value if account.pk in figures else None
        record = Record(
            age_days=(moment - began).days,
            trades=trades.get(account.pk, 0) + (brought[1] if brought else 0),
            equity=state.equity if state else None,
            max_drawdown=None if fall is None else abs(Decimal(str(fall))) * HUNDRED,
            imported=brought is not None,
        )
        answer[account.pk] = checks(found, record)
    return answer


def apply_as_master(
    *, actor: User, account: TradingAccount, strategy_name: str, description: str = ""
) -> CopyMaster:
    """Apply to be a public master, where the rules allow it.

    NotQualified where a rule is not met and rules bind; refusals of copying as they are.
    """
    check_qualified(account)
    return copying.create_master(
        actor=actor,
        account=account,
        strategy_name=strategy_name,
        description=description,
        visibility=CopyMaster.Visibility.PUBLIC,
    )


def check_qualified(account: TradingAccount) -> None:
    """NotQualified where a rule is not met and rules bind."""
    found = qualification_of([account])[account.pk]
    if product_config().master_rules_bind and not qualifies(found):
        raise NotQualified(found)


def _closed_trades(account_ids: Sequence[int]) -> dict[int, int]:
    if not account_ids:
        return {}
    return dict(prepared_rows(_TRADES, [_COUNTED, list(account_ids)]))
