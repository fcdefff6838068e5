"""History is complete however the platform cuts it, and ABSENT is only said of a whole one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.openapi_wire import messages
from apps.platforms.adapters.ctrader.catalogue import Catalogue
from apps.platforms.adapters.ctrader.history import History
from apps.platforms.adapters.ctrader.session import Reply
from apps.platforms.ports import PlatformError, Presence

START = 1_767_000_000_000
NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def _deal(number: int, at: int) -> Any:
    return messages.ProtoOADeal(
        dealId=number,
        orderId=number + 1_000,
        positionId=number + 2_000,
        volume=250_000,
        filledVolume=250_000,
        symbolId=1,
        createTimestamp=at,
        executionTimestamp=at,
        executionPrice=1.1,
        tradeSide=1,
        dealStatus=2,
    )


class Books:
    """Answers history queries like a server that gives out few rows at once."""

    def __init__(self, stamps: list[int], cut: int, keeps_end: bool) -> None:
        self.deals = [_deal(number, at) for number, at in enumerate(sorted(stamps), start=1)]
        self.orders: list[Any] = []
        self.positions: list[Any] = []
        self.questions = 0
        self._cut = cut
        self._keeps_end = keeps_end

    async def ask(self, message: Any, *, history: bool = False) -> Reply:
        self.questions += 1
        if isinstance(message, messages.ProtoOAReconcileReq):
            answer = messages.ProtoOAReconcileRes(ctidTraderAccountId=1, position=self.positions)
            return Reply(answer, NOW)
        assert history
        assert message.toTimestamp - message.fromTimestamp <= 7 * 86_400_000
        if isinstance(message, messages.ProtoOAOrderListReq):
            answer = messages.ProtoOAOrderListRes(
                ctidTraderAccountId=1, order=self.orders, hasMore=False
            )
            return Reply(answer, NOW)
        rows = [
            d
            for d in self.deals
            if message.fromTimestamp <= d.executionTimestamp < message.toTimestamp
        ]
        some = rows[-self._cut :] if self._keeps_end else rows[: self._cut]
        answer = messages.ProtoOADealListRes(
            ctidTraderAccountId=1, deal=some, hasMore=len(rows) > len(some)
        )
        return Reply(answer, NOW)


@settings(max_examples=60)
@given(
    offsets=st.lists(st.integers(0, 20 * 86_400_000), unique=True, max_size=60),
    cut=st.integers(3, 20),
    keeps_end=st.booleans(),
)
async def test_all_deals_are_found_oldest_first(
    offsets: list[int], cut: int, keeps_end: bool
) -> None:
    books = Books([START + offset for offset in offsets], cut, keeps_end)
    deals = await History(books.ask, Catalogue()).deals_since("1", START, START + 20 * 86_400_000)
    assert [d.deal_id for d in deals] == [str(d.dealId) for d in books.deals]


async def test_more_in_one_moment_than_is_given_out_is_an_error() -> None:
    books = Books([START + 5] * 4, 3, keeps_end=False)
    with pytest.raises(PlatformError) as error:
        await History(books.ask, Catalogue()).deals_since("1", START, START + 60_000)
    assert error.value.code == "HISTORY_INCOMPLETE"


async def test_nothing_anywhere_is_absent() -> None:
    books = Books([], 10, keeps_end=False)
    finding = await History(books.ask, Catalogue()).find("1", "c1", START, START + 1000)
    assert finding.presence is Presence.ABSENT


async def test_an_order_of_the_history_is_found_with_its_deals_alone() -> None:
    books = Books([START + 10, START + 20], 10, keeps_end=False)
    books.deals[0].orderId = 77
    trade = messages.ProtoOATradeData(symbolId=1, volume=100, tradeSide=1)
    books.orders = [
        messages.ProtoOAOrder(
            orderId=77, tradeData=trade, orderType=1, orderStatus=2, clientOrderId="c1"
        )
    ]
    finding = await History(books.ask, Catalogue()).find("1", "c1", START, START + 1000)
    assert finding.presence is Presence.FOUND
    assert finding.order is not None
    assert finding.order.platform_order_id == "77"
    assert [d.deal_id for d in finding.deals] == [str(books.deals[0].dealId)]


async def test_of_two_positions_with_our_tag_the_first_is_named() -> None:
    books = Books([], 10, keeps_end=False)
    for position_id, opened in ((9, START + 50), (8, START + 60)):
        trade = messages.ProtoOATradeData(
            symbolId=1, volume=100, tradeSide=1, label="c1", openTimestamp=opened
        )
        books.positions.append(
            messages.ProtoOAPosition(
                positionId=position_id, tradeData=trade, positionStatus=1, swap=0, price=1.1
            )
        )
    finding = await History(books.ask, Catalogue()).find("1", "c1", START, START + 1000)
    assert finding.position is not None
    assert finding.position.position_id == "9"
