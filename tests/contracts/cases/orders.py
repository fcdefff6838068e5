"""Stops, pending orders, and what becomes of an accepted order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.platforms.ports import (
    Answer,
    DealDone,
    OrderUpdate,
    PositionUpdate,
    StopsOnOpen,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import (
    CancelRequest,
    OrderState,
    OrderType,
    ProtectRequest,
)
from apps.trading.positions import MarginMode
from tests.contracts.bench import Fault
from tests.contracts.desk import Desk, new_id

D = Decimal


class Orders:
    """Stops, pending orders, and what becomes of an accepted order."""

    async def test_20_stops_are_set_changed_and_removed(self, desk: Desk) -> None:
        if not desk.connector.capabilities(MarginMode.HEDGING).protects_positions:
            pytest.skip("the platform does not protect positions")
        position = await desk.opened()
        far = desk.instrument.price_step * 1000
        low, high = desk.bench.bid - far, desk.bench.ask + far
        steps = [(low, None), (low, high), (low - far, high), (None, high), (None, None)]
        for number, (stop, target) in enumerate(steps, start=1):
            request = ProtectRequest(new_id(), position.position_id, stop, target)
            assert (await desk.submit(request)).answer is Answer.ACCEPTED
            update = await desk.watcher.next(PositionUpdate, number)
            assert update.position.position_id == position.position_id
            assert (update.position.stop_loss, update.position.take_profit) == (stop, target)
            assert update.position.units == position.units
            assert abs(update.changed_at - update.received_at) < timedelta(minutes=1)
        (left,) = (await desk.connector.snapshot(desk.account)).positions
        assert (left.stop_loss, left.take_profit) == (None, None)

    async def test_21_a_stop_on_the_wrong_side_is_rejected(self, desk: Desk) -> None:
        position = await desk.opened()
        wrong = desk.bench.ask + desk.instrument.price_step * 1000
        result = await desk.submit(ProtectRequest(new_id(), position.position_id, wrong, None))
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)

    async def test_22_stops_given_with_a_market_order_are_on_its_position(self, desk: Desk) -> None:
        stops = desk.connector.capabilities(MarginMode.HEDGING).stops_on_open
        if stops is StopsOnOpen.NONE:
            pytest.skip("the platform takes no stops with an order")
        far = desk.instrument.price_step * 500
        request = desk.order(
            stop_loss=desk.bench.ask - far,
            take_profit=desk.bench.ask + far,
            base_price=desk.bench.ask,
        )
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        await desk.deal_of(request.client_order_id)
        (position,) = (await desk.connector.snapshot(desk.account)).positions
        assert (position.stop_loss, position.take_profit) == (
            desk.bench.ask - far,
            desk.bench.ask + far,
        )

    async def test_23_a_stop_that_is_hit_is_a_deal_of_nobodys_order(self, desk: Desk) -> None:
        position = await desk.opened()
        far = desk.instrument.price_step * 200
        stop = desk.bench.bid - far
        await desk.submit(ProtectRequest(new_id(), position.position_id, stop, None))
        await desk.bench.set_price(stop - far, stop - far / 2)
        done = await desk.watcher.next(DealDone, where=lambda e: e.deal.effect is DealEffect.CLOSE)
        assert done.position is None
        assert done.deal.client_order_id == ""
        assert done.deal.position_id == position.position_id
        assert done.deal.profit < 0

    async def test_57_a_pending_order_rests_and_is_cancelled(self, desk: Desk) -> None:
        pending = desk.connector.capabilities(MarginMode.HEDGING).pending_types
        if OrderType.LIMIT not in pending:
            pytest.skip("the platform has no limit orders")
        price = desk.bench.bid - desk.instrument.price_step * 1000
        request = desk.order(type=OrderType.LIMIT, price=price)
        placed = await desk.submit(request)
        assert placed.answer is Answer.ACCEPTED
        update = await desk.watcher.next(OrderUpdate)
        assert (update.order.client_order_id, update.order.price) == (
            request.client_order_id,
            price,
        )
        assert update.order.state is OrderState.ACCEPTED
        (resting,) = (await desk.connector.snapshot(desk.account)).orders
        assert resting.platform_order_id == placed.platform_order_id
        cancel = CancelRequest(new_id(), placed.platform_order_id)
        assert (await desk.submit(cancel)).answer is Answer.ACCEPTED
        gone = await desk.watcher.next(OrderUpdate, 2)
        assert gone.order.state is OrderState.CANCELLED
        again = await desk.submit(CancelRequest(new_id(), placed.platform_order_id))
        assert (again.answer, again.retryable) == (Answer.REJECTED, False)

    async def test_58_a_pending_order_that_is_reached_becomes_a_deal_of_ours(
        self, desk: Desk
    ) -> None:
        pending = desk.connector.capabilities(MarginMode.HEDGING).pending_types
        if OrderType.LIMIT not in pending:
            pytest.skip("the platform has no limit orders")
        far = desk.instrument.price_step * 300
        request = desk.order(type=OrderType.LIMIT, price=desk.bench.bid - far)
        await desk.submit(request)
        await desk.bench.set_price(desk.bench.bid - far * 2, desk.bench.ask - far * 2)
        done = await desk.deal_of(request.client_order_id)
        assert done.position is not None
        assert done.position.tag == request.client_order_id

    async def test_59_a_market_range_order_out_of_reach_ends_without_a_position(
        self, desk: Desk
    ) -> None:
        step = desk.instrument.price_step
        request = desk.order(
            type=OrderType.MARKET_RANGE,
            base_price=desk.bench.ask - step * 100,
            max_slippage=step * 10,
        )
        result = await desk.submit(request)
        if result.answer is Answer.ACCEPTED:
            update = await desk.watcher.next(OrderUpdate)
            assert update.order.client_order_id == request.client_order_id
            assert update.order.state in (OrderState.CANCELLED, OrderState.REJECTED)
        assert await desk.bench.books(desk.account) == []

    async def test_60_an_accepted_order_may_be_rejected_afterwards(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.REJECT_LATER, desk.account)
        request = desk.order()
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        update = await desk.watcher.next(OrderUpdate)
        assert update.order.client_order_id == request.client_order_id
        assert update.order.state is OrderState.REJECTED
        assert update.code
        assert await desk.bench.books(desk.account) == []

    async def test_61_the_rest_of_an_order_may_be_cancelled(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.PARTIAL_THEN_CANCEL, desk.account)
        request = desk.order(desk.lot * 4)
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        deal = (await desk.deal_of(request.client_order_id)).deal
        assert desk.lot <= deal.units < desk.lot * 4
        update = await desk.watcher.next(OrderUpdate)
        assert update.order.client_order_id == request.client_order_id
        assert update.order.state is OrderState.CANCELLED
        assert (update.order.units, update.order.filled_units) == (desk.lot * 4, deal.units)
        (booked,) = await desk.bench.books(desk.account)
        assert booked.units == deal.units

    async def test_62_an_answer_that_is_overtaken_by_its_fill_accepts_all_the_same(
        self, desk: Desk
    ) -> None:
        await desk.bench.fault(Fault.REORDER, desk.account)
        request = desk.order()
        result = await desk.submit(request)
        done = await desk.deal_of(request.client_order_id)
        assert result.answer is Answer.ACCEPTED
        assert result.platform_order_id == done.deal.platform_order_id
        assert desk.watcher.all(OrderUpdate) == []
