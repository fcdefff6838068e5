"""Pending orders: placed, amended, cancelled, expired, filled, and found again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.platforms.ports import Answer, ConnectionUp, OrderUpdate, Presence
from apps.trading.orders import (
    AmendRequest,
    CancelRequest,
    OrderRequest,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)
from apps.trading.positions import MarginMode
from tests.contracts.bench import Fault
from tests.contracts.desk import Desk, new_id

D = Decimal


def pending(desk: Desk, kind: OrderType, side: Side = Side.BUY, **more: object) -> OrderRequest:
    """An order of a type, its prices 1,000 steps where it has to wait; skips where unknown."""
    if kind not in desk.connector.capabilities(MarginMode.HEDGING).pending_types:
        pytest.skip(f"the platform has no {kind} orders")
    far, step = desk.instrument.price_step * 1000, desk.instrument.price_step
    worse = desk.bench.ask + far if side is Side.BUY else desk.bench.bid - far
    better = desk.bench.bid - far if side is Side.BUY else desk.bench.ask + far
    prices: dict[str, object] = {
        OrderType.LIMIT: {"price": better},
        OrderType.STOP: {"stop_price": worse},
        OrderType.STOP_LIMIT: {"stop_price": worse, "price": worse + step * 20 * side.sign},
    }[kind]
    return desk.order(desk.lot * 4, side, type=kind, **prices | more)


async def placed(desk: Desk, request: OrderRequest) -> str:
    """Place it; the platform's id."""
    result = await desk.submit(request)
    assert result.answer is Answer.ACCEPTED, result
    return result.platform_order_id


class Pending:
    """Pending orders: placed, amended, cancelled, expired, filled, and found again."""

    @pytest.mark.parametrize("side", list(Side))
    @pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT])
    async def test_70_every_type_rests_with_its_terms(
        self, desk: Desk, kind: OrderType, side: Side
    ) -> None:
        far = desk.instrument.price_step * 5000 * side.sign
        expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        request = pending(
            desk,
            kind,
            side,
            stop_loss=desk.bench.bid - far,
            take_profit=desk.bench.bid + far,
            time_in_force=TimeInForce.GTD,
            expires_at=expiry,
        )
        order_id = await placed(desk, request)
        update = await desk.watcher.next(OrderUpdate)
        (resting,) = (await desk.connector.snapshot(desk.account)).orders
        for order in (update.order, resting):
            assert (order.platform_order_id, order.client_order_id) == (
                order_id,
                request.client_order_id,
            )
            assert (order.type, order.side, order.units) == (kind, side, request.units)
            assert (order.price, order.stop_price) == (request.price, request.stop_price)
            assert (order.stop_loss, order.take_profit) == (
                request.stop_loss,
                request.take_profit,
            )
            assert (order.expires_at, order.state) == (expiry, OrderState.ACCEPTED)

    @pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT])
    async def test_71_an_amendment_gives_all_terms_anew(self, desk: Desk, kind: OrderType) -> None:
        low = desk.instrument.price_step * 3000
        request = pending(desk, kind, stop_loss=desk.bench.bid - low)
        order_id = await placed(desk, request)
        move = desk.instrument.price_step * 10
        expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
        amendment = AmendRequest(
            new_id(),
            order_id,
            request.instrument_id,
            request.units * 2,
            request.price + move * 2 if request.price is not None else None,
            request.stop_price + move if request.stop_price is not None else None,
            None,
            desk.bench.ask + low,
            expiry,
        )
        result = await desk.submit(amendment)
        assert (result.answer, result.client_order_id) == (
            Answer.ACCEPTED,
            amendment.client_order_id,
        )
        update = await desk.watcher.next(OrderUpdate, 2)
        (resting,) = (await desk.connector.snapshot(desk.account)).orders
        for order in (update.order, resting):
            assert (order.platform_order_id, order.client_order_id) == (
                order_id,
                request.client_order_id,
            )
            assert (order.type, order.units) == (kind, amendment.units)
            assert (order.price, order.stop_price) == (amendment.price, amendment.stop_price)
            assert (order.stop_loss, order.take_profit) == (None, amendment.take_profit)
            assert order.expires_at == expiry

    async def test_72_an_order_that_expires_is_told_as_expired(self, desk: Desk) -> None:
        expiry = datetime.now(UTC) + timedelta(seconds=1.2)
        request = pending(desk, OrderType.LIMIT, time_in_force=TimeInForce.GTD, expires_at=expiry)
        order_id = await placed(desk, request)
        over = await desk.watcher.next(OrderUpdate, 2)
        assert (over.order.platform_order_id, over.order.state) == (order_id, OrderState.EXPIRED)
        assert over.order.client_order_id == request.client_order_id
        assert (await desk.connector.snapshot(desk.account)).orders == ()

    async def test_73_an_order_filled_in_parts_is_a_deal_for_each(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.PARTIAL_FILL, desk.account)
        request = pending(desk, OrderType.LIMIT)
        assert request.price is not None
        order_id = await placed(desk, request)
        step = desk.instrument.price_step
        await desk.bench.set_price(request.price - step * 20, request.price - step * 10)
        first = (await desk.deal_of(request.client_order_id)).deal
        assert (first.platform_order_id, first.units) == (order_id, request.units / 2)
        (resting,) = (await desk.connector.snapshot(desk.account)).orders
        assert (resting.state, resting.filled_units) == (
            OrderState.PARTIALLY_FILLED,
            first.units,
        )
        await desk.bench.set_price(request.price - step * 30, request.price - step * 20)
        second = await desk.deal_of(request.client_order_id, 2)
        assert second.deal.platform_order_id == order_id
        assert second.position is not None
        assert second.position.units == request.units
        assert (await desk.connector.snapshot(desk.account)).orders == ()

    async def test_78_what_a_part_leaves_may_be_cancelled(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.PARTIAL_THEN_CANCEL, desk.account)
        request = pending(desk, OrderType.LIMIT)
        assert request.price is not None
        order_id = await placed(desk, request)
        step = desk.instrument.price_step
        await desk.bench.set_price(request.price - step * 20, request.price - step * 10)
        deal = (await desk.deal_of(request.client_order_id)).deal
        update = await desk.watcher.next(OrderUpdate, 2)
        assert (update.order.platform_order_id, update.order.state) == (
            order_id,
            OrderState.CANCELLED,
        )
        assert (update.order.filled_units, deal.units) == (request.units / 2,) * 2

    @pytest.mark.parametrize("what", ["amend", "cancel"])
    async def test_74_what_is_filled_can_be_neither_amended_nor_cancelled(
        self, desk: Desk, what: str
    ) -> None:
        request = pending(desk, OrderType.LIMIT)
        assert request.price is not None
        order_id = await placed(desk, request)
        step = desk.instrument.price_step
        await desk.bench.set_price(request.price - step * 20, request.price - step * 10)
        await desk.deal_of(request.client_order_id)
        cancel = CancelRequest(new_id(), order_id)
        amendment = AmendRequest(
            new_id(),
            order_id,
            request.instrument_id,
            request.units,
            request.price - step * 1000,
            *(None, None, None, None),
        )
        result = await desk.submit(cancel if what == "cancel" else amendment)
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)
        assert result.code

    async def test_75_an_amendment_on_the_wrong_side_leaves_the_order_as_it_is(
        self, desk: Desk
    ) -> None:
        request = pending(desk, OrderType.STOP)
        order_id = await placed(desk, request)
        wrong = desk.bench.bid - desk.instrument.price_step * 1000
        amendment = AmendRequest(
            *(new_id(), order_id, request.instrument_id, request.units),
            *(None, wrong, None, None, None),
        )
        result = await desk.submit(amendment)
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)
        (resting,) = (await desk.connector.snapshot(desk.account)).orders
        assert resting.stop_price == request.stop_price

    async def test_76_a_placement_without_an_answer_is_found_resting(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.SILENCE, desk.account)
        request, since = pending(desk, OrderType.LIMIT), datetime.now(UTC)
        (future,) = desk.connector.submit_many([(desk.account, request)], timeout=0.3)
        assert (await future).answer is Answer.UNKNOWN
        finding = await desk.found(request.client_order_id, since)
        assert finding.presence is Presence.FOUND
        assert finding.order is not None
        assert (finding.order.state, finding.deals) == (OrderState.ACCEPTED, ())

    async def test_77_what_became_of_an_order_meanwhile_is_found(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.PARTIAL_FILL, desk.account)
        request, since = pending(desk, OrderType.LIMIT), datetime.now(UTC)
        assert request.price is not None
        order_id = await placed(desk, request)
        step = desk.instrument.price_step
        await desk.bench.hold_off()
        await desk.bench.cut()
        await desk.bench.set_price(request.price - step * 20, request.price - step * 10)
        await desk.bench.set_price(request.price + step * 1000, request.price + step * 1010)
        await desk.bench.let_in()
        await desk.watcher.next(ConnectionUp)
        (resting,) = (await desk.connector.snapshot(desk.account)).orders
        assert (resting.platform_order_id, resting.filled_units) == (order_id, request.units / 2)
        assert (await desk.submit(CancelRequest(new_id(), order_id))).answer is Answer.ACCEPTED
        finding = await desk.found(request.client_order_id, since)
        assert finding.order is not None
        assert (finding.order.state, finding.order.filled_units) == (
            OrderState.CANCELLED,
            request.units / 2,
        )
        assert [deal.units for deal in finding.deals] == [request.units / 2]
        (deal,) = await desk.connector.deals_since(desk.account, since - timedelta(minutes=1))
        assert (deal.platform_order_id, deal.client_order_id) == (
            order_id,
            request.client_order_id,
        )
