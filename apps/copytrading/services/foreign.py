"""Copied positions that somebody else reduced: the customer by hand, or the platform's stops."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.common.events import publish
from apps.copytrading.domain.link import Link, LinkState, finished, taken_away
from apps.copytrading.domain.rows import Row
from apps.copytrading.services import sql
from apps.copytrading.services.links import add_results, store_legs, store_links
from apps.copytrading.services.load import load_master, load_rows
from apps.copytrading.services.planning import CHANGED

# What stopped a position out: deals of nobody's order at its own stop loss or take profit.
STOPPED = """
    SELECT coalesce(sum(d.units), 0) FROM execution_deal d
    WHERE d.account_id = p.account_id AND d.position_id = p.position_id AND d.effect <> 'open'
      AND NOT EXISTS (SELECT 1 FROM execution_order o WHERE o.client_order_id = d.client_order_id)
      AND CASE WHEN p.side = 'buy' THEN d.price <= p.stop_loss OR d.price >= p.take_profit
               ELSE d.price >= p.stop_loss OR d.price <= p.take_profit END
"""

# A leg is what our own fills and earlier looks have left; links may know better already. Where
# copies must not be changed by hand, only what the position's own stops took is followed, and
# what its owner closes of a copy that only opens; the rest differs until somebody decides. What
# already stands as wrong or missing waits as well.
_REDUCED = f"""
    SELECT p.account_id, p.position_id, f.manual_trading_mode,
           CASE WHEN p.closed_at IS NULL THEN p.units ELSE 0 END AS units,
           min(l.master_account_id) AS master_account_id
    FROM copytrading_linkleg g
    JOIN copytrading_tradelink l ON l.id = g.link_id
    JOIN execution_position p ON p.account_id = g.account_id AND p.position_id = g.position_id
    JOIN copytrading_copyfollower f ON f.account_id = g.account_id
    JOIN copytrading_copysubscription s ON s.id = l.subscription_id
    WHERE g.closed_at IS NULL
    GROUP BY p.id, f.id
    HAVING bool_and(l.in_flight = '') AND bool_and(p.side = l.side OR p.closed_at IS NOT NULL)
      AND (p.closed_at IS NOT NULL OR p.units < sum(g.units) OR bool_or(l.held_units < g.units))
      AND (bool_or(l.held_units < g.units)
           OR (f.manual_trading_mode = 'all' OR bool_and(s.copy_mode = 'open_only'))
              AND NOT EXISTS (
               SELECT 1 FROM copytrading_drift d
               WHERE d.account_id = p.account_id AND d.position_id = p.position_id
                 AND d.kind IN ('missing', 'wrong_side') AND d.resolved_at IS NULL)
           OR ({STOPPED})
              >= sum(g.units) - CASE WHEN p.closed_at IS NULL THEN p.units ELSE 0 END)
"""

# What is there goes to the oldest links. With all that the legs of a link hold and have lost.
_PLACES = f"""
    WITH reduced AS ({_REDUCED}),
    legs AS (
        SELECT g.link_id, g.position_id, g.units,
               least(g.units, greatest(0, r.units - coalesce(sum(g.units) OVER before, 0))) AS there
        FROM reduced r
        JOIN copytrading_linkleg g ON g.account_id = r.account_id AND g.position_id = r.position_id
        WHERE g.closed_at IS NULL AND r.master_account_id = %s
        WINDOW before AS (PARTITION BY g.account_id, g.position_id ORDER BY g.link_id
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
    SELECT l.subscription_id, l.position_key, l.id, legs.position_id,
           least(legs.there, l.held_units),
           (SELECT sum(o.units) FROM copytrading_linkleg o
            WHERE o.link_id = l.id AND o.closed_at IS NULL) - legs.units + legs.there
    FROM legs JOIN copytrading_tradelink l ON l.id = legs.link_id
    WHERE legs.there < legs.units OR l.held_units < legs.units
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
        f"SELECT master_account_id FROM ({_REDUCED}) r UNION "
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
    left = {place[2]: place[5] for place in places}
    changed: list[tuple[Row, Link]] = []
    for row in load_rows(master, keys, now, ids):
        for link in row.links.values():  # loading has compared them with their positions
            if link.link_id in left and link.state is not LinkState.CLOSED:
                link = taken_away(link, left[link.link_id])
                over = link.state is LinkState.GONE and link.master_units <= 0
                changed.append((row, finished(link) if over else link))
    held = [{"link_id": p[2], "position_id": p[3], "held": p[4]} for p in places]
    with transaction.atomic():
        store_links(master_account_id, changed, now)
        store_legs((), held, now)
        add_results(money_of_others(left))
        publish(
            CHANGED,
            master_account_id=master_account_id,
            event_ids=[],
            subscriptions=len(ids),
        )
    return len(places)


def money_of_others(link_ids: Iterable[int]) -> dict[int, Decimal]:
    """What deals of others brought these links, by link; each deal is told once."""
    return dict(sql.rows(_MONEY, [sorted(link_ids)]))
