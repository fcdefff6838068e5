"""Repairing by itself, where a subscription wants that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from apps.copytrading.services import sql
from apps.copytrading.services.accepting import SHRINKING
from apps.copytrading.services.reconcile import repair_id
from apps.copytrading.services.repair import AT_ONCE, send

_log = structlog.get_logger(__name__)

#: A difference is left alone for so long before it is repaired without asking.
SETTLED = timedelta(seconds=5)
#: Attempts: a close is tried again, after a pause that grows; an open is not.
CLOSES, OPENS = 5, 1
_PAUSE = timedelta(seconds=30)

# Those that cannot be repaired at the moment stay due; none of them may keep others from a turn.
_DUE = """
    SELECT d.id, d.kind, d.repair_cause, d.master_account_id FROM copytrading_drift d
    JOIN copytrading_copysubscription s ON s.id = d.subscription_id
    WHERE d.resolved_at IS NULL AND d.first_seen_at < %s AND d.last_seen_at > %s
      AND (s.auto_repair IN ('closes', 'all') AND d.kind IN ('orphan', 'oversized', 'wrong_side')
           OR s.auto_repair = 'all' AND d.kind IN ('missing', 'undersized'))
      AND (d.repair_cause = '' OR split_part(d.repair_cause, ':', 3)::int
           < CASE WHEN d.kind IN ('missing', 'undersized') THEN %s ELSE %s END)
    ORDER BY random() LIMIT %s
"""


def repair_due(now: datetime) -> set[int]:
    """Repair what its subscription wants repaired without asking; answers the masters to wake."""
    due = sql.rows(_DUE, [now - SETTLED, now - 6 * SETTLED, OPENS, CLOSES, AT_ONCE])
    causes = {repair_id(cause): cause for _, _, cause, _ in due if cause}
    orders = _ended(list(causes))
    ended = {causes[cid]: at for cid, at in orders.items()}
    by_master: dict[int, list[int]] = defaultdict(list)
    for pk, kind, cause, master_account_id in due:
        if _is_due(kind, cause, ended, now):
            by_master[master_account_id or 0].append(pk)
    woken: set[int] = set()
    for ids in by_master.values():
        try:
            woken |= send(None, ids, mark=None, reason="as its subscription says")[1]
        except Exception:  # one master's trouble must not keep the others waiting
            _log.exception("differences were not repaired", drifts=ids)
    return woken


def _ended(client_order_ids: Sequence[str]) -> dict[str, datetime]:
    """When orders came to their end; those that have not are left out."""
    found = sql.rows(
        "SELECT client_order_id, final_at FROM execution_order "
        "WHERE client_order_id = ANY(%s) AND final_at IS NOT NULL",
        [list(client_order_ids)],
    )
    return dict(found)


def _is_due(kind: str, cause: str, ended: dict[str, datetime], now: datetime) -> bool:
    if not cause:
        return True
    attempts = int(cause.rpartition(":")[2])
    most = OPENS if kind in SHRINKING else CLOSES
    return cause in ended and attempts < most and now > ended[cause] + attempts * _PAUSE
