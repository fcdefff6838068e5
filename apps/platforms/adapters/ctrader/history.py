"""What the platform remembers: deals and orders of a span of time, complete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType, PositionStatus
from apps.platforms.adapters.ctrader.catalogue import Catalogue
from apps.platforms.adapters.ctrader.inbound import (
    is_executed,
    own_id,
    read_deal,
    read_order,
    read_position,
)
from apps.platforms.adapters.ctrader.session import Reply
from apps.platforms.ports import Finding, PlatformError, Presence
from apps.trading.deals import Deal

Ask = Callable[..., Awaitable[Reply]]

_WEEK_MS = 7 * 86_400_000  # the longest span the platform answers
_AHEAD_MS = 60_000  # beyond now, for clocks that differ
_BACK_MS = 60_000  # before the commit, for the same
_ROWS = 1_000
_OPEN = int(PositionStatus.POSITION_STATUS_OPEN)


class History:
    """Reads an account's past through ``ask``, in as many questions as it takes."""

    def __init__(self, ask: Ask, catalogue: Catalogue) -> None:
        self._ask = ask
        self._catalogue = catalogue

    async def deals_since(self, account: str, since_ms: int, now_ms: int) -> list[Deal]:
        """Executed deals, oldest first, with our ids where their orders carry one."""
        number = int(account)
        rows = await self._deals(number, since_ms, now_ms + _AHEAD_MS)
        if not rows:
            return []
        first = min(deal.createTimestamp for deal in rows)
        orders = await self._orders(number, first - _BACK_MS, now_ms + _AHEAD_MS)
        ids = {order.orderId: own_id(order) for order in orders}
        return [read_deal(row, self._catalogue, ids.get(row.orderId, "")) for row in rows]

    async def find(self, account: str, client_order_id: str, since_ms: int, now_ms: int) -> Finding:
        """The order with our id, looked for among what is open and all since ``since_ms``.

        The position is as it was after the deals, also where the order added to another's.
        """
        number = int(account)
        standing = messages.ProtoOAReconcileReq(ctidTraderAccountId=number)
        reply = await self._ask(standing)
        start, end = since_ms - _BACK_MS, now_ms + _AHEAD_MS
        orders = await self._orders(number, start, end)
        orders += reply.message.order
        order = next((o for o in orders if _carries(o, client_order_id)), None)
        position = _tagged(reply.message.position, client_order_id)
        if order is None and position is None:
            return Finding(Presence.ABSENT)
        deals = [
            read_deal(row, self._catalogue, client_order_id)
            for row in await self._deals(number, start, end)
            if _belongs(row, order, position)
        ]
        if deals:
            reply = await self._ask(standing)
            position = _open(reply.message.position, deals[-1].position_id)
        return Finding(
            Presence.FOUND,
            read_order(order, self._catalogue) if order is not None else None,
            tuple(deals),
            read_position(position, self._catalogue) if position is not None else None,
        )

    async def _deals(self, number: int, start: int, end: int) -> list[Any]:
        def question(begin: int, stop: int) -> Any:
            return messages.ProtoOADealListReq(
                ctidTraderAccountId=number, fromTimestamp=begin, toTimestamp=stop, maxRows=_ROWS
            )

        rows = await self._span(question, "deal", start, end)
        executed = {row.dealId: row for row in rows if is_executed(row)}
        return sorted(executed.values(), key=lambda d: (d.executionTimestamp, d.dealId))

    async def _orders(self, number: int, start: int, end: int) -> list[Any]:
        def question(begin: int, stop: int) -> Any:
            return messages.ProtoOAOrderListReq(
                ctidTraderAccountId=number, fromTimestamp=begin, toTimestamp=stop
            )

        rows = await self._span(question, "order", start, end)
        return list({row.orderId: row for row in rows}.values())

    async def _span(
        self, question: Callable[[int, int], Any], rows: str, start: int, end: int
    ) -> list[Any]:
        """All rows between two moments.

        The platform cuts long answers and does not say which end it kept, so a span that
        was cut is halved. Both halves hold the middle, whichever bound the platform counts in.
        """
        spans = [
            (begin, min(begin + _WEEK_MS, end))
            for begin in reversed(range(max(start, 0), end, _WEEK_MS))
        ]
        found: list[Any] = []
        while spans:
            begin, stop = spans.pop()
            answer = (await self._ask(question(begin, stop), history=True)).message
            found += getattr(answer, rows)
            if answer.hasMore:
                middle = (begin + stop) // 2
                if stop - begin <= 1:
                    raise PlatformError(
                        "HISTORY_INCOMPLETE",
                        f"more {rows}s within {stop - begin} ms than the platform gives out",
                    )
                spans += [(middle, stop), (begin, middle)]
        return found


def _carries(order: Any, client_order_id: str) -> bool:
    """Whether it is our order: closing and protection orders have their position's label."""
    if order.orderType == OrderType.STOP_LOSS_TAKE_PROFIT:
        return False
    if order.clientOrderId:
        return bool(order.clientOrderId == client_order_id)
    return not order.closingOrder and bool(order.tradeData.label == client_order_id)


def _tagged(positions: Any, client_order_id: str) -> Any:
    """The first open position that our order opened."""
    ours = [
        p for p in positions if p.positionStatus == _OPEN and p.tradeData.label == client_order_id
    ]
    return min(ours, key=lambda p: (p.tradeData.openTimestamp, p.positionId), default=None)


def _open(positions: Any, position_id: str) -> Any:
    """An open position by its id."""
    ours = (p for p in positions if str(p.positionId) == position_id and p.positionStatus == _OPEN)
    return next(ours, None)


def _belongs(deal: Any, order: Any, position: Any) -> bool:
    """Deals of the order; of the position's opening where the order is not kept any more."""
    if order is not None:
        return bool(deal.orderId == order.orderId)
    return bool(deal.positionId == position.positionId) and not deal.HasField("closePositionDetail")
