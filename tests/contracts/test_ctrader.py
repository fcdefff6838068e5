"""The cTrader adapter on the paper venue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from apps.papervenue.testing import running_venue
from apps.platforms.adapters.ctrader.connector import create
from apps.platforms.limits import Limits
from apps.platforms.ports import Answer, ConnectionUp, Credentials, PositionUpdate
from apps.trading.orders import OrderRequest, Side
from tests.contracts.desk import Desk, MakeDesk, new_id
from tests.contracts.paper_bench import EURUSD, TIMING, PaperBench
from tests.contracts.platform_suite import PlatformSuite

D = Decimal


class TestCTrader(PlatformSuite):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[PaperBench]:
        bench = PaperBench(tmp_path)
        await bench.begin()
        yield bench
        await bench.close()

    async def test_a_stop_that_trails_is_told_with_its_position(
        self, bench: PaperBench, desk: Desk
    ) -> None:
        position = await desk.opened()
        stop, step = bench.bid - D("0.00100"), D("0.00300")
        await bench.trail_elsewhere(desk.account, position.position_id, stop)
        await bench.set_price(bench.bid + step, bench.ask + step)
        update = await desk.watcher.next(
            PositionUpdate, where=lambda event: event.position.stop_loss == stop + step
        )
        assert update.position.position_id == position.position_id

    async def test_an_account_that_is_refused_for_now_is_attached_later(
        self, bench: PaperBench, make_desk: MakeDesk
    ) -> None:
        desk = await make_desk()
        account = await bench.open_account()
        await bench.refuse_sign_in(account, "CH_SERVER_NOT_REACHABLE")
        refused = await desk.connector.attach([account])
        assert "CH_SERVER_NOT_REACHABLE" in refused[account]
        up = await desk.watcher.next(ConnectionUp)
        assert up.accounts == (account,)
        assert (await desk.connector.submit(account, desk.order())).answer is Answer.ACCEPTED


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_tls_session_needs_a_certificate_that_is_trusted(
    tmp_path: Path, trusted: bool
) -> None:
    async with running_venue(tmp_path, tls=True) as venue:
        account = venue.open_account()
        values = {
            "client_id": venue.client_id,
            "client_secret": venue.client_secret,
            "access_token": account.access_token,
        }
        if trusted:
            values["ca_pem"] = (tmp_path / "venue.crt").read_text()
        credentials = Credentials(venue.host, venue.port, tls=True, values=values)
        connector = create(credentials, PaperBench(tmp_path), Limits.per_second(0, 0), TIMING)
        if not trusted:
            with pytest.raises(ConnectionError, match="certificate"):
                await connector.connect()
            return
        await connector.connect()
        number = str(account.account_id)
        assert await connector.attach([number]) == {}
        request = OrderRequest(new_id(), str(EURUSD), Side.BUY, D(1_000))
        assert (await connector.submit(number, request)).answer is Answer.ACCEPTED
        await connector.close()
