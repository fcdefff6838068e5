"""Warning of margin: an account that uses much of its equity is told so, once for each crossing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from apps.accounts.selectors import product_config
from apps.common.events import publish
from apps.copytrading.domain.margin import HYSTERESIS, MarginLevel, margin_level, used_percent
from apps.copytrading.models import MarginAlarm
from apps.copytrading.services import sql
from apps.copytrading.services.guards import FRESH

#: Published when an account reaches a higher level, and when it is back to normal. Payload:
#: ``account_id``, ``account_uuid``, ``login``, ``owner_id``, ``currency``, ``level``,
#: ``before``, and as text ``used_percent`` (of equity), ``threshold``, ``equity`` and
#: ``margin_used``. Within the transaction that keeps the level.
MARGIN_WARNING = "copy.margin_warning"
MARGIN_EASED = "copy.margin_eased"

#: Accounts that are dealt with in one sweep; the next one takes the others.
_AT_ONCE = 500

# Only what is near a threshold or beyond one already is looked at closer.
_NEAR = f"""
    SELECT a.id, a.uuid::text, a.login, a.owner_id, a.currency, st.equity, st.margin_used,
           coalesce(w.level, 'normal')
    FROM copytrading_copyfollower f
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    LEFT JOIN copytrading_marginalarm w ON w.account_id = a.id
    WHERE (w.account_id IS NOT NULL
           OR f.archived_at IS NULL AND st.margin_used > 0
              AND (st.equity <= 0 OR st.margin_used * 100 >= st.equity * %(lowest)s))
      AND {FRESH}
    ORDER BY a.id
"""


class _Account(NamedTuple):
    id: int
    uuid: str
    login: str
    owner_id: int | None
    currency: str
    equity: Decimal
    margin_used: Decimal
    before: str


def watch_margin(now: datetime) -> int:
    """Keep the level of every following account; answers how many of them changed it.

    Accounts that are not current stay as they are. A warning is published when a level is
    reached from below, never again while it is held, and the all-clear when none is.
    """
    config = product_config()
    thresholds = [t for t in (config.margin_warning, config.margin_critical) if t > 0]
    lowest = min(thresholds, default=None)
    values = {
        "now": now,
        "stale_s": config.stale_account_s,
        "lowest": Decimal(10**9) if lowest is None else lowest,
    }
    found = [_Account(*row) for row in sql.rows(_NEAR, values)]
    changed = 0
    for account in found:
        if changed >= _AT_ONCE:
            break
        used = used_percent(account.margin_used, account.equity)
        level = margin_level(
            used,
            MarginLevel(account.before),
            warning=config.margin_warning,
            critical=config.margin_critical,
        )
        if level != account.before:
            _keep(account, level, used, now)
            changed += 1
    return changed


@transaction.atomic
def _keep(account: _Account, level: MarginLevel, used: Decimal, now: datetime) -> None:
    if level is MarginLevel.NORMAL:
        MarginAlarm.objects.filter(account_id=account.id).delete()
    else:
        values = {"level": level.value, "used_percent": round(used, 2), "since": now}
        MarginAlarm.objects.update_or_create(account_id=account.id, defaults=values)
    config = product_config()
    before = MarginLevel(account.before)
    thresholds = {
        MarginLevel.CRITICAL: config.margin_critical,
        MarginLevel.WARNING: config.margin_warning,
        MarginLevel.NORMAL: config.margin_warning - HYSTERESIS,
    }
    if level.rank > before.rank:
        topic = MARGIN_WARNING
    elif level is MarginLevel.NORMAL:
        topic = MARGIN_EASED
    else:
        return
    publish(
        topic,
        account_id=account.id,
        account_uuid=account.uuid,
        login=account.login,
        owner_id=account.owner_id,
        currency=account.currency,
        level=level.value,
        before=before.value,
        used_percent=f"{used:.1f}",
        threshold=f"{thresholds[level]:.1f}",
        equity=f"{account.equity:.2f}",
        margin_used=f"{account.margin_used:.2f}",
    )
