"""Orders whose fate has to be asked for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.platforms.ports import (
    Answer,
    ConnectionDown,
    ConnectionUp,
    Presence,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import (
    CloseRequest,
    Leg,
    OrderState,
)
from tests.contracts.bench import DELAY_S, Fault
from tests.contracts.desk import Desk, new_id

D = Decimal


class Unknown:
    """Orders whose fate has to be asked for."""

    async def test_33_accepted_but_not_answered_is_unknown_then_found(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.SILENCE, desk.account)
        request, since = desk.order(), datetime.now(UTC)
        (future,) = desk.connector.submit_many([(desk.account, request)], timeout=0.3)
        assert (await future).answer is Answer.UNKNOWN
        finding = await desk.found(request.client_order_id, since)
        assert finding.presence is Presence.FOUND
        assert finding.order is not None
        assert finding.order.state is OrderState.FILLED
        assert [d.units for d in finding.deals] == [desk.lot]
        assert finding.position is not None
        assert finding.position.tag == request.client_order_id

    async def test_34_dropped_is_unknown_then_absent(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DROP, desk.account)
        request, since = desk.order(), datetime.now(UTC)
        (future,) = desk.connector.submit_many([(desk.account, request)], timeout=0.3)
        assert (await future).answer is Answer.UNKNOWN
        finding = await desk.found(request.client_order_id, since)
        assert finding.presence is Presence.ABSENT
        assert await desk.bench.books(desk.account) == []

    async def test_35_what_is_under_way_is_not_called_absent(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DELAY, desk.account)
        request, since = desk.order(), datetime.now(UTC)
        (future,) = desk.connector.submit_many([(desk.account, request)])
        finding = await desk.found(request.client_order_id, since)
        assert finding.presence is not Presence.ABSENT
        assert (await future).answer is Answer.ACCEPTED

    async def test_36_a_late_answer_counts_until_the_deadline(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DELAY, desk.account, count=2)
        patient, hasty = desk.order(), desk.order()
        (first,) = desk.connector.submit_many([(desk.account, patient)])
        (second,) = desk.connector.submit_many([(desk.account, hasty)], timeout=DELAY_S / 4)
        assert (await first).answer is Answer.ACCEPTED
        assert (await second).answer is Answer.UNKNOWN
        assert (await desk.deal_of(hasty.client_order_id)).deal.units == desk.lot

    async def test_37_a_break_in_the_middle_of_a_batch_loses_no_order(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DISCONNECT, desk.account, after=10)
        since = datetime.now(UTC)
        requests = [desk.order() for _ in range(40)]
        results = await asyncio.gather(
            *desk.connector.submit_many([(desk.account, r) for r in requests])
        )
        assert {r.answer for r in results} <= {Answer.ACCEPTED, Answer.UNKNOWN}
        unknown = [r.client_order_id for r in results if r.answer is Answer.UNKNOWN]
        assert unknown
        await desk.watcher.next(ConnectionUp)
        booked = {p.tag for p in await desk.bench.books(desk.account)}
        for client_order_id in unknown:
            finding = await desk.found(client_order_id, since)
            expected = Presence.FOUND if client_order_id in booked else Presence.ABSENT
            assert finding.presence is expected
        accepted = {r.client_order_id for r in results if r.answer is Answer.ACCEPTED}
        assert accepted <= booked

    async def test_38_an_old_position_is_found_by_its_tag(self, desk: Desk) -> None:
        position = await desk.opened()
        finding = await desk.found(position.tag, datetime.now(UTC) + timedelta(days=1))
        assert finding.presence is Presence.FOUND
        assert finding.position is not None
        assert finding.position.position_id == position.position_id

    async def test_39_a_closed_trade_is_found_in_the_history(self, desk: Desk) -> None:
        since = datetime.now(UTC)
        position = await desk.opened()
        await desk.submit(CloseRequest(new_id(), position.position_id, position.units))
        finding = await desk.found(position.tag, since)
        assert finding.presence is Presence.FOUND
        assert finding.position is None
        assert [d.effect for d in finding.deals] == [DealEffect.OPEN]

    async def test_79_a_close_is_never_taken_for_another_order(self, desk: Desk) -> None:
        """Found where the platform keeps its id; where it cannot, ABSENT, and the deals tell."""
        since = datetime.now(UTC)
        position = await desk.opened()
        close = CloseRequest(new_id(), position.position_id, position.units)
        await desk.submit(close)
        finding = await desk.connector.find_by_client_id(
            desk.account, close.client_order_id, since, Leg.CLOSE
        )
        assert finding.presence in {Presence.ABSENT, Presence.FOUND}
        if finding.presence is Presence.FOUND:
            assert [d.effect for d in finding.deals] == [DealEffect.CLOSE]

    async def test_40_without_a_session_nothing_is_known(self, desk: Desk) -> None:
        await desk.bench.stop()
        await desk.watcher.next(ConnectionDown)
        finding = await desk.found(new_id(), datetime.now(UTC))
        assert finding.presence is Presence.UNKNOWN
