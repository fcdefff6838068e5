"""Reading what copies hold and what is there, for many accounts at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.copytrading.domain.drift import (
    GRACE,
    ByHand,
    HeldClose,
    Holdings,
    Origin,
    Place,
    Share,
    StrayOrder,
)
from apps.copytrading.services import sql
from apps.copytrading.services.held import HELD_AFTER, held_closes, subscription_of
from apps.copytrading.services.orders import SOURCE
from apps.execution.underway import moving_positions, underway, unsent_closes
from apps.trading.orders import Leg, Side

# A link with one position holds there what it holds at all; with several each leg counts.
_SHARES = """
    SELECT l.account_id, l.id, l.subscription_id, coalesce(g.position_id, l.position_id),
           l.instrument_id, l.side,
           CASE WHEN count(g.id) OVER (PARTITION BY l.id) > 1 THEN g.units ELSE l.held_units END,
           l.in_flight <> '', s.copy_mode = 'open_only'
    FROM copytrading_tradelink l
    JOIN copytrading_copysubscription s ON s.id = l.subscription_id
    LEFT JOIN copytrading_linkleg g ON g.link_id = l.id AND g.closed_at IS NULL AND g.units > 0
    WHERE l.account_id = ANY(%(ids)s) AND l.state = 'open'
      AND (l.held_units > 0 OR l.in_flight <> '')
    UNION ALL
    SELECT account_id, 0, subscription_id, position_id, instrument_id, side, filled_units,
           in_flight <> '', false
    FROM copytrading_pendinglink
    WHERE account_id = ANY(%(ids)s) AND closed_at IS NULL AND position_id <> ''
      AND trade_link_id IS NULL AND filled_units > 0
"""

_PLACES = """
    SELECT account_id, position_id, instrument_id, side,
           CASE WHEN closed_at IS NULL THEN units ELSE 0 END, updated_at, tag
    FROM execution_position p
    WHERE account_id = ANY(%s) AND (closed_at IS NULL OR EXISTS (
        SELECT 1 FROM copytrading_linkleg g WHERE g.account_id = p.account_id
        AND g.position_id = p.position_id AND g.closed_at IS NULL))
"""

# By the order whose id the position wears, and by links that held it once.
_ORIGINS = """
    SELECT p.account_id, p.position_id, o.source, o.relation, o.settled_at IS NULL, false
    FROM execution_position p JOIN execution_order o ON o.client_order_id = p.tag
    WHERE p.account_id = ANY(%(ids)s) AND p.closed_at IS NULL AND p.tag <> ''
    UNION ALL
    SELECT g.account_id, g.position_id, 'copy', 'sub:' || l.subscription_id, false,
           l.state = 'detached'
    FROM execution_position p
    JOIN copytrading_linkleg g ON g.account_id = p.account_id AND g.position_id = p.position_id
    JOIN copytrading_tradelink l ON l.id = g.link_id
    WHERE p.account_id = ANY(%(ids)s) AND p.closed_at IS NULL
"""

_BY_HAND = """
    SELECT d.account_id, d.position_id, sum(d.units) FILTER (WHERE d.effect = 'open'),
           sum(d.units) FILTER (WHERE d.effect <> 'open'),
           sum(d.units) FILTER (WHERE d.effect <> 'open' AND CASE WHEN p.side = 'buy'
               THEN d.price <= p.stop_loss OR d.price >= p.take_profit
               ELSE d.price >= p.stop_loss OR d.price <= p.take_profit END)
    FROM copytrading_linkleg g
    JOIN execution_position p ON p.account_id = g.account_id AND p.position_id = g.position_id
    JOIN execution_deal d ON d.account_id = g.account_id AND d.position_id = g.position_id
    WHERE g.account_id = ANY(%s) AND g.closed_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM execution_order o WHERE o.client_order_id = d.client_order_id)
    GROUP BY d.account_id, d.position_id
"""

# What stands as wrong or missing, and what a person has let be.
_STANDING = """
    SELECT account_id, position_id, kind, key, actual_units, resolved_at IS NOT NULL
    FROM copytrading_drift
    WHERE account_id = ANY(%s)
      AND (resolved_at IS NULL AND kind IN ('missing', 'wrong_side')
           OR resolution = 'accepted' AND kind IN ('orphan', 'foreign', 'oversized'))
"""

# What the platform showed after our own record of the order had come to its end.
_STRAYS = """
    SELECT r.account_id, o.relation, r.platform_order_id, r.instrument_id, r.side, r.units
    FROM execution_strayorder r
    JOIN execution_order o ON o.client_order_id = r.client_order_id
    WHERE r.account_id = ANY(%s) AND o.source IN ('copy', 'guard') AND o.leg = 'open'
      AND o.settled_at IS NOT NULL AND o.final_at < r.shown_at AND r.units > 0
      AND NOT EXISTS (SELECT 1 FROM copytrading_pendinglink p
                      WHERE p.client_order_id = r.client_order_id AND p.closed_at IS NULL
                        AND p.state IN ('placing', 'resting', 'unwanted'))
"""

_MODES = """
    SELECT f.account_id, f.manual_trading_mode,
           EXISTS (SELECT 1 FROM execution_strayorder r WHERE r.account_id = f.account_id)
    FROM copytrading_copyfollower f
    JOIN platforms_accountstate s ON s.account_id = f.account_id AND s.synced
    WHERE f.account_id = ANY(%s)
"""

_OUR_TAG = re.compile(r"c[0-9a-f]{24}")


@dataclass(slots=True)
class _Parts:
    """What was read of one account so far."""

    shares: list[Share] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    by_hand: dict[str, ByHand] = field(default_factory=dict)
    moving: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)
    accepted: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    held_closes: list[HeldClose] = field(default_factory=list)
    stray_orders: list[StrayOrder] = field(default_factory=list)


def load_holdings(account_ids: Collection[int], now: datetime) -> dict[int, Holdings]:
    """Everything of these accounts; those that do not follow or are not current are left out.

    What moves is read last: an order that came to its end in between has ended just now.
    """
    found = sql.rows(_MODES, [sorted(account_ids)])
    modes = {row[0]: row[1] for row in found}
    if not modes:
        return {}
    ids = sorted(modes)
    parts: dict[int, _Parts] = defaultdict(_Parts)
    _read_shares(parts, ids)
    unknown = _read_places(parts, ids)
    _read_origins(parts, ids, unknown)
    _read_standing(parts, ids)
    _read_strays(parts, [row[0] for row in found if row[2]])
    _read_moving(parts, ids, now)
    return {pk: _whole(parts[pk], mode) for pk, mode in modes.items()}


def _whole(parts: _Parts, mode: str) -> Holdings:
    return Holdings(
        parts.shares,
        parts.places,
        parts.origins,
        parts.by_hand,
        frozenset(parts.moving),
        frozenset(parts.reported),
        parts.accepted,
        parts.held_closes,
        parts.stray_orders,
        follows_hand=mode == "all",
        reports_foreign=mode == "disabled",
    )


def _read_shares(parts: dict[int, _Parts], ids: Sequence[int]) -> None:
    for account_id, *values in sql.rows(_SHARES, {"ids": ids}):
        link_id, subscription_id, position_id, instrument_id, side, *rest = values
        parts[account_id].shares.append(
            Share(link_id, subscription_id, position_id, instrument_id, Side(side), *rest)
        )
    for account_id, position_id, *sums in sql.rows(_BY_HAND, [ids]):
        parts[account_id].by_hand[position_id] = ByHand(*(one or Decimal(0) for one in sums))


def _read_places(parts: dict[int, _Parts], ids: Sequence[int]) -> set[tuple[int, str]]:
    """Reads positions; answers those that wear an id of the form of ours."""
    ours: set[tuple[int, str]] = set()
    for account_id, position_id, instrument_id, side, units, at, tag in sql.rows(_PLACES, [ids]):
        place = Place(position_id, instrument_id, Side(side), units, at)
        parts[account_id].places[position_id] = place
        if _OUR_TAG.fullmatch(tag):
            ours.add((account_id, position_id))
    return ours


def _read_origins(
    parts: dict[int, _Parts], ids: Sequence[int], ours: Collection[tuple[int, str]]
) -> None:
    for account_id, position_id, source, relation, moving, released in sql.rows(
        _ORIGINS, {"ids": ids}
    ):
        known = parts[account_id].origins.get(position_id, Origin(None, moving=False))
        parts[account_id].origins[position_id] = Origin(
            subscription_of(relation) or known.subscription_id,
            released or known.released or source not in (SOURCE, "guard"),
            moving or known.moving,
        )
    for account_id, position_id in ours:
        # Its order is not written down yet; until it is, nobody knows whose it was.
        parts[account_id].origins.setdefault(position_id, Origin(None, moving=True))


def _read_standing(parts: dict[int, _Parts], ids: Sequence[int]) -> None:
    for account_id, position_id, kind, key, units, accepted in sql.rows(_STANDING, [ids]):
        part = parts[account_id]
        if accepted:
            part.accepted[kind, key] = max(units, part.accepted.get((kind, key), units))
        elif position_id:
            part.reported.add(position_id)


def _read_strays(parts: dict[int, _Parts], ids: Sequence[int]) -> None:
    if not ids:
        return
    for account_id, relation, order_id, instrument_id, side, units in sql.rows(_STRAYS, [ids]):
        parts[account_id].stray_orders.append(
            StrayOrder(order_id, subscription_of(relation), instrument_id, Side(side), units)
        )


def _read_moving(parts: dict[int, _Parts], ids: Sequence[int], now: datetime) -> None:
    for account_id, position_id in moving_positions(ids, now=now, settled_for=GRACE):
        parts[account_id].moving.add(position_id)
    orders = underway(ids)
    for order in orders:
        if order.position_id and order.leg is not Leg.PROTECT:
            parts[order.account_id].moving.add(order.position_id)
    for account_id, close in held_closes(ids, orders, now):
        parts[account_id].held_closes.append(close)


# Of some accounts those where the sums differ at all, and those with a difference that stands.
_SUSPECTS = """
    WITH a AS MATERIALIZED (
        SELECT f.account_id, f.manual_trading_mode FROM copytrading_copyfollower f
        JOIN platforms_accountstate s ON s.account_id = f.account_id AND s.synced
        WHERE f.account_id %% %(slices)s = %(slice)s),
    held AS (
        SELECT l.account_id, l.position_id,
               sum(CASE WHEN l.side = 'buy' THEN l.held_units ELSE -l.held_units END) AS units
        FROM copytrading_tradelink l JOIN a ON a.account_id = l.account_id
        WHERE l.state = 'open' AND l.held_units > 0 GROUP BY 1, 2),
    there AS (
        SELECT p.account_id, p.position_id,
               CASE WHEN p.side = 'buy' THEN p.units ELSE -p.units END AS units,
               a.manual_trading_mode = 'disabled' OR p.tag ~ '^c[0-9a-f]{24}$' AS concerns
        FROM execution_position p JOIN a ON a.account_id = p.account_id
        WHERE p.closed_at IS NULL)
    SELECT account_id FROM copytrading_drift WHERE resolved_at IS NULL
    UNION
    SELECT account_id FROM execution_strayorder
    UNION
    SELECT account_id FROM copytrading_tradelink
    WHERE state = 'open' AND held_units > 0 AND close_cause LIKE '%%#%%'
    UNION
    SELECT account_id FROM (
        SELECT DISTINCT account_id FROM held FULL JOIN there USING (account_id, position_id)
        WHERE coalesce(held.units, 0) <> coalesce(there.units, 0)
          AND (held.units IS NOT NULL OR there.concerns
               OR (SELECT true FROM copytrading_linkleg g WHERE g.account_id = there.account_id
                   AND g.position_id = there.position_id LIMIT 1))
        ORDER BY account_id LIMIT %(most)s) s
"""


def suspects(*, slices: int, slice_: int, most: int, now: datetime) -> list[int]:
    """Accounts that may differ: one of ``slices`` parts of all, and all that stood differing.

    At most ``most`` new ones; a difference that stands is looked at each time.
    """
    values = {"slices": slices, "slice": slice_, "most": most}
    found: set[int] = {row[0] for row in sql.rows(_SUSPECTS, values)}
    found.update(close.account_id for close in unsent_closes(older_than=now - HELD_AFTER))
    return sorted(found)


def followers_count() -> int:
    """How many accounts follow masters at all."""
    found: list[tuple[Any, ...]] = sql.rows("SELECT count(*) FROM copytrading_copyfollower")
    return int(found[0][0])
