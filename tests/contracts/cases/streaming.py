"""Events, and many orders at once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from apps.platforms.ports import (
    AccountUpdate,
    Answer,
    ConnectionUp,
    DealDone,
    QuoteUpdate,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import (
    CloseRequest,
    Side,
    TradeRequest,
)
from tests.contracts.bench import Fault, PlatformBench
from tests.contracts.desk import Desk, MakeDesk, new_id

D = Decimal


class Streaming:
    """Events, and many orders at once."""

    async def test_24_trades_of_others_are_seen(self, desk: Desk) -> None:
        units = desk.lot * 3
        position_id = await desk.bench.trade_elsewhere(desk.account, Side.SELL, units)
        await desk.bench.trade_elsewhere(desk.account, Side.BUY, desk.lot, close=position_id)
        await desk.bench.trade_elsewhere(desk.account, Side.BUY, desk.lot * 2, close=position_id)
        await desk.watcher.next(DealDone, 3)
        events = desk.watcher.deals(desk.account)
        assert [e.deal.client_order_id for e in events] == ["", "", ""]
        assert [e.deal.position_id for e in events] == [position_id] * 3
        left = [e.position.units if e.position else D(0) for e in events]
        assert left == [units, desk.lot * 2, D(0)]
        effects = [e.deal.effect for e in events]
        assert effects == [DealEffect.OPEN, DealEffect.CLOSE, DealEffect.CLOSE]

    async def test_25_events_come_in_the_order_in_which_they_happened(self, desk: Desk) -> None:
        requests = [desk.order(desk.lot * (1 + n % 3)) for n in range(30)]
        await asyncio.gather(*desk.connector.submit_many([(desk.account, r) for r in requests]))
        await desk.watcher.next(DealDone, 30)
        events = desk.watcher.deals(desk.account)
        assert [e.deal.client_order_id for e in events] == [r.client_order_id for r in requests]
        assert [e.deal.executed_at for e in events] == sorted(e.deal.executed_at for e in events)
        assert [e.received_at for e in events] == sorted(e.received_at for e in events)

    async def test_26_a_fill_in_parts_is_a_deal_for_each(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.PARTIAL_FILL, desk.account)
        request = desk.order(desk.lot * 4)
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        await desk.watcher.until(
            lambda: sum(e.deal.units for e in desk.watcher.deals(desk.account)) == desk.lot * 4,
            "all of the order filled",
        )
        events = desk.watcher.deals(desk.account)
        assert len(events) > 1
        assert len({e.deal.deal_id for e in events}) == len(events)
        assert {e.deal.client_order_id for e in events} == {request.client_order_id}
        last = events[-1].position
        assert last is not None
        assert last.units == desk.lot * 4

    async def test_27_a_deal_told_twice_is_the_same_deal(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DUPLICATE, desk.account)
        request = desk.order()
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        await desk.deal_of(request.client_order_id, 2)
        assert len({e.deal.deal_id for e in desk.watcher.deals(desk.account)}) == 1
        assert len(await desk.bench.books(desk.account)) == 1

    async def test_28_a_deposit_changes_the_account(self, desk: Desk) -> None:
        before = (await desk.connector.snapshot(desk.account)).state
        await desk.bench.deposit(desk.account, D("123.45"))
        update = await desk.watcher.next(AccountUpdate)
        assert update.account == desk.account
        assert update.state.balance == before.balance + D("123.45")
        assert (update.state.currency, update.state.leverage) == (
            before.currency,
            before.leverage,
        )

    async def test_29_a_deposit_before_any_snapshot_is_told_too(self, desk: Desk) -> None:
        await desk.bench.deposit(desk.account, D(500))
        update = await desk.watcher.next(AccountUpdate)
        assert update.state.balance == D(10_500)

    async def test_30_quotes_are_exact_and_outlive_a_reconnect(self, desk: Desk) -> None:
        ids = [desk.instrument.instrument_id]
        await desk.connector.subscribe_quotes(desk.account, ids)
        await desk.connector.subscribe_quotes(desk.account, ids)
        bid, ask = desk.bench.bid, desk.bench.ask
        for reconnect in (False, True):
            if reconnect:
                await desk.bench.cut()
                await desk.watcher.next(ConnectionUp)
            bid, ask = bid + desk.instrument.price_step * 7, ask + desk.instrument.price_step * 7
            await desk.bench.set_price(bid, ask)
            await desk.watcher.next(
                QuoteUpdate, where=lambda q, b=bid, a=ask: (q.bid, q.ask) == (b, a)
            )
        assert {q.instrument_id for q in desk.watcher.all(QuoteUpdate)} == set(ids)

    async def test_31_a_batch_has_a_result_for_each_item_in_order(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        desk = await make_desk()
        accounts = [desk.account] + [await bench.open_account() for _ in range(9)]
        assert await desk.connector.attach(accounts) == {}
        items: list[tuple[str, TradeRequest]] = []
        for number in range(200):
            account = accounts[number % 10]
            units = desk.lot / 2 if number % 7 == 3 else desk.lot
            items.append((account, desk.order(units)))
        items[50] = (accounts[0], CloseRequest(new_id(), "424242", desk.lot))
        items[60] = (accounts[0], desk.order(instrument_id="nothing"))
        items[70] = ("no-such-account", desk.order())
        results = await asyncio.gather(*desk.connector.submit_many(items))
        assert [r.client_order_id for r in results] == [r.client_order_id for _, r in items]
        for number, result in enumerate(results):
            bad = number % 7 == 3 or number in (50, 60, 70)
            assert (result.answer is Answer.REJECTED) is bad, (number, result)
            assert (result.answer is Answer.ACCEPTED) is not bad, (number, result)
        booked = [p.tag for account in accounts for p in await bench.books(account)]
        accepted = [r.client_order_id for r in results if r.answer is Answer.ACCEPTED]
        assert sorted(booked) == sorted(accepted)

    async def test_32_the_same_request_twice_at_once_is_written_once(self, desk: Desk) -> None:
        request = desk.order()
        items = [(desk.account, request), (desk.account, request)]
        first, second = await asyncio.gather(*desk.connector.submit_many(items))
        assert (first.answer, second.answer) == (Answer.ACCEPTED, Answer.REJECTED)
        assert len(await desk.bench.books(desk.account)) == 1
