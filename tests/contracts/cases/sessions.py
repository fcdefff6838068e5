"""Losing the platform and coming back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.platforms.ports import (
    Answer,
    ConnectionDown,
    ConnectionUp,
    DealDone,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import (
    Side,
)
from tests.contracts.bench import DELAY_S, Fault
from tests.contracts.desk import Desk

D = Decimal


class Sessions:
    """Losing the platform and coming back."""

    async def test_41_a_broken_session_comes_back_by_itself(self, desk: Desk) -> None:
        await desk.bench.cut()
        down = await desk.watcher.next(ConnectionDown)
        up = await desk.watcher.next(ConnectionUp)
        assert down.reason
        assert up.received_at >= down.received_at
        await desk.opened()

    async def test_42_without_a_session_orders_are_rejected_unsent(self, desk: Desk) -> None:
        seen = await desk.bench.requests_seen()
        await desk.bench.stop()
        await desk.watcher.next(ConnectionDown)
        result = await desk.submit(desk.order())
        assert (result.answer, result.code) == (Answer.REJECTED, "NOT_CONNECTED")
        assert result.retryable
        await desk.bench.restart()
        await desk.watcher.next(ConnectionUp)
        assert await desk.bench.requests_seen() == seen

    async def test_43_deals_missed_in_a_gap_are_read_afterwards(self, desk: Desk) -> None:
        position = await desk.opened()
        since = desk.watcher.deals(desk.account)[-1].deal.executed_at
        await desk.bench.hold_off()
        await desk.bench.cut()
        await desk.watcher.next(ConnectionDown)
        other = await desk.bench.trade_elsewhere(desk.account, Side.SELL, desk.lot)
        await desk.bench.trade_elsewhere(
            desk.account, Side.SELL, desk.lot, close=position.position_id
        )
        await desk.bench.let_in()
        await desk.watcher.next(ConnectionUp)
        deals = await desk.connector.deals_since(desk.account, since)
        assert [(d.position_id, d.effect) for d in deals] == [
            (position.position_id, DealEffect.OPEN),
            (other, DealEffect.OPEN),
            (position.position_id, DealEffect.CLOSE),
        ]
        assert deals[0].client_order_id == position.tag
        assert [d.client_order_id for d in deals[1:]] == ["", ""]
        assert len({d.deal_id for d in deals}) == 3

    async def test_44_deals_since_reads_all_pages(self, desk: Desk) -> None:
        await desk.bench.page_history(7)
        since = datetime.now(UTC) - timedelta(seconds=1)
        told: list[str] = []
        for _ in range(6):
            requests = [desk.order() for _ in range(5)]
            items = [(desk.account, request) for request in requests]
            await asyncio.gather(*desk.connector.submit_many(items))
            await asyncio.sleep(0.003)
        await desk.watcher.next(DealDone, 30)
        told = [e.deal.deal_id for e in desk.watcher.deals(desk.account)]
        deals = await desk.connector.deals_since(desk.account, since)
        assert [d.deal_id for d in deals] == told
        assert [d.executed_at for d in deals] == sorted(d.executed_at for d in deals)

    async def test_45_a_deal_is_the_same_from_history_as_from_the_stream(self, desk: Desk) -> None:
        since = datetime.now(UTC) - timedelta(seconds=1)
        position = await desk.opened(desk.lot * 2)
        await desk.bench.trade_elsewhere(
            desk.account, Side.SELL, desk.lot, close=position.position_id
        )
        await desk.watcher.next(DealDone, 2)
        streamed = [e.deal for e in desk.watcher.deals(desk.account)]
        assert await desk.connector.deals_since(desk.account, since) == streamed

    async def test_46_what_was_acknowledged_survives_the_platforms_restart(
        self, desk: Desk
    ) -> None:
        position = await desk.opened()
        before = await desk.connector.snapshot(desk.account)
        await desk.bench.stop()
        await desk.watcher.next(ConnectionDown)
        await desk.bench.restart()
        await desk.watcher.next(ConnectionUp)
        after = await desk.connector.snapshot(desk.account)
        assert [p.position_id for p in after.positions] == [position.position_id]
        assert after.state.balance == before.state.balance

    async def test_47_a_quiet_session_is_kept_alive(self, desk: Desk) -> None:
        await asyncio.sleep(desk.bench.dead_after_s * 2)
        assert desk.watcher.all(ConnectionDown) == []
        await desk.opened()

    async def test_48_a_dead_peer_is_noticed(self, desk: Desk) -> None:
        await desk.bench.freeze()
        await desk.watcher.next(ConnectionDown)
        await desk.watcher.next(ConnectionUp)
        await desk.opened()

    async def test_49_abort_writes_nothing_more(self, desk: Desk) -> None:
        await desk.opened()
        await desk.bench.fault(Fault.DELAY, desk.account)
        (pending,) = desk.connector.submit_many([(desk.account, desk.order())])
        await asyncio.sleep(DELAY_S / 4)
        sent = await desk.bench.bytes_sent()
        desk.connector.abort()
        (late,) = desk.connector.submit_many([(desk.account, desk.order())])
        assert (await pending).answer is Answer.UNKNOWN
        assert ((await late).answer, (await late).code) == (Answer.REJECTED, "NOT_CONNECTED")
        await desk.watcher.until(lambda: desk.watcher.ended, "the events end")
        await asyncio.sleep(0.2)
        assert await desk.bench.bytes_sent() == sent

    async def test_50_close_ends_the_events(self, desk: Desk) -> None:
        await desk.connector.close()
        await desk.watcher.until(lambda: desk.watcher.ended, "the events end")
        assert desk.watcher.all(ConnectionDown) == []
        with pytest.raises(ConnectionError):
            await desk.connector.snapshot(desk.account)
