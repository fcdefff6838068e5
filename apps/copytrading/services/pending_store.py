"""Reading and writing pending links, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.common.database import Query
from apps.copytrading.domain.events import MasterEvent, link_key
from apps.copytrading.domain.pending import Pending, PendingState, Terms
from apps.copytrading.domain.plan import PendingChange
from apps.copytrading.domain.rows import Row
from apps.copytrading.services import sql
from apps.copytrading.services.holds import give_back
from apps.copytrading.services.load import Master, load_rows
from apps.trading.orders import OrderType, Side

_SELECT = """
    SELECT subscription_id, id, order_key, side, type, symbol, instrument_id, ratio, grows,
           master_units, target_units, units, price, stop_price, stop_loss, take_profit,
           expires_at, state, client_order_id, platform_order_id, in_flight, filled_units,
           fill_price, position_id, position_key, cancel_cause, opened_event_id, last_event_id,
           closed_at IS NOT NULL
    FROM copytrading_pendinglink WHERE master_account_id = %s
"""
_OF_ORDERS = _SELECT + "AND order_key = ANY(%s)"
_LIVE_OF_ORDERS = _OF_ORDERS + "AND closed_at IS NULL"
_OF_CLIENT_IDS = (
    _SELECT + "AND (client_order_id = ANY(%s) OR (closed_at IS NULL AND in_flight = ANY(%s)))"
)

_COPY = """
    COPY copytrading_pendinglink
        (subscription_id, master_account_id, account_id, order_key, symbol, instrument_id, side,
         type, state, ratio, grows, master_units, target_units, units, price, stop_price,
         stop_loss, take_profit, expires_at, client_order_id, platform_order_id, in_flight,
         filled_units, fill_price, position_id, position_key, cancel_cause, opened_event_id,
         last_event_id, opened_at, closed_at)
    FROM STDIN
"""

_UPDATE = """
    UPDATE copytrading_pendinglink p
    SET state = x.state, master_units = x.master_units, target_units = x.target_units,
        units = x.units, price = x.price, stop_price = x.stop_price, stop_loss = x.stop_loss,
        take_profit = x.take_profit, expires_at = x.expires_at,
        platform_order_id = x.platform_order_id, in_flight = x.in_flight,
        filled_units = x.filled_units, fill_price = x.fill_price, position_id = x.position_id,
        position_key = x.position_key, cancel_cause = x.cancel_cause,
        last_event_id = x.last_event_id,
        closed_at = CASE WHEN x.over THEN coalesce(p.closed_at, %s) END
    FROM json_to_recordset(%s) AS x (
        id bigint, state text, master_units numeric, target_units numeric, units numeric,
        price numeric, stop_price numeric, stop_loss numeric, take_profit numeric,
        expires_at timestamptz, platform_order_id text, in_flight text, filled_units numeric,
        fill_price numeric, position_id text, position_key text, cancel_cause text,
        last_event_id bigint, over boolean)
    WHERE p.id = x.id
"""

_HAND_OVER = """
    UPDATE copytrading_tradelink l SET position_key = x.position_key
    FROM unnest(%s::bigint[], %s::text[]) AS x (id, position_key) WHERE l.id = x.id
"""

# For the pages: which link holds what an order has filled.
_LINKED = """
    UPDATE copytrading_pendinglink p SET trade_link_id = l.id
    FROM copytrading_tradelink l
    WHERE p.id = ANY(%s) AND l.subscription_id = p.subscription_id AND l.state = 'open'
      AND l.position_key = CASE p.position_key WHEN '' THEN 'order:' || p.order_key
                                               ELSE p.position_key END
      AND p.trade_link_id IS DISTINCT FROM l.id
"""

Pendings = dict[int, dict[str, Pending]]


def pendings_of_orders(master_account_id: int, order_keys: Iterable[str]) -> Pendings:
    """All copies of a master's orders, by subscription and order."""
    return _by_order(sql.rows(_OF_ORDERS, [master_account_id, sorted(set(order_keys))]))


def pendings_of_client_ids(master_account_id: int, ids: Sequence[str]) -> list[tuple[int, Pending]]:
    """Copies, with their subscription, whose placement, amendment or cancel is named."""
    found = sql.rows(_OF_CLIENT_IDS, [master_account_id, list(ids), list(ids)])
    return [(row[0], _pending(row)) for row in found]


def live_pendings(master_account_id: int, events: Iterable[MasterEvent]) -> Pendings:
    """Copies, not at their end, of the orders that these deals filled."""
    return live_pendings_query(master_account_id, events).ask()


def live_pendings_query(master_account_id: int, events: Iterable[MasterEvent]) -> Query[Pendings]:
    """Asks for :func:`live_pendings`."""
    keys = {event.order_key for event in events if event.order_key and event.terms is None}
    return Query(_LIVE_OF_ORDERS, [master_account_id, sorted(keys)], _by_order)


def with_pendings(master: Master, rows: list[Row], pendings: Pendings, now: datetime) -> list[Row]:
    """Rows with their copies of orders, and the links of what those have filled."""
    mine = [row.subscription_id for row in rows if row.subscription_id in pendings]
    if not mine:
        return rows
    link_keys = sorted({link_key(key) for found in pendings.values() for key in found})
    held = load_rows(master, link_keys, now, mine)
    links = {row.subscription_id: row.links for row in held}
    return [
        row._replace(
            pending=pendings[row.subscription_id],
            links={**row.links, **links.get(row.subscription_id, {})},
        )
        if row.subscription_id in pendings
        else row
        for row in rows
    ]


def store_pendings(master_account_id: int, changes: Sequence[PendingChange], now: datetime) -> None:
    """Write pending links in their new form."""
    new = [change for change in changes if not change.pending.pending_id]
    if new:
        sql.copy_in(_COPY, (_values(master_account_id, change, now) for change in new))
    latest = {c.pending.pending_id: c for c in changes if c.pending.pending_id}
    if latest:
        records = [_record(change.pending) for change in latest.values()]
        sql.execute(_UPDATE, [now, sql.as_json(records)])
    give_back({row.subscription_id for row, pending in changes if row.netting and pending.over})


def store_taken_over(
    master_account_id: int, changes: Sequence[PendingChange], now: datetime
) -> None:
    """Write pending links whose master's order was filled; what they hold goes to the position."""
    store_pendings(master_account_id, changes, now)
    handed = {
        held.link_id: pending.position_key
        for row, pending in changes
        if pending.position_key and pending.state is not PendingState.UNWANTED
        if (held := row.links.get(link_key(pending.order_key))) is not None and held.link_id
    }
    if handed:
        sql.execute(_HAND_OVER, [list(handed), list(handed.values())])


def note_links(pending_ids: Sequence[int]) -> None:
    """Say at pending links which trade link holds what they filled."""
    if pending_ids:
        sql.execute(_LINKED, [list(pending_ids)])


def _by_order(found: Iterable[tuple[Any, ...]]) -> Pendings:
    pendings: Pendings = {}
    for row in found:
        pending = _pending(row)
        pendings.setdefault(row[0], {})[pending.order_key] = pending
    return pendings


def _pending(v: tuple[Any, ...]) -> Pending:
    return Pending(
        v[1], v[2], Side(v[3]), OrderType(v[4]), v[5], v[6], v[7], v[8], v[9], v[10],
        Terms(*v[11:17]), _STATES[v[17]], v[18], v[19], v[20], v[21], v[22], v[23], v[24], v[25],
        v[26], v[27], v[28],
    )  # fmt: skip


_STATES: Mapping[str, PendingState] = {state.value: state for state in PendingState}


def _record(pending: Pending) -> dict[str, Any]:
    terms = pending.terms
    return {
        "id": pending.pending_id,
        "state": pending.state.value,
        "master_units": pending.master_units,
        "target_units": pending.target,
        "units": terms.units,
        "price": terms.price,
        "stop_price": terms.stop_price,
        "stop_loss": terms.stop_loss,
        "take_profit": terms.take_profit,
        "expires_at": terms.expires_at,
        "platform_order_id": pending.platform_order_id,
        "in_flight": pending.in_flight,
        "filled_units": pending.filled,
        "fill_price": pending.fill_price,
        "position_id": pending.position_id,
        "position_key": pending.position_key,
        "cancel_cause": pending.cancel_cause,
        "last_event_id": pending.last_event_id,
        "over": pending.over,
    }


def _values(master_account_id: int, change: PendingChange, now: datetime) -> tuple[object, ...]:
    row, p = change
    t = p.terms
    return (
        row.subscription_id, master_account_id, row.account_id, p.order_key, p.symbol,
        p.instrument_id, p.side.value, p.type.value, p.state.value, p.ratio, p.grows,
        p.master_units, p.target, t.units, t.price, t.stop_price, t.stop_loss, t.take_profit,
        t.expires_at, p.client_order_id, p.platform_order_id, p.in_flight, p.filled, p.fill_price,
        p.position_id, p.position_key, p.cancel_cause, p.opened_event_id, p.last_event_id, now,
        now if p.over else None,
    )  # fmt: skip
