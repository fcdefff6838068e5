"""From planned orders to committed ones: intents, and the links that they make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.link import Link
from apps.copytrading.domain.plan import Planned
from apps.copytrading.domain.rows import Row, Rules
from apps.copytrading.domain.steps import Order
from apps.copytrading.services.notes import Sent, dump_notes
from apps.execution import api as execution
from apps.execution.api import Fence
from apps.execution.intents import Intent, SendGuards, client_order_id
from apps.trading.orders import Leg, OrderType

SOURCE = "copy"


class WrittenOrders(NamedTuple):
    """Planned orders that only have to be stored to be sent.

    ``made_of`` gives for each client order id what was planned, and the link with it in flight.
    """

    slices: list[execution.Written]
    made_of: dict[str, tuple[Planned, Link]]


def write_orders(
    master_account_id: int, planned: Sequence[Planned], *, noted: bool = False
) -> WrittenOrders:
    """Write planned orders out; asks the database for nothing.

    ``noted``: with notes to go on from, as :func:`commit_written` wants them with a fence.
    """
    intents: list[Intent] = []
    connections: dict[int, int] = {}
    made_of: dict[str, tuple[Planned, Link]] = {}
    for made in planned:
        row = made.row
        intent = _intent(master_account_id, made)
        intents.append(intent)
        connections[row.account_id] = row.connection_id
        client_order_id = intent.client_order_id
        made_of[client_order_id] = made, with_flight(made.link, client_order_id)

    def notes(chunk: Sequence[Intent]) -> str:
        return dump_notes(made_of[intent.client_order_id] for intent in chunk)

    return WrittenOrders(
        execution.write_out(intents, connections, notes if noted else None), made_of
    )


def commit_written(written: WrittenOrders, now: datetime, fence: Fence | None = None) -> list[Sent]:
    """Submit orders; answers them with their links as they are while these are in flight.

    With a ``fence`` they are committed at once, with notes to go on from, since their decisions
    and links follow later. Without one they belong to the running transaction, in which the
    caller stores both. Raises Overtaken.
    """
    batches = execution.submit_written(written.slices, now=now, fence=fence)
    return [
        Sent(*written.made_of[cid], batch.batch_id)
        for batch in batches
        for cid in batch.client_order_ids
    ]


def commit_orders(master_account_id: int, planned: Sequence[Planned], now: datetime) -> list[Sent]:
    """Write planned orders out and submit them with the running transaction."""
    return commit_written(write_orders(master_account_id, planned), now)


def with_flight(link: Link, client_order_id: str) -> Link:
    """The link with that order in flight; several times cheaper than ``_replace``."""
    return Link._make((*link[:_IN_FLIGHT], client_order_id, *link[_IN_FLIGHT + 1 :]))


_IN_FLIGHT = Link._fields.index("in_flight")


def _intent(master_account_id: int, made: Planned) -> Intent:
    row, order, link = made
    event = order.event
    opens = order.leg is Leg.OPEN
    return Intent(
        client_order_id(event.id, row.key, order.leg),
        row.account_id,
        row.platform_account,
        order.leg,
        SOURCE,
        f"sub:{row.subscription_id}",
        master_account_id,
        f"event:{event.id}",
        event.trace_id,
        link.instrument_id,
        order.side,
        order.units,
        order.position_id,
        "",
        order.stop_loss,
        order.take_profit,
        order.reference_price,
        order.not_after,
        OrderType.MARKET,
        None,
        None,
        None,
        _guards(row, order) if opens else None,
    )


def _guards(row: Row, order: Order) -> SendGuards:
    return send_guards(row.rules, order.limit_price)


def send_guards(rules: Rules, limit_price: Decimal | None) -> SendGuards:
    """The guards of an open that are judged once more when it leaves."""
    return SendGuards(
        limit_price,
        rules.min_equity,
        rules.min_margin_level,
        rules.max_positions,
        rules.loss_limit,
    )


def close_intent(
    master_account_id: int, row: Row, link: Link, *, units: Decimal, cause: str, trace_id: str = ""
) -> Intent:
    """Closing ``units`` of a link for a cause of its own: a person's wish or a guard's."""
    return Intent(
        client_order_id(cause, row.key, link.link_id, str(link.held)),
        row.account_id,
        row.platform_account,
        Leg.CLOSE,
        SOURCE,
        relation=f"sub:{row.subscription_id}",
        wake_key=master_account_id,
        cause=cause,
        trace_id=trace_id,
        instrument_id=link.instrument_id,
        side=link.side.opposite,
        units=units,
        position_id=link.position_id,
    )
