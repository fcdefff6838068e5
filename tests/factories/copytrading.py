"""Masters, followers and subscriptions; and a small world in which copies happen.

:class:`CopyWorld` stands in for the gateway: it journals what a master does and answers
committed batches by writing the order, deal and position rows that a gateway would write.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from django.utils import timezone

from apps.accounts.product_models import ProductConfig
from apps.accounts.selectors import forget_product_config
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription, TradeLink
from apps.copytrading.services.work import work
from apps.execution import intents, journal
from apps.execution.models import AccountEvent, Batch, Deal, Order, Position, Withdrawal
from apps.platforms.models import AccountState, Connection, Quote, Symbol, TradingAccount
from apps.trading.deals import DealEffect
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.platforms import AccountFactory, ConnectionFactory


class MasterFactory(factory.django.DjangoModelFactory[CopyMaster]):
    class Meta:
        model = CopyMaster

    account = factory.SubFactory(AccountFactory, journaled=True)
    strategy_name = factory.Sequence(lambda n: f"Strategy {n}")
    status = CopyMaster.Status.ACTIVE


class FollowerFactory(factory.django.DjangoModelFactory[CopyFollower]):
    class Meta:
        model = CopyFollower

    account = factory.SubFactory(AccountFactory)


class SubscriptionFactory(factory.django.DjangoModelFactory[CopySubscription]):
    class Meta:
        model = CopySubscription

    master = factory.SubFactory(MasterFactory)
    follower = factory.SubFactory(FollowerFactory)
    volume_mode = CopySubscription.VolumeMode.MULTIPLIER


def symbol(connection: Connection, name: str = "EURUSD", **changes: Any) -> Symbol:
    """A currency pair on a connection, 1,000 units the step and the minimum."""
    values: dict[str, Any] = {
        "instrument_id": "1",
        "folded": name,
        "base": name[:3],
        "quote": name[3:],
        "digits": 5,
        "pip_digits": 4,
        "lot_units": 100_000,
        "min_units": 1_000,
        "step_units": 1_000,
        "max_units": 10_000_000,
    }
    return Symbol.objects.create(connection=connection, name=name, **(values | changes))


def quote(connection: Connection, instrument_id: str, price: str) -> Quote:
    return Quote.objects.create(
        connection=connection,
        instrument_id=instrument_id,
        bid=Decimal(price),
        ask=Decimal(price),
        at=timezone.now(),
    )


def fund(account: TradingAccount, equity: Decimal | int, **changes: Any) -> AccountState:
    values: dict[str, Any] = {"balance": equity, "synced": True, "as_of": timezone.now()}
    return AccountState.objects.create(account=account, equity=equity, **(values | changes))


def switch_copying(on: bool = True) -> None:
    ProductConfig.objects.update_or_create(pk=1, defaults={"copy_trading_enabled": on})
    forget_product_config()


Change = Callable[[intents.Intent], dict[str, Any]]


@dataclass
class CopyWorld:
    """One master on one connection with followers beside it, and a scripted gateway."""

    connection: Connection = field(default_factory=ConnectionFactory)
    price: Decimal = Decimal("1.0921")
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        switch_copying()
        self._numbers = itertools.count(1)
        symbol(self.connection)
        account = AccountFactory(connection=self.connection, journaled=True)
        fund(account, 10_000)
        self.master = MasterFactory(account=account)
        self.positions: dict[str, tuple[Side, Decimal]] = {}
        self.sent: list[intents.Intent] = []

    @property
    def account_id(self) -> int:
        return int(self.master.account_id)

    def follow(
        self,
        *,
        equity: Decimal | int = 10_000,
        account: dict[str, Any] | None = None,
        **settings: Any,
    ) -> CopySubscription:
        """Another follower of the master, on an account of its own."""
        values = {"connection": self.connection} | (account or {})
        held = AccountFactory(**values)
        fund(held, equity)
        return SubscriptionFactory(
            master=self.master, follower=FollowerFactory(account=held), **settings
        )

    def trade(
        self,
        position: str,
        change: Decimal | int,
        *,
        side: Side = Side.BUY,
        stops: tuple[Decimal | None, Decimal | None] = (None, None),
        ago: timedelta = timedelta(0),
    ) -> int:
        """The master opens or adds (positive) or closes (negative) units; its event's id."""
        held_side, held = self.positions.get(position, (side, Decimal(0)))
        units = Decimal(change)
        after = held + units
        self.positions[position] = (held_side, after)
        opening = units > 0
        number = next(self._numbers)
        payload = journal.DealPayload(
            deal_id=f"d{number}",
            platform_order_id=f"o{number}",
            client_order_id="",
            position_id=position,
            instrument_id="1",
            symbol="EURUSD",
            side=held_side if opening else held_side.opposite,
            units=abs(units),
            price=self.price,
            effect=DealEffect.OPEN if opening else DealEffect.CLOSE,
            position_units=after,
            position_side=held_side if after else None,
            position_price=self.price if after else None,
            stop_loss=stops[0],
            take_profit=stops[1],
        )
        return self._journal(payload, f"d{number}", "deal", ago)

    def reverse(self, position: str, units: Decimal | int) -> int:
        """The master (netting) trades through to the other side, where it holds ``units``."""
        side, held = self.positions[position]
        self.positions[position] = (side.opposite, Decimal(units))
        number = next(self._numbers)
        payload = journal.DealPayload(
            deal_id=f"d{number}",
            platform_order_id=f"o{number}",
            client_order_id="",
            position_id=position,
            instrument_id="1",
            symbol="EURUSD",
            side=side.opposite,
            units=held + Decimal(units),
            price=self.price,
            effect=DealEffect.REVERSE,
            position_units=Decimal(units),
            position_side=side.opposite,
            position_price=self.price,
            stop_loss=None,
            take_profit=None,
        )
        return self._journal(payload, f"d{number}", "deal", timedelta(0))

    def book(self, **booked: Any) -> None:
        """What the platform tells of the master's deals so far, with what it ``booked``."""
        for event in AccountEvent.objects.filter(account_id=self.account_id, kind="deal"):
            told = event.payload
            Deal.objects.get_or_create(
                account_id=self.account_id,
                deal_id=told["deal_id"],
                defaults={
                    "platform_order_id": told["platform_order_id"],
                    "position_id": told["position_id"],
                    "instrument_id": told["instrument_id"],
                    "side": told["side"],
                    "effect": told["effect"],
                    "units": Decimal(told["units"]),
                    "price": Decimal(told["price"]),
                    "executed_at": event.ts_event,
                    "received_at": event.received_at,
                }
                | booked,
            )

    def protect(
        self, position: str, stop_loss: Decimal | None, take_profit: Decimal | None = None
    ) -> int:
        side, held = self.positions[position]
        payload = journal.ProtectionPayload(
            position, "1", "EURUSD", side, held, stop_loss, take_profit
        )
        return self._journal(payload, f"s{next(self._numbers)}", "protection", timedelta(0))

    def close_by_hand(self, copy: CopySubscription, which: int, units: Decimal) -> None:
        """The customer closes a part of one of the copy's positions on the platform."""
        account_id = copy.follower.account_id
        position = Position.objects.filter(account_id=account_id).order_by("id")[which]
        now = timezone.now()
        position.units -= units
        position.closed_at = now if position.units <= 0 else None
        position.save()
        Deal.objects.create(
            account_id=account_id,
            deal_id=f"x{next(self._numbers)}",
            platform_order_id="",
            client_order_id="",
            position_id=position.position_id,
            instrument_id=position.instrument_id,
            side=Side(position.side).opposite,
            effect=DealEffect.CLOSE,
            units=units,
            price=self.price,
            executed_at=now,
            received_at=now,
        )

    def _journal(self, payload: journal.Payload, key: str, kind: str, ago: timedelta) -> int:
        now = timezone.now() - ago
        event = AccountEvent.objects.create(
            account_id=self.account_id,
            connection_id=self.connection.pk,
            kind=kind,
            dedupe_key=f"deal:{key}" if kind == "deal" else key,
            position_id=payload.position_id,
            payload=json.loads(journal.dump(payload)),
            trace_id=f"trace-{key}",
            ts_event=now,
            received_at=now,
        )
        return int(event.pk)

    def work(self) -> None:
        work(self.account_id)

    def wait(self) -> None:
        """The pauses before closes that are sent again are over."""
        TradeLink.objects.exclude(close_not_before=None).update(close_not_before=timezone.now())

    def deliver(self, change: Change | None = None) -> list[intents.Intent]:
        """Answer all committed batches; ``change`` alters fields of an order's row."""
        answered: list[intents.Intent] = []
        for batch in Batch.objects.filter(settled=False).order_by("priority", "id"):
            for ordinal, intent in enumerate(intents.load(batch.items)):
                self._answer(batch, ordinal, intent, (change or (lambda _: {}))(intent))
                answered.append(intent)
            batch.claimed, batch.settled = batch.size, True
            batch.save()
        self.sent.extend(answered)
        return answered

    def run(self, change: Change | None = None) -> list[intents.Intent]:
        """Work and answer until nothing happens any more; all orders that were sent."""
        sent: list[intents.Intent] = []
        while True:
            self.work()
            answered = self.deliver(change)
            if not answered:
                return sent
            sent.extend(answered)

    def run_for_ever(self) -> None:
        """Work and answer until the worker is killed."""
        while True:
            self.work()
            self.deliver()

    def _answer(
        self, batch: Batch, ordinal: int, intent: intents.Intent, change: dict[str, Any]
    ) -> None:
        now = timezone.now()
        values: dict[str, Any] = {"state": OrderState.FILLED, "code": "", "message": ""}
        if Withdrawal.objects.filter(client_order_id=intent.client_order_id).exists():
            values |= {"state": OrderState.CANCELLED, "code": "WITHDRAWN"}
        values |= change
        filled = values.pop("filled_units", None)
        if filled is None:
            full = values["state"] is OrderState.FILLED and intent.leg is not Leg.PROTECT
            filled = intent.units if full else Decimal(0)
        position_id = intent.position_id
        if filled > 0:
            position_id = self._fill(intent, filled, now)
        elif intent.leg is Leg.PROTECT and values["state"] is OrderState.FILLED:
            Position.objects.filter(account_id=intent.account_id, position_id=position_id).update(
                stop_loss=intent.stop_loss, take_profit=intent.take_profit
            )
        Order.objects.create(
            client_order_id=intent.client_order_id,
            platform_order_id=f"p{intent.client_order_id[:8]}",
            account_id=intent.account_id,
            connection_id=batch.connection_id,
            batch_id=batch.pk,
            ordinal=ordinal,
            source=intent.source,
            relation=intent.relation,
            wake_key=intent.wake_key,
            cause=intent.cause,
            trace_id=intent.trace_id,
            leg=intent.leg,
            instrument_id=intent.instrument_id,
            side=intent.side or "",
            units=intent.units,
            filled_units=filled,
            average_price=self.price if filled else None,
            position_id=position_id,
            committed_at=batch.created_at,
            sent_at=now,
            accepted_at=now,
            final_at=now,
            **values,
        )

    def _fill(self, intent: intents.Intent, filled: Decimal, now: datetime) -> str:
        position_id = intent.position_id or f"f{next(self._numbers)}"
        opening = intent.leg is Leg.OPEN
        assert intent.side is not None
        position, created = Position.objects.get_or_create(
            account_id=intent.account_id,
            position_id=position_id,
            defaults={
                "instrument_id": intent.instrument_id,
                "side": intent.side,
                "units": 0,
                "price": self.price,
                "opened_at": now,
                "updated_at": now,
            },
        )
        if created:
            position.stop_loss, position.take_profit = intent.stop_loss, intent.take_profit
        position.units += filled if opening else -filled
        position.closed_at = now if position.units <= 0 else None
        position.save()
        Deal.objects.create(
            account_id=intent.account_id,
            deal_id=f"x{next(self._numbers)}",
            platform_order_id="",
            client_order_id=intent.client_order_id,
            position_id=position_id,
            instrument_id=intent.instrument_id,
            side=intent.side,
            effect=DealEffect.OPEN if opening else DealEffect.CLOSE,
            units=filled,
            price=self.price,
            commission=Decimal("-0.5"),
            profit=Decimal(0) if opening else Decimal(10),
            executed_at=now,
            received_at=now,
        )
        return position_id
