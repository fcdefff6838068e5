"""Copied positions that somebody else reduced: the customer by hand, or the platform's stops."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.common.events import publish
from apps.copytrading.domain.link import Link, LinkState, finished
from apps.copytrading.domain.rows import Row
from apps.copytrading.services import sql
from apps.copytrading.services.links import add_results, store_legs, store_links
from apps.copytrading.services.load import load_master, load_rows
from apps.copytrading.services.planning import CHANGED

# A leg is what our own fills and earlier looks have left; links may know better already.
_REDUCED = """
    FROM copytrading_linkleg g
    JOIN copytrading_tradelink l ON l.id = g.link_id
    JOIN execution_position p ON p.account_id = g.account_id AND p.position_id = g.position_id
    WHERE g.closed_at IS NULL AND l.in_flight = ''
      AND (p.closed_at IS NOT NULL OR p.units < g.units OR l.held_units < g.units)
"""

_PLACES = f"""
    SELECT l.subscription_id, l.position_key, g.link_id, g.position_id,
           CASE WHEN p.closed_at IS NULL THEN least(p.units, l.held_units) ELSE 0 END
    {_REDUCED} AND l.master_account_id = %s
"""

# What the platform booked for deals that were not ours, once for each deal.
_MONEY = """
    WITH found AS (
        SELECT g.id AS leg_id, g.link_id, max(d.id) AS newest,
               sum(d.profit + d.commission + d.swap) AS amount
        FROM copytrading_linkleg g
        JOIN copytrading_tradelink l ON l.id = g.link_id
        JOIN execution_deal d ON d.account_id = g.account_id AND d.position_id = g.position_id
        WHERE g.link_id = ANY(%s) AND d.id > g.seen_deal_id AND d.effect <> 'open'
          AND NOT EXISTS (SELECT 1 FROM execution_order o
                          WHERE o.client_order_id = d.client_order_id)
        GROUP BY g.id, g.link_id),
    seen AS (
        UPDATE copytrading_linkleg g SET seen_deal_id = found.newest
        FROM found WHERE g.id = found.leg_id)
    SELECT link_id, sum(amount) FROM found GROUP BY link_id
"""


def masters_concerned() -> list[int]:
    """Accounts of masters with copied positions that somebody else reduced, or closes to send."""
    found = sql.rows(
        f"SELECT l.master_account_id {_REDUCED} UNION "
        "SELECT master_account_id FROM copytrading_tradelink "
        "WHERE state = 'open' AND close_cause <> '' AND in_flight = '' AND held_units > 0"
    )
    return sorted(row[0] for row in found)


def follow_foreign(master_account_id: int) -> int:
    """Take note of foreign reductions of a master's copies; answers how many legs changed.

    The link shrinks with its position and is never bought back. A position that is gone ends
    the link for the master's later events.
    """
    places = sql.rows(_PLACES, [master_account_id])
    now = timezone.now()
    master = load_master(master_account_id, now) if places else None
    if master is None:
        return 0
    keys, ids = sorted({p[1] for p in places}), sorted({p[0] for p in places})
    concerned = {place[2] for place in places}
    changed: list[tuple[Row, Link]] = []
    for row in load_rows(master, keys, now, ids):
        for link in row.links.values():  # loading has compared them with their positions
            if link.link_id in concerned and link.state is not LinkState.CLOSED:
                over = link.state is LinkState.GONE and link.master_units <= 0
                changed.append((row, finished(link) if over else link))
    held = [{"link_id": p[2], "position_id": p[3], "held": p[4]} for p in places]
    with transaction.atomic():
        store_links(master_account_id, changed, now)
        store_legs((), held, now)
        money: dict[int, Decimal] = defaultdict(Decimal)
        money.update(sql.rows(_MONEY, [sorted(concerned)]))
        add_results(money)
        publish(
            CHANGED,
            master_account_id=master_account_id,
            event_ids=[],
            subscriptions=len(ids),
        )
    return len(places)
