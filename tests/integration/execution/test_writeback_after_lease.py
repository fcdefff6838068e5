"""What a gateway still stores when its lease is over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution.gateway.db import Database
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.tickets import Tickets, ticket_of
from apps.execution.gateway.writeback import Writeback
from apps.execution.intents import Intent, dump, rows_of
from apps.execution.models import Batch, ConnectionLease, Order, Position
from apps.trading import positions as trading
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
NOW = datetime.now(UTC)


@pytest.mark.parametrize(("epoch", "units"), [(3, D(184_000)), (4, D(95_000))])
def test_positions_are_stored_until_a_successor_holds_the_lease(epoch: int, units: Decimal) -> None:
    """Else their fills would be stored alone, and copies seem to have been reduced."""
    account = AccountFactory()
    pk = account.connection_id
    ConnectionLease.objects.create(connection_id=pk, holder="me", epoch=epoch)
    known = trading.Position("p1", "1", Side.BUY, D(95_000), D("1.1"), NOW)
    Position.objects.create(
        account_id=account.pk,
        position_id="p1",
        instrument_id="1",
        side="buy",
        units=known.units,
        price=known.price,
        opened_at=NOW,
        updated_at=NOW,
    )
    over = Lease(pk, "me", 3, deadline=0.0, send_from=0.0)

    async def work() -> None:
        database = Database()
        await database.open()
        writeback = Writeback(database, pk, Tickets(), lambda _: None, lambda *_: None, over)
        grown = trading.Position("p1", "1", Side.BUY, D(184_000), D("1.1"), NOW)
        writeback.position(account.pk, grown, None, NOW)
        await asyncio.wait_for(writeback.flush(), 5)
        await database.close()

    asyncio.run(work())
    assert Position.objects.get().units == units


@pytest.mark.parametrize(("epoch", "stored"), [(3, True), (4, False)])
def test_what_became_of_orders_is_left_to_a_successor(epoch: int, stored: bool) -> None:
    """It asks for them. A fill stored here would stand without the position that the successor
    has read; a refused close would be made anew while the successor still looks for it."""
    account = AccountFactory()
    pk = account.connection_id
    ConnectionLease.objects.create(connection_id=pk, holder="me", epoch=epoch)
    over = Lease(pk, "me", 3, deadline=0.0, send_from=0.0)
    intents = [
        Intent(cid, account.pk, "a0", leg, "copy", side=Side.BUY, units=D(1000), position_id="p1")
        for cid, leg in (("c-open", Leg.OPEN), ("c-close", Leg.CLOSE), ("c-refused", Leg.OPEN))
    ]
    batch = Batch.objects.create(
        connection_id=pk, leg="open", priority=3, size=3, claimed=3, items=dump(intents),
        created_at=NOW,
    )  # fmt: skip

    async def work() -> None:
        database, tickets = Database(), Tickets()
        await database.open()
        writeback = Writeback(database, pk, tickets, lambda _: None, lambda *_: None, over)
        for ordinal, row in enumerate(rows_of(dump(intents))):
            ticket = ticket_of(row, batch.pk, ordinal, NOW)
            tickets.add(ticket)
            state = OrderState.REJECTED if ticket.cid == "c-refused" else OrderState.FILLED
            ticket.filled = D(0) if state is OrderState.REJECTED else D(1000)
            ticket.finish(state, NOW)
            writeback.ticket(ticket)
        await asyncio.wait_for(writeback.flush(), 5)
        await database.close()

    asyncio.run(work())
    finals = set(Order.objects.exclude(final_at=None).values_list("client_order_id", flat=True))
    assert finals == ({"c-close", "c-refused", "c-open"} if stored else set())
    assert Batch.objects.get().settled is stored  # else nobody would ask for it
