"""What became of a subscription's copies of resting orders on their platform, from the record."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from apps.copytrading.domain.events import link_key
from apps.copytrading.domain.replay_items import OrderNews
from apps.copytrading.services import sql
from apps.trading.orders import FINAL_STATES, OrderState
from apps.trading.quantity import ZERO

# When note was taken of an order's end, and of its first fill.
_PENDINGS = """
    SELECT p.order_key, split_part(p.cancel_cause, '#', 1), o.client_order_id, o.state,
           o.filled_units, o.average_price, o.settled_at, min(g.opened_at)
    FROM copytrading_pendinglink p
    JOIN execution_order o ON o.client_order_id = p.client_order_id
    LEFT JOIN copytrading_tradelink l ON l.subscription_id = p.subscription_id
    LEFT JOIN copytrading_linkleg g ON g.link_id = l.id AND g.account_id = o.account_id
        AND g.position_id = o.position_id AND o.position_id <> ''
    WHERE p.subscription_id = %s GROUP BY p.id, o.id ORDER BY p.id
"""
_FILLS = """
    SELECT client_order_id, units, price, received_at FROM execution_deal
    WHERE client_order_id = ANY(%s) ORDER BY id
"""


def order_news(subscription_id: int) -> list[tuple[datetime, OrderNews]]:
    """Fills and ends of those orders, with the time at which note was taken of them.

    Of a fill after the first one that is when it was told, a moment before.
    """
    found = sql.rows(_PENDINGS, [subscription_id])
    fills: dict[str, list[tuple[Decimal, Decimal, datetime]]] = defaultdict(list)
    for cid, units, price, at in sql.rows(_FILLS, [[row[2] for row in found]]):
        fills[cid].append((units, price, at))
    told: list[tuple[datetime, OrderNews]] = []
    for order_key, cause, cid, state, filled, price, settled_at, first_at in found:
        key = link_key(order_key)
        ended = settled_at is not None and OrderState(state) in FINAL_STATES
        total, paid = ZERO, ZERO
        for number, (units, paid_price, at) in enumerate(fills[cid]):
            total, paid = total + units, paid + units * paid_price
            noted = first_at if number == 0 and first_at is not None else at
            if ended and (noted >= settled_at or total >= filled):
                break  # told with its end
            told.append((noted, OrderNews(key, total, paid / total, None, cause)))
        if ended:
            told.append((settled_at, OrderNews(key, filled, price, OrderState(state), cause)))
    return told
