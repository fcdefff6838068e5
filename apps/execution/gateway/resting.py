"""Our own orders that rest on a platform, perhaps for days: found again, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from apps.execution.gateway.db import Database, Row
from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.intents import Intent, dump, rows_of
from apps.platforms.ports import Snapshot
from apps.trading.orders import FINAL_STATES, Leg, Order, OrderState, OrderType, Side

# The states are spelled out so that the index of unfinished orders serves.
_UNFINISHED = ", ".join(f"'{state}'" for state in sorted(FINAL_STATES))
_RESTED = f"""
    SELECT o.client_order_id, a.platform_account_id, o.account_id, o.source, o.relation,
        o.wake_key, o.cause, o.trace_id, o.instrument_id, o.side, o.type, o.units, o.batch_id,
        o.ordinal, o.committed_at, o.state, o.platform_order_id, o.position_id, o.sent_at,
        o.accepted_at, o.rested_at
    FROM execution_order o JOIN platforms_tradingaccount a ON a.id = o.account_id
    WHERE o.connection_id = %s AND NOT o.state IN ({_UNFINISHED}) AND o.rested_at IS NOT NULL
"""
_DEALS = """
    SELECT d.client_order_id, d.deal_id, d.units, d.price
    FROM execution_order o JOIN execution_deal d ON d.account_id = o.account_id
        AND d.executed_at >= o.committed_at - interval '1 day'
        AND d.client_order_id = o.client_order_id
    WHERE o.client_order_id = ANY(%s) AND o.filled_units > 0
"""


async def rested_before(database: Database, connection_id: int, tickets: Tickets) -> list[Ticket]:
    """Tickets of orders whose rows say that they rest and of which ``tickets`` holds none.

    Those of which it is not known whether they still do are UNKNOWN, the others ``resting``.
    """
    rows = await database.rows(_RESTED, [connection_id])
    found = {row[0]: _ticket(row) for row in rows if not tickets.knows(row[1], row[0])}
    if found:
        for cid, deal_id, units, price in await database.rows(_DEALS, [list(found)]):
            ticket = found[cid]
            ticket.deals.add(deal_id)
            ticket.filled += units
            ticket.notional += units * price
    for ticket in found.values():
        ticket.told_filled = ticket.filled
    return list(found.values())


def _ticket(row: Row) -> Ticket:
    (cid, account, account_id, source, relation, wake_key, cause, trace_id, *order) = row
    (instrument_id, side, kind, units, batch_id, ordinal, committed_at, state, *ids) = order
    (order_id, position_id, sent_at, accepted_at, rested_at) = ids
    intent = Intent(
        cid,
        account_id,
        account,
        Leg.OPEN,
        source,
        relation,
        wake_key,
        cause,
        trace_id,
        instrument_id,
        Side(side),
        Decimal(units),
        type=OrderType(kind),
    )
    ticket = ticket_of(rows_of(dump([intent]))[0], batch_id, ordinal, committed_at)
    ticket.state = OrderState(state)
    ticket.platform_order_id, ticket.position_id = order_id, position_id
    ticket.sent_at, ticket.accepted_at, ticket.rested_at = sent_at, accepted_at, rested_at
    ticket.resting = ticket.state is not OrderState.UNKNOWN
    return ticket


def differs(tickets: Tickets, account: str, snapshot: Snapshot) -> bool:
    """Whether an order of ours does not rest as it did."""
    return any(_differs(t, order) for t, order in _shown(tickets, account, snapshot))


def compare(
    tickets: Tickets, account: str, snapshot: Snapshot, changed: Callable[[Ticket], None]
) -> None:
    """Have those asked for that the snapshot does not show as they are known to rest."""
    for ticket, order in list(_shown(tickets, account, snapshot)):
        if _differs(ticket, order):
            ticket.doubt()
            tickets.add(ticket)
        elif order is not None and order.units != ticket.units:
            ticket.order(order, "", snapshot.as_of)
        else:
            continue
        changed(ticket)


def own_ids(tickets: Tickets, account: str) -> set[str]:
    """The platform's ids of our orders that rest on an account."""
    return {t.platform_order_id for t in tickets.resting.get(account, {}).values()}


def _shown(
    tickets: Tickets, account: str, snapshot: Snapshot
) -> Iterator[tuple[Ticket, Order | None]]:
    """Each of our orders that rested when the snapshot was taken, as that shows it."""
    shown = {order.platform_order_id: order for order in snapshot.orders}
    for ticket in tickets.resting.get(account, {}).values():
        if ticket.resting and ticket.rested_at and ticket.rested_at < snapshot.as_of:
            yield ticket, shown.get(ticket.platform_order_id)


def _differs(ticket: Ticket, order: Order | None) -> bool:
    return order is None or order.filled_units > ticket.filled
