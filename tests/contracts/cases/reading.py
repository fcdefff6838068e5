"""What is there before anything is traded."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from apps.trading.orders import (
    CloseRequest,
)
from apps.trading.positions import MarginMode
from tests.contracts.bench import PlatformBench
from tests.contracts.desk import Desk, MakeDesk, new_id

D = Decimal


class Reading:
    """What is there before anything is traded."""

    async def test_05_instruments_are_in_exact_units(self, desk: Desk) -> None:
        expected = desk.bench.exact
        assert {name: getattr(desk.instrument, name) for name in expected} == expected
        assert desk.instrument.price_step == D(1).scaleb(-desk.instrument.digits)

    async def test_06_a_new_account_is_its_deposit_and_nothing_else(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        before = datetime.now(UTC)
        account = await bench.open_account(deposit=D("2500.75"), currency="EUR")
        desk = await make_desk(account)
        snapshot = await desk.connector.snapshot(account)
        assert snapshot.state.balance == D("2500.75")
        assert snapshot.state.currency == "EUR"
        assert snapshot.state.leverage > 0
        assert (snapshot.positions, snapshot.orders) == ((), ())
        assert before <= snapshot.as_of <= datetime.now(UTC)

    async def test_07_money_is_exact_in_a_currency_without_decimals(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        account = await bench.open_account(deposit=D(1_000_000), currency="JPY")
        desk = await make_desk(account)
        assert (await desk.connector.snapshot(account)).state.balance == D(1_000_000)
        position = await desk.opened()
        request = CloseRequest(new_id(), position.position_id, position.units)
        await desk.submit(request)
        deal = (await desk.deal_of(request.client_order_id)).deal
        assert deal.balance == (await desk.connector.snapshot(account)).state.balance

    async def test_08_margin_mode_is_told(self, bench: PlatformBench, make_desk: MakeDesk) -> None:
        for mode in (MarginMode.HEDGING, MarginMode.NETTING):
            desk = await make_desk(mode=mode)
            assert (await desk.connector.snapshot(desk.account)).state.margin_mode is mode
            assert desk.connector.capabilities(mode).margin_mode is mode
