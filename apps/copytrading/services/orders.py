"""From planned orders to committed ones: intents, decisions and the links they make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

from apps.copytrading.domain.link import Link
from apps.copytrading.domain.plan import Planned
from apps.copytrading.domain.rows import Row
from apps.copytrading.domain.steps import Order
from apps.copytrading.services import sql
from apps.copytrading.services.link_json import dump_link
from apps.execution import api as execution
from apps.execution.intents import Intent, SendGuards, client_order_id
from apps.trading.orders import Leg

SOURCE = "copy"

_COPY = """
    COPY copytrading_decision
        (event_id, subscription_id, leg, master_account_id, account_id, position_key,
         client_order_id, batch_id, units, numbers, link, decided_at)
    FROM STDIN
"""


def commit_orders(
    master_account_id: int, planned: Sequence[Planned], now: datetime
) -> list[tuple[Row, Link]]:
    """Store decisions and submit their orders, in the running transaction.

    Answers the links with the order that is now in flight; storing them is the caller's.
    """
    intents: list[Intent] = []
    connections: dict[int, int] = {}
    links: list[tuple[Row, Link]] = []
    for made in planned:
        row = made.row
        intent = _intent(master_account_id, made)
        intents.append(intent)
        connections[row.account_id] = row.connection_id
        links.append((row, made.link._replace(in_flight=intent.client_order_id)))
    batches = {
        cid: batch.batch_id
        for batch in execution.submit(intents, connection_ids=connections, now=now)
        for cid in batch.client_order_ids
    }
    sql.copy_in(
        _COPY,
        (
            (
                made.order.event.id, made.row.subscription_id, made.order.leg.value,
                master_account_id, made.row.account_id, link.position_key, link.in_flight,
                batches[link.in_flight], made.order.units,
                orjson.dumps(made.order.numbers).decode(), dump_link(link), now,
            )
            for made, (_, link) in zip(planned, links, strict=True)
        ),
    )  # fmt: skip
    return links


def _intent(master_account_id: int, made: Planned) -> Intent:
    row, order, link = made
    event = order.event
    opens = order.leg is Leg.OPEN
    return Intent(
        client_order_id(event.id, row.key, order.leg.value),
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
        guards=_guards(row, order) if opens else None,
    )


def _guards(row: Row, order: Order) -> SendGuards:
    rules = row.rules
    return SendGuards(order.limit_price, rules.min_equity, rules.min_margin_level)


def close_intent(
    master_account_id: int, row: Row, link: Link, *, cause: str, trace_id: str = ""
) -> Intent:
    """Closing what a link holds for a cause of its own: a person's wish or a guard's."""
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
        units=link.held,
        position_id=link.position_id,
    )
