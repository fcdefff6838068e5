"""A small world with resting orders: the master's are journaled, the followers' rest for real.

:class:`PendingWorld` stands in for the gateway as :class:`CopyWorld` does: a placed order gets a
row that rests, and is filled, cancelled or expired by hand.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.execution import intents, journal
from apps.execution.models import AccountEvent, Batch, Order, Position
from apps.trading.deals import DealEffect
from apps.trading.orders import PENDING_TYPES, Leg, OrderState, OrderType, Side
from tests.factories.copytrading import CopyWorld

LIMIT = Decimal("1.0900")


class PendingWorld(CopyWorld):
    """See the module; the master trades EURUSD on a hedging account."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.resting: dict[str, journal.OrderPayload] = {}
        self._changes: dict[str, int] = {}

    # --- the master ---------------------------------------------------------------------------
    def place(self, key: str, units: Decimal | int = 100_000, **changes: Any) -> int:
        """The master places a buy limit, or another order with ``changes`` to it."""
        values: dict[str, Any] = {
            "platform_order_id": key,
            "client_order_id": "",
            "instrument_id": "1",
            "symbol": "EURUSD",
            "side": Side.BUY,
            "type": OrderType.LIMIT,
            "units": Decimal(units),
            "filled_units": Decimal(0),
            "state": OrderState.ACCEPTED,
            "price": LIMIT,
            "stop_price": None,
            "stop_loss": None,
            "take_profit": None,
            "expires_at": None,
        }
        return self._order(key, journal.OrderPayload(**(values | changes)))

    def change(self, key: str, **changes: Any) -> int:
        """The master amends an order, or it ends (``state``)."""
        before = self.resting[key]
        values = {name: getattr(before, name) for name in journal.OrderPayload.__slots__}
        return self._order(key, journal.OrderPayload(**(values | changes)))

    def cancel(self, key: str) -> int:
        return self.change(key, state=OrderState.CANCELLED)

    def expire(self, key: str) -> int:
        return self.change(key, state=OrderState.EXPIRED)

    def master_fills(
        self, key: str, units: Decimal | int, position: str = "m1", price: Decimal = LIMIT
    ) -> int:
        """The master's resting order fills ``units`` into a position."""
        order = self.resting[key]
        side, held = self.positions.get(position, (order.side, Decimal(0)))
        after = held + Decimal(units)
        self.positions[position] = (side, after)
        self.resting[key] = order
        number = next(self._numbers)
        payload = journal.DealPayload(
            deal_id=f"d{number}",
            platform_order_id=key,
            client_order_id="",
            position_id=position,
            instrument_id="1",
            symbol="EURUSD",
            side=order.side,
            units=Decimal(units),
            price=price,
            effect=DealEffect.OPEN,
            position_units=after,
            position_side=order.side,
            position_price=price,
            stop_loss=order.stop_loss,
            take_profit=order.take_profit,
        )
        return self._journal(payload, f"d{number}", "deal", timedelta(0))

    def _order(self, key: str, payload: journal.OrderPayload) -> int:
        self.resting[key] = payload
        self._changes[key] = self._changes.get(key, 0) + 1
        now = timezone.now()
        event = AccountEvent.objects.create(
            account_id=self.account_id,
            connection_id=self.connection.pk,
            kind="order",
            dedupe_key=f"order:{key}:{self._changes[key]}",
            position_id="",
            payload=json.loads(journal.dump(payload)),
            trace_id=f"trace-{key}",
            ts_event=now,
            received_at=now,
        )
        return int(event.pk)

    # --- the followers' platform --------------------------------------------------------------
    def _answer(
        self, batch: Batch, ordinal: int, intent: intents.Intent, change: dict[str, Any]
    ) -> None:
        resting = intent.leg is Leg.OPEN and intent.type in PENDING_TYPES
        if resting and "state" not in change:
            change = change | {"state": OrderState.ACCEPTED}
        if intent.leg is Leg.CANCEL and "state" not in change:
            change = change | self._cancelled(intent)
        if intent.leg is Leg.PROTECT and intent.platform_order_id and "state" not in change:
            change = change | self._amended(intent)
        if intent.leg in (Leg.CANCEL, Leg.PROTECT):
            change = change | {"filled_units": Decimal(0)} if intent.leg is Leg.CANCEL else change
        super()._answer(batch, ordinal, intent, change)
        row = Order.objects.get(client_order_id=intent.client_order_id)
        row.type = intent.type
        if resting and row.state == OrderState.ACCEPTED:
            row.rested_at, row.final_at = timezone.now(), None
        row.save()

    def _placed(self, platform_order_id: str) -> Order | None:
        return Order.objects.filter(
            platform_order_id=platform_order_id, final_at=None, leg=Leg.OPEN
        ).first()

    def _cancelled(self, intent: intents.Intent) -> dict[str, Any]:
        order = self._placed(intent.platform_order_id)
        if order is None:
            return {"state": OrderState.REJECTED, "code": "ORDER_NOT_FOUND"}
        self.ends(order, OrderState.CANCELLED)
        return {"state": OrderState.FILLED}

    def _amended(self, intent: intents.Intent) -> dict[str, Any]:
        order = self._placed(intent.platform_order_id)
        if order is None:
            return {"state": OrderState.REJECTED, "code": "ORDER_NOT_FOUND"}
        Order.objects.filter(pk=order.pk).update(units=intent.units)
        return {"state": OrderState.FILLED}

    def placed(self) -> list[Order]:
        """Orders of followers that rest."""
        return list(Order.objects.filter(leg=Leg.OPEN, final_at=None).order_by("id"))

    def ends(self, order: Order, state: OrderState) -> None:
        """A follower's order is cancelled or expires on its platform."""
        order.refresh_from_db()
        order.state, order.final_at = state, timezone.now()
        order.save()

    def fills(self, order: Order, units: Decimal | int | None = None) -> None:
        """A follower's resting order fills ``units`` more (None: the rest)."""
        order.refresh_from_db()
        more = order.units - order.filled_units if units is None else Decimal(units)
        now: datetime = timezone.now()
        intent = next(i for i in self.sent if i.client_order_id == order.client_order_id)
        first = not order.position_id
        position = self._fill(intent._replace(position_id=order.position_id), more, now)
        if first:
            Position.objects.filter(position_id=position).update(
                stop_loss=intent.stop_loss, take_profit=intent.take_profit
            )
        order.filled_units += more
        order.average_price, order.position_id = intent.price or self.price, position
        if order.filled_units >= order.units:
            order.state, order.final_at = OrderState.FILLED, now
        else:
            order.state = OrderState.PARTIALLY_FILLED
        order.rest_settled_at = None
        order.save()
