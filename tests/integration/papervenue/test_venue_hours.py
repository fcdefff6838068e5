"""Trading hours of the venue as its clients hear of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.papervenue.testing import TestVenue, running_venue
from apps.platforms.limits import Limits
from apps.platforms.ports import Answer, Connector, Credentials, InstrumentsChanged
from apps.platforms.registry import create_connector
from apps.trading.orders import CloseRequest, OrderRequest, Side
from apps.trading.schedule import ALWAYS, Schedule, make_schedule

D = Decimal


class NoStore:
    async def save(self, values: dict[str, str]) -> None: ...


def closed_now() -> dict[str, Any]:
    today = datetime.now(UTC).date()
    return {"holidays": [{"date": str(today + timedelta(days=n))} for n in (-1, 0, 1)]}


async def connected(venue: TestVenue) -> tuple[Connector, str]:
    account = venue.open_account(currency="USD", deposit="10000")
    values = {
        "client_id": venue.client_id,
        "client_secret": venue.client_secret,
        "access_token": account.access_token,
    }
    credentials = Credentials(venue.host, venue.port, False, values)
    connector = create_connector("paper", credentials, NoStore(), Limits.per_second(0, 0))
    await connector.connect()
    await connector.attach([str(account.account_id)])
    return connector, str(account.account_id)


async def schedule_of(connector: Connector, account: str) -> Schedule:
    (found,) = [i for i in await connector.instruments(account) if i.name == "EURUSD"]
    return found.schedule


async def changed(connector: Connector) -> None:
    async for group in connector.events():
        if any(isinstance(event, InstrumentsChanged) for event in group):
            return


def test_hours_are_read_followed_and_kept() -> None:
    async def work() -> None:
        hours = {"EURUSD": make_schedule([(0, 86_400), (172_800, 259_200)], [], "Europe/Athens")}
        async with running_venue(hours=hours) as venue:
            connector, account = await connected(venue)
            assert await schedule_of(connector, account) == hours["EURUSD"]
            venue.ask("set_schedule", symbol="EURUSD")
            await asyncio.wait_for(changed(connector), 5)
            assert await schedule_of(connector, account) == ALWAYS
            opened = await connector.submit(account, OrderRequest("c1", "1", Side.BUY, D(1000)))
            assert opened.answer is Answer.ACCEPTED
            (position,) = (await connector.snapshot(account)).positions
            venue.ask("set_schedule", symbol="EURUSD", schedule=closed_now())
            venue.set_price("EURUSD", "1.20000", "1.20010")
            assert venue.ask("prices")["prices"]["EURUSD"] == ["1.10000", "1.10010"]
            close = CloseRequest("c2", position.position_id, D(1000))
            refused = await connector.submit(account, close)
            assert (refused.answer, refused.code) == (Answer.REJECTED, "MARKET_CLOSED")
            again = await connector.submit(account, OrderRequest("c3", "1", Side.BUY, D(1000)))
            assert (again.answer, again.code) == (Answer.REJECTED, "MARKET_CLOSED")
            venue.ask("set_schedule", symbol="EURUSD")
            assert (await connector.submit(account, close)).answer is Answer.ACCEPTED
            connector.abort()

    asyncio.run(work())


@pytest.mark.parametrize(
    "wrong", [{"hours": [[9, 1]]}, {"zone": "Nowhere"}, {"holidays": [{}]}, "always"]
)
def test_hours_that_make_no_sense_are_refused(wrong: object) -> None:
    async def work() -> None:
        async with running_venue() as venue:
            with pytest.raises(RuntimeError):
                venue.ask("set_schedule", symbol="EURUSD", schedule=wrong)

    asyncio.run(work())
