"""Guards that act by themselves: the loss limit and the minimum equity.

A loss limit holds as long as a copy holds anything, also one that was stopped and kept what it
had: what it makes is realised and open together, costs included.

A sweep compares them with results and equities in one query each, whatever the number of
subscriptions; only for those that are breached more is done. Figures that are not current say
nothing: what has become of an account whose connection is down is seen when it is back.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import structlog
from django.db import OperationalError, transaction

from apps.accounts.selectors import product_config
from apps.copytrading.models import CopySubscription
from apps.copytrading.services import sql
from apps.copytrading.services.acting import audit, publish_change
from apps.copytrading.services.closing import close_requested, want_closed
from apps.copytrading.services.gates import gate_relations
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.planning import finish_interrupted
from apps.copytrading.services.versions import record_versions

Status = CopySubscription.Status

#: Breaches of one kind that are dealt with in one sweep; the next one takes the others.
_AT_ONCE = 500
#: The worker of a busy master gives its lock up between rounds; the next sweep tries again.
_LOCK_TIMEOUT = "1500ms"

#: An account whose figures are not older than is allowed.
FRESH = """
    st.account_id IS NOT NULL
    AND extract(epoch FROM %(now)s - CASE WHEN st.synced THEN greatest(st.as_of, cs.live_at)
                                          ELSE st.as_of END) <= %(stale_s)s
"""

# A link's share of its position's open result; of one that holds no position there is none.
_LOSSES = f"""
    WITH limited AS (
        SELECT s.id, m.account_id AS master_account_id, f.account_id, s.result,
               least(nullif(%(product)s, 0), nullif(f.loss_limit, 0),
                     nullif(s.loss_limit, 0)) AS most
        FROM copytrading_copysubscription s
        JOIN copytrading_copymaster m ON m.id = s.master_id
        JOIN copytrading_copyfollower f ON f.id = s.follower_id
        WHERE (s.archived_at IS NULL AND s.status <> 'disabled' OR s.id IN (
                SELECT subscription_id FROM copytrading_tradelink
                WHERE state = 'open' AND held_units > 0
                  AND (close_cause = '' OR close_cause LIKE 'rest:%%')))
          AND (%(product)s > 0 OR f.loss_limit > 0 OR s.loss_limit > 0)),
    open AS (
        SELECT l.subscription_id,
               sum(p.open_result * least(1, l.held_units / nullif(p.units, 0))) AS floating
        FROM limited
        JOIN copytrading_tradelink l ON l.subscription_id = limited.id AND l.state = 'open'
        JOIN execution_position p ON p.account_id = l.account_id
            AND p.position_id = l.position_id AND p.closed_at IS NULL
        WHERE l.position_id <> ''
        GROUP BY l.subscription_id)
    SELECT limited.id, limited.master_account_id, a.login, a.currency, limited.most,
           limited.result, coalesce(open.floating, 0)
    FROM limited
    JOIN platforms_tradingaccount a ON a.id = limited.account_id
    LEFT JOIN open ON open.subscription_id = limited.id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    WHERE limited.result + coalesce(open.floating, 0) <= -limited.most
      AND (open.floating IS NULL OR {FRESH})
    ORDER BY limited.id LIMIT %(most)s
"""

_POOR = f"""
    SELECT s.id, m.account_id, a.login, a.currency,
           greatest(%(product)s, f.min_equity, s.min_equity), st.equity, 0
    FROM copytrading_copysubscription s
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    WHERE s.archived_at IS NULL AND s.status = 'active'
      AND st.equity < greatest(%(product)s, f.min_equity, s.min_equity) AND {FRESH}
    ORDER BY s.id LIMIT %(most)s
"""

_log = structlog.get_logger(__name__)


class Breach(NamedTuple):
    """A subscription beyond a limit. ``value`` is what it has won or lost for good, or its
    account's equity; ``floating`` the open result on top of a realised one."""

    subscription_id: int
    master_account_id: int
    login: str
    currency: str
    limit: Decimal
    value: Decimal
    floating: Decimal


def enforce_guards(now: datetime) -> list[int]:
    """Stop what is beyond its loss limit, pause what has too little equity.

    Answers the accounts of masters with closes to send; their work must be woken.
    """
    config = product_config()
    values = {"now": now, "stale_s": config.stale_account_s, "most": _AT_ONCE}
    losses = _breaches(_LOSSES, {**values, "product": config.loss_limit})
    poor = _breaches(_POOR, {**values, "product": config.min_equity})
    masters: list[int] = []
    for master_account_id, breaches in _by_master(losses).items():
        if _stop(master_account_id, breaches, now):
            masters.append(master_account_id)
    for master_account_id, breaches in _by_master(poor).items():
        _pause(master_account_id, breaches, now)
    return masters


def _breaches(statement: str, values: dict[str, object]) -> list[Breach]:
    return [Breach(*row) for row in sql.rows(statement, values)]


def _by_master(breaches: Sequence[Breach]) -> dict[int, list[Breach]]:
    found: dict[int, list[Breach]] = defaultdict(list)
    for breach in breaches:
        found[breach.master_account_id].append(breach)
    return found


def _stop(master_account_id: int, breaches: Sequence[Breach], now: datetime) -> bool:
    """Close what they hold and disable them; False while their master's worker is at it."""
    reasons = {breach.subscription_id: _loss(breach) for breach in breaches}
    try:
        with _soon():
            wait_for_master(master_account_id)
            finish_interrupted(master_account_id)
            ended = _change(reasons, Status.DISABLED, "loss_limit", now)
            ended += _stopped_before(reasons, ended)
            for subscription in ended:
                want_closed([subscription.pk], _cause(subscription), now)
            close_requested(master_account_id)
            publish_change(master_account_id)
    except OperationalError as error:
        _log.warning("a loss limit waits for its master's worker", error=str(error)[:200])
        return False
    return True


def _stopped_before(
    reasons: dict[int, str], but: Sequence[CopySubscription]
) -> list[CopySubscription]:
    """Those that were stopped, and kept positions that must be closed now."""
    others = reasons.keys() - {subscription.pk for subscription in but}
    stopped = CopySubscription.objects.select_for_update(of=("self",)).filter(pk__in=others)
    found = list(stopped.select_related("follower__account", "master__account").order_by("pk"))
    for subscription in found:
        subscription.status_reason = reasons[subscription.pk]
        audit(
            None, "subscription.loss_limit", subscription, subscription.status_reason,
            after={"close_positions": True},
        )  # fmt: skip
    CopySubscription.objects.bulk_update(found, ["status_reason"])
    return found


@contextmanager
def _soon() -> Iterator[None]:
    """A transaction that waits for no lock for long; OperationalError."""
    with transaction.atomic():
        sql.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        yield


def _pause(master_account_id: int, breaches: Sequence[Breach], now: datetime) -> None:
    reasons = {breach.subscription_id: _too_poor(breach) for breach in breaches}
    try:
        with _soon():
            _change(reasons, Status.PAUSED, "min_equity", now)
            publish_change(master_account_id)
    except OperationalError as error:
        _log.warning("a minimum equity waits for its subscriptions", error=str(error)[:200])


def _change(
    reasons: dict[int, str], status: CopySubscription.Status, guard: str, now: datetime
) -> list[CopySubscription]:
    """Give subscriptions another status, with all that belongs to it; those that had none yet."""
    locked = list(
        CopySubscription.objects.select_for_update(of=("self",))
        .filter(pk__in=reasons, archived_at=None)
        .exclude(status__in=(status, Status.DISABLED))
        .select_related("follower__account", "master__account")
        .order_by("pk")
    )
    for subscription in locked:
        before, subscription.status = subscription.status, status
        subscription.status_reason = reasons[subscription.pk]
        audit(
            None, f"subscription.{guard}", subscription, subscription.status_reason,
            before={"status": before}, after={"status": status},
        )  # fmt: skip
    CopySubscription.objects.bulk_update(locked, ["status", "status_reason"])
    record_versions([subscription.pk for subscription in locked], now)
    relations = [subscription.relation for subscription in locked]
    gate_relations(relations, actor="system", reason=guard.replace("_", " "), now=now)
    return locked


def _cause(subscription: CopySubscription) -> str:
    # Each wish has orders of its own: what was refused before can be asked for again.
    return f"guard:loss_limit:{subscription.pk}:{uuid.uuid4().hex[:12]}"


def _loss(breach: Breach) -> str:
    total = breach.value + breach.floating
    return (
        f"Loss limit reached: the result is {total:,.2f} {breach.currency} (realised "
        f"{breach.value:,.2f}, open {breach.floating:,.2f}), the limit is "
        f"{breach.limit:,.2f}. Its positions were closed."
    )


def _too_poor(breach: Breach) -> str:
    return (
        f"Equity of account {breach.login} was {breach.value:,.2f} {breach.currency}, below the "
        f"minimum of {breach.limit:,.2f}."
    )
