"""What a gateway still stores when its lease is over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution.gateway.db import Database
from apps.execution.gateway.lease import Lease
from apps.execution.gateway.tickets import Tickets
from apps.execution.gateway.writeback import Writeback
from apps.execution.models import ConnectionLease, Position
from apps.trading import positions as trading
from apps.trading.orders import Side
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
