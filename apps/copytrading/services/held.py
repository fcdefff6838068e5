"""Closes that are wanted and do not get through: held back, or refused again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import orjson

from apps.copytrading.domain.drift import HeldClose
from apps.copytrading.services import sql
from apps.execution.underway import Underway, halted_accounts
from apps.trading.orders import Leg, Side
from apps.trading.schedule import Schedule

#: A close that has waited longer than this for its sending is shown.
HELD_AFTER = timedelta(seconds=5)

# Closes that the platform has refused some times already; they are sent again by themselves.
_RETRIED = """
    SELECT account_id, id, subscription_id, position_id, instrument_id, side, held_units
    FROM copytrading_tradelink
    WHERE state = 'open' AND held_units > 0 AND close_cause LIKE '%%#%%'
      AND account_id = ANY(%s) AND substring(close_cause FROM '([0-9]+)$')::int > 3
"""


_SCHEDULES = """
    SELECT a.id, y.instrument_id, y.schedule::text FROM platforms_tradingaccount a
    JOIN platforms_symbol y ON y.connection_id = a.connection_id
    WHERE a.id = ANY(%s) AND y.instrument_id = ANY(%s)
"""


def held_closes(
    account_ids: Sequence[int], orders: Iterable[Underway], now: datetime
) -> Iterator[tuple[int, HeldClose]]:
    """Closes of these accounts that wait, by account; ``orders`` are what is under way there."""
    waiting = [
        order
        for order in orders
        if order.leg is Leg.CLOSE and not order.sent and order.committed_at < now - HELD_AFTER
    ]
    if waiting:
        ids = {order.account_id for order in waiting}
        halted = halted_accounts(ids)
        closed = _closed_markets(ids, waiting, now)
        for order in waiting:
            place = halted.get(order.account_id)
            reason = f"The kill switch on {place} holds it" if place else _WAITS
            if not place and (order.account_id, order.instrument_id) in closed:
                reason = "Its market is closed; it is sent when that opens"
            yield order.account_id, _unsent(order, reason)
    for account_id, link_id, *values in sql.rows(_RETRIED, [list(account_ids)]):
        subscription_id, position_id, instrument_id, side, units = values
        yield (
            account_id,
            HeldClose(
                f"link:{link_id}", subscription_id, position_id, instrument_id,
                Side(side).opposite, units, _REFUSED,
            ),
        )  # fmt: skip


_WAITS = "It waits for its platform"
_REFUSED = "The platform refuses it; it is sent again by itself"


def _unsent(order: Underway, reason: str) -> HeldClose:
    return HeldClose(
        order.client_order_id,
        subscription_of(order.relation),
        order.position_id,
        order.instrument_id,
        order.side or Side.SELL,
        order.units,
        reason,
    )


def _closed_markets(
    account_ids: Iterable[int], orders: Iterable[Underway], now: datetime
) -> set[tuple[int, str]]:
    """The instruments, by account, that are not traded now."""
    instruments = sorted({order.instrument_id for order in orders})
    found = sql.rows(_SCHEDULES, [sorted(account_ids), instruments])
    return {
        (account_id, instrument_id)
        for account_id, instrument_id, text in found
        if not Schedule.from_json(orjson.loads(text)).is_open(now)
    }


def subscription_of(relation: str) -> int | None:
    """The subscription that an order's relation names, None where it is another's."""
    prefix, _, number = relation.partition(":")
    return int(number) if prefix == "sub" and number.isdecimal() else None
