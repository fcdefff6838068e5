"""Reading the journal, orders, deals and positions. Rows are plain, frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from apps.common.database import Query, raw_cursor, texts_array
from apps.execution import journal
from apps.execution.models import Gate, GatewayProcess, Order
from apps.execution.troubles import NOT_SET_ASIDE
from apps.trading.orders import FINAL_STATES, Leg, OrderState, OrderType, Side


@dataclass(frozen=True, slots=True)
class JournaledEvent:
    """One event of a watched account; ``ts_event`` is the platform's time, not corrected.

    ``number`` counts what was journaled of one pending order, from 1; 0 for other events.
    """

    id: int
    account_id: int
    connection_id: int
    kind: str
    position_id: str
    payload: journal.Payload
    trace_id: str
    ts_event: datetime
    received_at: datetime
    number: int = 0


class OrderResult(NamedTuple):
    """What became of an order of ours.

    ``commission``, ``swap`` and ``profit`` are sums over its deals, in account currency as the
    platform books them (negative: paid). ``code`` is the platform's, or ours where it never
    left the house (GATED, WITHDRAWN, TOO_LATE, NOT_CONNECTED). ``rested_at`` is set where it
    rested on the platform; ``units`` are then those of its last amendment.
    """

    id: int
    client_order_id: str
    platform_order_id: str
    account_id: int
    batch_id: int | None
    source: str
    relation: str
    wake_key: int
    cause: str
    trace_id: str
    leg: Leg
    instrument_id: str
    side: Side | None
    units: Decimal
    filled_units: Decimal
    average_price: Decimal | None
    position_id: str
    state: OrderState
    code: str
    message: str
    committed_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    final_at: datetime | None
    commission: Decimal
    swap: Decimal
    profit: Decimal
    rested_at: datetime | None


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch with the notes that its source left on it, items as text as they were stored."""

    id: int
    items: str
    notes: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PositionRow:
    """An open position as last seen; ``open_result`` in account currency at the last quote."""

    account_id: int
    position_id: str
    instrument_id: str
    side: Side
    units: Decimal
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    tag: str
    margin: Decimal
    open_result: Decimal
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RestingRow:
    """A pending order that rests on a watched account, as last seen."""

    account_id: int
    platform_order_id: str
    client_order_id: str
    instrument_id: str
    side: Side
    type: OrderType
    units: Decimal
    filled_units: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    expires_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class HopTimes:
    """Milliseconds of a recent order: committed to sent, sent to accepted, sent to final."""

    client_order_id: str
    committed_at: datetime
    to_sent_ms: float
    to_accepted_ms: float | None
    to_final_ms: float | None


_EVENT_FIELDS = (
    "id, account_id, connection_id, kind, position_id, payload::text, trace_id, "
    "ts_event, received_at, "
    "CASE kind WHEN 'order' THEN substring(dedupe_key FROM '[0-9]+$')::int ELSE 0 END"
)

_RESULT_FIELDS = """
    o.id, o.client_order_id, o.platform_order_id, o.account_id, o.batch_id, o.source, o.relation,
    o.wake_key, o.cause, o.trace_id, o.leg, o.instrument_id, o.side, o.units, o.filled_units,
    o.average_price, o.position_id, o.state, o.code, o.message, o.committed_at, o.sent_at,
    o.accepted_at, o.final_at, coalesce(d.commission, 0), coalesce(d.swap, 0),
    coalesce(d.profit, 0), o.rested_at
"""

# The deals of an order are found by its position.
_RESULTS = f"""
    SELECT {_RESULT_FIELDS} FROM execution_order o
    LEFT JOIN LATERAL (
        SELECT sum(commission) AS commission, sum(swap) AS swap, sum(profit) AS profit
        FROM execution_deal WHERE account_id = o.account_id
          AND position_id = o.position_id AND client_order_id = o.client_order_id
    ) d ON o.filled_units > 0
"""


def unplanned_events(account_id: int, limit: int = 500) -> list[JournaledEvent]:
    """Events of the account that wait for their decisions, oldest first."""
    return unplanned_query(account_id, limit).ask()


def unplanned_query(account_id: int, limit: int) -> Query[list[JournaledEvent]]:
    """Asks for :func:`unplanned_events`."""
    return Query(
        f"SELECT {_EVENT_FIELDS} FROM execution_accountevent "
        "WHERE account_id = %s AND planned_at IS NULL ORDER BY id LIMIT %s",
        [account_id, limit],
        lambda rows: [_event(row) for row in rows],
    )


def pending_batches(source: str, wake_key: int) -> list[PendingBatch]:
    """Batches whose notes their source has not taken over, oldest first."""
    return pending_batches_query(source, wake_key).ask()


def pending_batches_query(source: str, wake_key: int) -> Query[list[PendingBatch]]:
    """Asks for :func:`pending_batches`."""
    return Query(
        "SELECT id, items, notes, created_at FROM execution_batch "
        "WHERE source = %s AND wake_key = %s AND pending ORDER BY id",
        [source, wake_key],
        lambda rows: [PendingBatch(*row) for row in rows],
    )


def events_by_id(event_ids: Sequence[int]) -> dict[int, JournaledEvent]:
    """Events by their id; unknown ids are left out."""
    rows = _rows(
        f"SELECT {_EVENT_FIELDS} FROM execution_accountevent WHERE id = ANY(%s)",
        [list(event_ids)],
    )
    return {row[0]: _event(row) for row in rows}


def unsettled_orders(source: str, wake_key: int, limit: int = 5000) -> list[OrderResult]:
    """Final orders of a source and wake key of which it has not taken note, oldest first.

    Without those that are set aside at the moment (:mod:`apps.execution.troubles`).
    """
    rows = _many(
        f"{_RESULTS} WHERE o.source = %s AND o.wake_key = %s AND o.settled_at IS NULL "
        f"AND o.state = ANY(%s) AND {NOT_SET_ASIDE} ORDER BY o.id LIMIT %s",
        [source, wake_key, [s.value for s in FINAL_STATES], limit],
    )
    return [_result(row) for row in rows]


def rested_orders(source: str, wake_key: int, limit: int = 5000) -> list[OrderResult]:
    """Orders that rest on the platform, of which their source has not taken note.

    Told when an order begins to rest and again when a part of it is filled; one that has
    ended is told by :func:`unsettled_orders` alone. Oldest first.
    """
    rows = _rows(
        f"{_RESULTS} WHERE o.source = %s AND o.wake_key = %s AND o.rested_at IS NOT NULL "
        f"AND o.rest_settled_at IS NULL AND o.final_at IS NULL AND {NOT_SET_ASIDE} "
        "ORDER BY o.id LIMIT %s",
        [source, wake_key, limit],
    )
    return [_result(row) for row in rows]


def orders_by_client_id(client_order_ids: Sequence[str]) -> dict[str, OrderResult]:
    """Orders in any state; ids that no gateway has claimed yet are left out."""
    rows = _many(f"{_RESULTS} WHERE o.client_order_id = ANY(%s)", [texts_array(client_order_ids)])
    return {row[1]: _result(row) for row in rows}


def open_positions(account_ids: Iterable[int]) -> dict[int, list[PositionRow]]:
    """Open positions of accounts, oldest first; an account without any is left out."""
    found: dict[int, list[PositionRow]] = {}
    rows = _rows(
        "SELECT account_id, position_id, instrument_id, side, units, price, stop_loss, "
        "take_profit, tag, margin, open_result, opened_at, updated_at FROM execution_position "
        "WHERE account_id = ANY(%s) AND closed_at IS NULL ORDER BY opened_at, id",
        [list(account_ids)],
    )
    for account_id, position_id, instrument_id, side, *rest in rows:
        row = PositionRow(account_id, position_id, instrument_id, Side(side), *rest)
        found.setdefault(account_id, []).append(row)
    return found


def resting_orders(account_ids: Iterable[int]) -> dict[int, list[RestingRow]]:
    """Pending orders of watched accounts, oldest first; an account without any is left out."""
    found: dict[int, list[RestingRow]] = {}
    rows = _rows(
        "SELECT account_id, platform_order_id, client_order_id, instrument_id, side, type, units, "
        "filled_units, price, stop_price, stop_loss, take_profit, expires_at, updated_at "
        "FROM execution_restingorder WHERE account_id = ANY(%s) AND ended_at IS NULL ORDER BY id",
        [list(account_ids)],
    )
    for row in rows:
        values: list[Any] = [*row[:4], Side(row[4]), OrderType(row[5]), *row[6:]]
        found.setdefault(row[0], []).append(RestingRow(*values))
    return found


def recent_hops(limit: int = 1000) -> list[HopTimes]:
    """Hop times of the orders sent last, newest first."""
    orders = (
        Order.objects.exclude(sent_at=None)
        .order_by("-id")
        .values_list("client_order_id", "committed_at", "sent_at", "accepted_at", "final_at")
    )[:limit]
    return [
        HopTimes(
            cid,
            committed,
            _ms(committed, sent) or 0.0,
            _ms(sent, accepted),
            _ms(sent, final),
        )
        for cid, committed, sent, accepted, final in orders
    ]


def gates() -> list[Gate]:
    """Everything that is held back now, by scope and key."""
    return list(Gate.objects.order_by("scope", "key"))


def gateways() -> list[GatewayProcess]:
    """Gateways that were seen, the latest first."""
    return list(GatewayProcess.objects.order_by("-seen_at"))


def _rows(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _many(statement: str, values: list[Any]) -> list[Any]:
    """The same for what workers read by the thousand."""
    with raw_cursor() as cursor:
        return cursor.execute(statement, values).fetchall()


def _event(row: Any) -> JournaledEvent:
    values: list[Any] = [*row[:5], journal.load(row[5]), *row[6:]]
    return JournaledEvent(*values)


def _result(r: Any) -> OrderResult:
    # By the thousand, and looking a member up by its value takes an enumeration long.
    leg, side, state = _LEGS[r[10]], _SIDES[r[12]], _STATES[r[17]]
    return OrderResult._make((*r[:10], leg, r[11], side, *r[13:17], state, *r[18:]))


_LEGS = {leg.value: leg for leg in Leg}
_SIDES: dict[str, Side | None] = {"": None} | {side.value: side for side in Side}
_STATES = {state.value: state for state in OrderState}


def _ms(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return (end - start).total_seconds() * 1000
