"""Reading the past: deals, orders, cash flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import ErrorCode
from apps.openapi_wire.payloads import PayloadType
from apps.papervenue.engine.records import Refused

if TYPE_CHECKING:
    from apps.papervenue.session import Session
    from apps.papervenue.venue import Venue

MAX_ROWS = 1_000
_FAR_MS = 2_147_483_646_000


def _window(request: Any) -> tuple[int, int]:
    start = request.fromTimestamp
    end = request.toTimestamp if request.HasField("toTimestamp") else _FAR_MS
    if start < 0 or end > _FAR_MS or start > end:
        raise Refused(ErrorCode.INCORRECT_BOUNDARIES, "fromTimestamp must not be after toTimestamp")
    return start, end


def _deals(bodies: list[bytes]) -> list[Any]:
    return [messages.ProtoOADeal.FromString(body) for body in bodies]


def _orders(bodies: list[bytes]) -> list[Any]:
    return [messages.ProtoOAOrder.FromString(body) for body in bodies]


def deal_list(venue: Venue, session: Session, request: Any) -> None:
    """The oldest deals of the window come first; hasMore: ask again from the last one on."""
    account = venue.account(session, request)
    start, end = _window(request)
    most = min(request.maxRows or MAX_ROWS, MAX_ROWS)
    bodies = venue.store.rows(
        "SELECT body FROM deals WHERE account_id=? AND executed_ms BETWEEN ? AND ? "
        "ORDER BY executed_ms, deal_id LIMIT ?",
        *(account.account_id, start, end, most + 1),
    )
    venue.outbox.reply(
        messages.ProtoOADealListRes(
            ctidTraderAccountId=account.account_id,
            deal=_deals(bodies[:most]),
            hasMore=len(bodies) > most,
        )
    )


def deals_of_position(venue: Venue, session: Session, request: Any) -> None:
    account = venue.account(session, request)
    start, end = _window(request)
    bodies = venue.store.rows(
        "SELECT body FROM deals WHERE account_id=? AND position_id=? "
        "AND executed_ms BETWEEN ? AND ? ORDER BY deal_id LIMIT ?",
        *(account.account_id, request.positionId, start, end, MAX_ROWS + 1),
    )
    venue.outbox.reply(
        messages.ProtoOADealListByPositionIdRes(
            ctidTraderAccountId=account.account_id,
            deal=_deals(bodies[:MAX_ROWS]),
            hasMore=len(bodies) > MAX_ROWS,
        )
    )


def order_list(venue: Venue, session: Session, request: Any) -> None:
    """Orders last changed in the window, whatever became of them."""
    account = venue.account(session, request)
    start, end = _window(request)
    bodies = venue.store.rows(
        "SELECT body FROM orders WHERE account_id=? AND updated_ms BETWEEN ? AND ? "
        "ORDER BY updated_ms, order_id LIMIT ?",
        *(account.account_id, start, end, MAX_ROWS + 1),
    )
    venue.outbox.reply(
        messages.ProtoOAOrderListRes(
            ctidTraderAccountId=account.account_id,
            order=_orders(bodies[:MAX_ROWS]),
            hasMore=len(bodies) > MAX_ROWS,
        )
    )


def orders_of_position(venue: Venue, session: Session, request: Any) -> None:
    account = venue.account(session, request)
    start, end = _window(request)
    bodies = venue.store.rows(
        "SELECT body FROM orders WHERE account_id=? AND position_id=? "
        "AND updated_ms BETWEEN ? AND ? ORDER BY order_id LIMIT ?",
        *(account.account_id, request.positionId, start, end, MAX_ROWS + 1),
    )
    venue.outbox.reply(
        messages.ProtoOAOrderListByPositionIdRes(
            ctidTraderAccountId=account.account_id,
            order=_orders(bodies[:MAX_ROWS]),
            hasMore=len(bodies) > MAX_ROWS,
        )
    )


def order_details(venue: Venue, session: Session, request: Any) -> None:
    account = venue.account(session, request)
    key = (account.account_id, request.orderId)
    orders = venue.store.rows("SELECT body FROM orders WHERE account_id=? AND order_id=?", *key)
    if not orders:
        raise Refused(
            ErrorCode.ORDER_NOT_FOUND,
            f"the account has no order {request.orderId}",
            order_id=request.orderId,
        )
    deals = venue.store.rows(
        "SELECT body FROM deals WHERE account_id=? AND order_id=? ORDER BY deal_id", *key
    )
    venue.outbox.reply(
        messages.ProtoOAOrderDetailsRes(
            ctidTraderAccountId=account.account_id, order=_orders(orders)[0], deal=_deals(deals)
        )
    )


def cash_flows(venue: Venue, session: Session, request: Any) -> None:
    account = venue.account(session, request)
    start, end = _window(request)
    bodies = venue.store.rows(
        "SELECT body FROM cash WHERE account_id=? AND at_ms BETWEEN ? AND ? ORDER BY flow_id",
        *(account.account_id, start, end),
    )
    venue.outbox.reply(
        messages.ProtoOACashFlowHistoryListRes(
            ctidTraderAccountId=account.account_id,
            depositWithdraw=[messages.ProtoOADepositWithdraw.FromString(b) for b in bodies],
        )
    )


HANDLERS = {
    PayloadType.PROTO_OA_DEAL_LIST_REQ: deal_list,
    PayloadType.PROTO_OA_DEAL_LIST_BY_POSITION_ID_REQ: deals_of_position,
    PayloadType.PROTO_OA_ORDER_LIST_REQ: order_list,
    PayloadType.PROTO_OA_ORDER_LIST_BY_POSITION_ID_REQ: orders_of_position,
    PayloadType.PROTO_OA_ORDER_DETAILS_REQ: order_details,
    PayloadType.PROTO_OA_CASH_FLOW_HISTORY_LIST_REQ: cash_flows,
}
