"""Reading: assets, symbols, trader, open positions and orders, spots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import ErrorCode
from apps.openapi_wire.payloads import PayloadType
from apps.papervenue import codec
from apps.papervenue.engine.fills import protection_order
from apps.papervenue.engine.records import Refused
from apps.papervenue.engine.specs import SymbolSpec
from apps.trading.schedule import ALWAYS

if TYPE_CHECKING:
    from apps.papervenue.session import Session
    from apps.papervenue.venue import Venue


def assets(venue: Venue, session: Session, request: Any) -> None:
    venue.account(session, request)
    venue.outbox.reply(
        messages.ProtoOAAssetListRes(
            ctidTraderAccountId=request.ctidTraderAccountId,
            asset=[
                messages.ProtoOAAsset(
                    assetId=number, name=name, displayName=name, digits=venue.digits(name)
                )
                for name, number in venue.assets.items()
            ],
        )
    )


def symbols(venue: Venue, session: Session, request: Any) -> None:
    venue.account(session, request)
    venue.outbox.reply(
        messages.ProtoOASymbolsListRes(
            ctidTraderAccountId=request.ctidTraderAccountId,
            symbol=[_light(venue, spec) for spec in venue.offered()],
        )
    )


def conversion(venue: Venue, session: Session, request: Any) -> None:
    """Symbols whose prices lead from one asset to the other."""
    venue.account(session, request)
    names = {number: name for name, number in venue.assets.items()}
    first, last = names.get(request.firstAssetId), names.get(request.lastAssetId)
    if first is None or last is None:
        raise Refused(ErrorCode.INVALID_REQUEST, "one of the assets does not exist")
    venue.outbox.reply(
        messages.ProtoOASymbolsForConversionRes(
            ctidTraderAccountId=request.ctidTraderAccountId,
            symbol=[_light(venue, spec) for spec in _chain(venue, first, last)],
        )
    )


def _chain(venue: Venue, first: str, last: str) -> list[SymbolSpec]:
    pairs = {frozenset((spec.base, spec.quote)): spec for spec in venue.offered()}
    direct = pairs.get(frozenset((first, last)))
    if first == last or direct is not None:
        return [] if direct is None else [direct]
    for pivot in venue.assets:
        one, two = pairs.get(frozenset((first, pivot))), pairs.get(frozenset((pivot, last)))
        if one is not None and two is not None:
            return [one, two]
    raise Refused(ErrorCode.SYMBOL_NOT_FOUND, f"no symbols lead from {first} to {last}")


def _light(venue: Venue, spec: SymbolSpec) -> Any:
    return messages.ProtoOALightSymbol(
        symbolId=spec.symbol_id,
        symbolName=spec.name,
        enabled=True,
        baseAssetId=venue.assets[spec.base],
        quoteAssetId=venue.assets[spec.quote],
        description=spec.description,
    )


def symbol_details(venue: Venue, session: Session, request: Any) -> None:
    venue.account(session, request)
    hours = venue.engine.book.schedules
    venue.outbox.reply(
        messages.ProtoOASymbolByIdRes(
            ctidTraderAccountId=request.ctidTraderAccountId,
            symbol=[
                codec.symbol_message(venue.symbol(number), hours.get(number, ALWAYS))
                for number in request.symbolId
            ],
        )
    )


def trader(venue: Venue, session: Session, request: Any) -> None:
    found = venue.account(session, request)
    venue.outbox.reply(
        messages.ProtoOATraderRes(
            ctidTraderAccountId=found.account_id,
            trader=codec.trader_message(found, venue.assets[found.currency]),
        )
    )


def reconcile(venue: Venue, session: Session, request: Any) -> None:
    found = venue.account(session, request)
    orders = [codec.order_message(order) for order in found.orders.values()]
    if request.returnProtectionOrders:
        orders += [
            codec.order_message(protection_order(position, position.updated_ms))
            for position in found.positions.values()
            if position.protection_id
        ]
    venue.outbox.reply(
        messages.ProtoOAReconcileRes(
            ctidTraderAccountId=found.account_id,
            position=[codec.position_message(p) for p in found.positions.values()],
            order=orders,
        )
    )


def unrealised(venue: Venue, session: Session, request: Any) -> None:
    found = venue.account(session, request)
    book = venue.engine.book
    venue.outbox.reply(
        messages.ProtoOAGetPositionUnrealizedPnLRes(
            ctidTraderAccountId=found.account_id,
            positionUnrealizedPnL=[
                messages.ProtoOAPositionUnrealizedPnL(
                    positionId=position.position_id,
                    grossUnrealizedPnL=book.unrealised(position),
                    netUnrealizedPnL=book.net_unrealised(position),
                )
                for position in found.positions.values()
            ],
            moneyDigits=found.money_digits,
        )
    )


def expected_margin(venue: Venue, session: Session, request: Any) -> None:
    found = venue.account(session, request)
    spec = venue.symbol(request.symbolId)
    margins = [venue.engine.book.margin(found, spec, volume) for volume in request.volume]
    venue.outbox.reply(
        messages.ProtoOAExpectedMarginRes(
            ctidTraderAccountId=found.account_id,
            margin=[
                messages.ProtoOAExpectedMargin(volume=volume, buyMargin=margin, sellMargin=margin)
                for volume, margin in zip(request.volume, margins, strict=True)
            ],
            moneyDigits=found.money_digits,
        )
    )


def subscribe(venue: Venue, session: Session, request: Any) -> None:
    found = venue.account(session, request)
    numbers = [venue.symbol(number).symbol_id for number in request.symbolId]
    if any(found.account_id in session.spots.get(number, ()) for number in numbers):
        raise Refused(ErrorCode.ALREADY_SUBSCRIBED, "one of the symbols is subscribed already")
    venue.outbox.reply(messages.ProtoOASubscribeSpotsRes(ctidTraderAccountId=found.account_id))
    for number in numbers:
        session.spots.setdefault(number, set()).add(found.account_id)
        if request.subscribeToSpotTimestamp:
            session.stamped.add((number, found.account_id))
        venue.send_spot(session, number, found.account_id)


def unsubscribe(venue: Venue, session: Session, request: Any) -> None:
    found = venue.account(session, request)
    for number in request.symbolId:
        listeners = session.spots.get(number, set())
        if found.account_id not in listeners:
            raise Refused(ErrorCode.NOT_SUBSCRIBED_TO_SPOTS, f"symbol {number} is not subscribed")
        listeners.discard(found.account_id)
        session.stamped.discard((number, found.account_id))
    venue.outbox.reply(messages.ProtoOAUnsubscribeSpotsRes(ctidTraderAccountId=found.account_id))


HANDLERS = {
    PayloadType.PROTO_OA_ASSET_LIST_REQ: assets,
    PayloadType.PROTO_OA_SYMBOLS_LIST_REQ: symbols,
    PayloadType.PROTO_OA_SYMBOLS_FOR_CONVERSION_REQ: conversion,
    PayloadType.PROTO_OA_SYMBOL_BY_ID_REQ: symbol_details,
    PayloadType.PROTO_OA_TRADER_REQ: trader,
    PayloadType.PROTO_OA_RECONCILE_REQ: reconcile,
    PayloadType.PROTO_OA_GET_POSITION_UNREALIZED_PNL_REQ: unrealised,
    PayloadType.PROTO_OA_EXPECTED_MARGIN_REQ: expected_margin,
    PayloadType.PROTO_OA_SUBSCRIBE_SPOTS_REQ: subscribe,
    PayloadType.PROTO_OA_UNSUBSCRIBE_SPOTS_REQ: unsubscribe,
}
