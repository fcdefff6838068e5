"""Journaled events of an account in the words of copying."""

from __future__ import annotations

from apps.copytrading.domain.events import (
    EventKind,
    MasterEvent,
    OrderTerms,
    classify,
    happened_at,
    link_key,
)
from apps.execution.journal import DealPayload, OrderPayload, Payload, PositionPayload
from apps.execution.selectors import JournaledEvent
from apps.trading.orders import OrderState
from apps.trading.quantity import ZERO


def master_event(journaled: JournaledEvent, clock_offset_ms: int) -> MasterEvent:
    """What the master did; ``clock_offset_ms`` is the platform's clock minus ours."""
    payload = journaled.payload
    if isinstance(payload, OrderPayload):
        return _order_event(journaled, payload, clock_offset_ms)
    if isinstance(payload, DealPayload):
        kind, before = classify(payload.effect, payload.units, payload.position_units)
        after = payload.position_units
        price = payload.price
        traded = payload.side if kind in _WITH_THE_DEAL else payload.side.opposite
        side = payload.position_side or traded
        if kind in (EventKind.CLOSED, EventKind.REDUCED):
            side = traded
    elif isinstance(payload, PositionPayload):
        kind, before, after = EventKind.EXISTING, ZERO, payload.units
        price, side = payload.price, payload.side
    else:
        kind, before, after = EventKind.PROTECTION, payload.units, payload.units
        price, side = None, payload.side
    return MasterEvent(
        id=journaled.id,
        kind=kind,
        position_key=payload.position_id,
        instrument_id=payload.instrument_id,
        symbol=payload.symbol,
        side=side,
        units_before=before,
        units_after=after if after > 0 else ZERO,
        price=price,
        stop_loss=payload.stop_loss,
        take_profit=payload.take_profit,
        ts_event=journaled.ts_event,
        received_at=journaled.received_at,
        happened_at=happened_at(journaled.ts_event, journaled.received_at, clock_offset_ms),
        trace_id=journaled.trace_id,
        only=_only(payload),
        order_key=payload.platform_order_id if isinstance(payload, DealPayload) else "",
    )


def _order_event(
    journaled: JournaledEvent, payload: OrderPayload, clock_offset_ms: int
) -> MasterEvent:
    kind = _ENDS.get(payload.state)
    if kind is None:
        kind = EventKind.PLACED if journaled.number == 1 else EventKind.AMENDED
    return MasterEvent(
        id=journaled.id,
        kind=kind,
        position_key=link_key(payload.platform_order_id),
        instrument_id=payload.instrument_id,
        symbol=payload.symbol,
        side=payload.side,
        units_before=payload.filled_units,
        units_after=payload.units,
        price=payload.price if payload.price is not None else payload.stop_price,
        stop_loss=payload.stop_loss,
        take_profit=payload.take_profit,
        ts_event=journaled.ts_event,
        received_at=journaled.received_at,
        happened_at=happened_at(journaled.ts_event, journaled.received_at, clock_offset_ms),
        trace_id=journaled.trace_id,
        order_key=payload.platform_order_id,
        terms=OrderTerms(
            payload.type,
            payload.units,
            payload.filled_units,
            payload.price,
            payload.stop_price,
            payload.expires_at,
        ),
    )


_ENDS = {
    OrderState.CANCELLED: EventKind.CANCELLED,
    OrderState.REJECTED: EventKind.CANCELLED,
    OrderState.EXPIRED: EventKind.EXPIRED,
}


def _only(payload: Payload) -> int:
    # 'sub:17', see CopySubscription.relation
    told_to = payload.relation if isinstance(payload, PositionPayload) else ""
    return int(told_to.partition(":")[2] or 0)


_WITH_THE_DEAL = (EventKind.OPENED, EventKind.INCREASED, EventKind.REVERSED)
