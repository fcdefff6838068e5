"""Taking over positions that the master had before: asked for at creation and at each update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.copytrading.domain.events import EventKind, MasterEvent, classify
from apps.copytrading.models import CopySubscription
from apps.copytrading.services import sql
from apps.execution import api as execution
from apps.execution import journal
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

_LINKED = """
    SELECT position_key FROM copytrading_tradelink
    WHERE subscription_id = %s
      AND (state IN ('open', 'gone') OR state = 'detached' AND master_units > 0)
"""

# The position as it is, and the first of its deals that is journaled after the event and not
# planned yet: one statement, so both are of the same moment.
_NOW = """
    SELECT e.id, p.units, p.side, p.price, p.closed_at IS NOT NULL,
        (SELECT later.payload::text FROM execution_accountevent later
         WHERE later.account_id = e.account_id AND later.planned_at IS NULL AND later.id > e.id
           AND later.kind = 'deal' AND later.position_id = e.position_id
         ORDER BY later.id LIMIT 1)
    FROM execution_accountevent e
    LEFT JOIN execution_position p
        ON p.account_id = e.account_id AND p.position_id = e.position_id
    WHERE e.id = ANY(%s)
"""


def request(subscription: CopySubscription) -> int:
    """Have the master's open positions that are not linked yet copied; in the caller's transaction.

    Each becomes an event for this subscription alone, free of the maximum delay, at the
    current price. Answers how many there are.
    """
    from apps.copytrading.receivers import wake  # it imports the tasks, which import the services

    account_id = subscription.master.account_id
    linked = [row[0] for row in sql.rows(_LINKED, [subscription.pk])]
    told = execution.tell_positions(
        account_id=account_id,
        relation=subscription.relation,
        token=f"existing:{subscription.pk}:{subscription.revision}",
        but=linked,
        now=timezone.now(),
    )
    transaction.on_commit(partial(wake, [account_id]), robust=True)
    return told


def as_they_are(events: Sequence[MasterEvent]) -> list[MasterEvent]:
    """Events of positions that shall be taken over, with what the master holds of them now.

    The master may have traded since they were told; deals that are journaled but not planned
    yet follow as events of their own and must not be counted twice.
    """
    ids = [event.id for event in events if event.kind is EventKind.EXISTING]
    if not ids:
        return list(events)
    found = {row[0]: row[1:] for row in sql.rows(_NOW, [ids])}
    return [_as_it_is(event, *found[event.id]) if event.id in found else event for event in events]


def _as_it_is(
    event: MasterEvent,
    units: Decimal | None,
    side: str | None,
    price: Decimal | None,
    closed: bool,
    later: str | None,
) -> MasterEvent:
    if later is not None:
        deal = journal.load(later)
        assert isinstance(deal, journal.DealPayload)
        _, before = classify(deal.effect, deal.units, deal.position_units)
        return replace(event, units_before=ZERO, units_after=before)
    if side is None or units is None or closed:
        return replace(event, units_before=ZERO, units_after=ZERO)
    return replace(event, units_before=ZERO, units_after=units, side=Side(side), price=price)
