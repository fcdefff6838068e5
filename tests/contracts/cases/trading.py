"""Opening, adding, closing, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.platforms.ports import (
    Answer,
    DealDone,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import (
    CloseRequest,
    Side,
)
from apps.trading.positions import MarginMode
from tests.contracts.desk import Desk, MakeDesk, new_id

D = Decimal


class Trading:
    """Opening, adding, closing, and what is refused."""

    async def test_09_hedging_opens_a_position_for_each_order(self, desk: Desk) -> None:
        requests = [desk.order(), desk.order(side=Side.SELL), desk.order(desk.lot * 2)]
        for request in requests:
            result = await desk.submit(request)
            assert result.answer is Answer.ACCEPTED
            assert result.client_order_id == request.client_order_id
            assert result.platform_order_id
            assert result.answered_at is not None
            done = await desk.deal_of(request.client_order_id)
            assert done.account == desk.account
            assert done.deal.platform_order_id == result.platform_order_id
            assert (done.deal.side, done.deal.units) == (request.side, request.units)
            assert done.deal.effect is DealEffect.OPEN
            assert done.position is not None
            assert done.position.tag == request.client_order_id
            assert (done.position.side, done.position.units) == (request.side, request.units)
        positions = (await desk.connector.snapshot(desk.account)).positions
        assert sorted(p.tag for p in positions) == sorted(r.client_order_id for r in requests)

    async def test_10_a_buy_is_filled_at_the_ask_and_a_sell_at_the_bid(self, desk: Desk) -> None:
        buy, sell = await desk.opened(), await desk.opened(side=Side.SELL)
        assert (buy.price, sell.price) == (desk.bench.ask, desk.bench.bid)

    async def test_11_netting_keeps_one_position(self, make_desk: MakeDesk) -> None:
        desk = await make_desk(mode=MarginMode.NETTING)
        first = await desk.opened(desk.lot * 3)
        more = await desk.opened(desk.lot * 2)
        assert (more.position_id, more.units) == (first.position_id, desk.lot * 5)
        less = await desk.opened(desk.lot, side=Side.SELL)
        assert (less.side, less.units) == (Side.BUY, desk.lot * 4)
        closing = desk.watcher.deals(desk.account)[-1].deal
        assert closing.effect is DealEffect.CLOSE
        assert closing.balance is not None

    async def test_12_netting_goes_through_to_the_other_side(self, make_desk: MakeDesk) -> None:
        desk = await make_desk(mode=MarginMode.NETTING)
        await desk.opened(desk.lot)
        request = desk.order(desk.lot * 3, side=Side.SELL)
        await desk.submit(request)
        await desk.watcher.next(
            DealDone,
            where=lambda e: e.position is not None and e.position.side is Side.SELL,
        )
        deals = [
            e.deal
            for e in desk.watcher.deals(desk.account)
            if e.deal.client_order_id == request.client_order_id
        ]
        assert sum(deal.units for deal in deals) == desk.lot * 3
        assert deals[0].effect in (DealEffect.CLOSE, DealEffect.REVERSE)
        (position,) = (await desk.connector.snapshot(desk.account)).positions
        assert (position.side, position.units) == (Side.SELL, desk.lot * 2)

    async def test_13_an_order_can_add_to_a_position(self, desk: Desk) -> None:
        if not desk.connector.capabilities(MarginMode.HEDGING).adds_to_position:
            pytest.skip("the platform does not add to a position")
        position = await desk.opened()
        more = await desk.opened(desk.lot * 2, position_id=position.position_id)
        assert (more.position_id, more.units) == (position.position_id, desk.lot * 3)

    async def test_14_a_partial_close_leaves_the_rest(self, desk: Desk) -> None:
        position = await desk.opened(desk.lot * 3)
        request = CloseRequest(new_id(), position.position_id, desk.lot)
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        done = await desk.deal_of(request.client_order_id)
        assert done.deal.effect is DealEffect.CLOSE
        assert (done.deal.side, done.deal.units) == (Side.SELL, desk.lot)
        assert done.position is not None
        assert done.position.position_id == position.position_id
        assert done.position.units == desk.lot * 2

    async def test_15_a_full_close_books_the_result(self, desk: Desk) -> None:
        position = await desk.opened(desk.lot * 2)
        gain = desk.instrument.price_step * 100
        await desk.bench.set_price(desk.bench.ask + gain, desk.bench.ask + gain * 2)
        request = CloseRequest(new_id(), position.position_id, position.units)
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        done = await desk.deal_of(request.client_order_id)
        assert done.position is None
        assert done.deal.profit == gain * position.units
        snapshot = await desk.connector.snapshot(desk.account)
        assert snapshot.positions == ()
        assert done.deal.balance == snapshot.state.balance

    async def test_16_a_position_that_is_gone_cannot_be_closed(self, desk: Desk) -> None:
        position = await desk.opened()
        await desk.submit(CloseRequest(new_id(), position.position_id, position.units))
        again = await desk.submit(CloseRequest(new_id(), position.position_id, position.units))
        assert again.answer is Answer.REJECTED
        assert again.code
        assert not again.retryable

    @pytest.mark.parametrize("what", ["off the step", "too small", "too big", "too fine", "zero"])
    async def test_17_a_volume_that_cannot_be_traded_is_rejected(
        self, desk: Desk, what: str
    ) -> None:
        traded = desk.instrument
        units = {
            "off the step": traded.min_units + traded.step_units / 2,
            "too small": traded.min_units / 2,
            "too big": traded.max_units + traded.step_units,
            "too fine": traded.min_units + D("0.00000001"),
            "zero": D(0),
        }[what]
        result = await desk.submit(desk.order(units))
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)
        assert result.code
        assert await desk.bench.books(desk.account) == []

    async def test_18_more_than_the_money_allows_is_rejected(self, desk: Desk) -> None:
        result = await desk.submit(desk.order(desk.instrument.max_units))
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)
        assert await desk.bench.books(desk.account) == []

    async def test_19_an_unknown_instrument_is_rejected(self, desk: Desk) -> None:
        for instrument_id in ("999999", "no-such-symbol"):
            result = await desk.submit(desk.order(instrument_id=instrument_id))
            assert (result.answer, result.retryable) == (Answer.REJECTED, False)
