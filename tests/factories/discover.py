"""Masters with figures, trades and followers, as lists show them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.analytics import api
from apps.analytics.list_offers import forget_offers
from apps.analytics.models import EquityDay, SubscriptionFigures
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.execution.models import Deal
from apps.platforms.models import TradingAccount
from tests.factories.copytrading import (
    FollowerFactory,
    MasterFactory,
    SubscriptionFactory,
    fund,
    symbol,
)
from tests.factories.equity import closed_days
from tests.factories.platforms import AccountFactory, GroupFactory

#: A year that rises a little every day but one in five.
STEADY = (0.002, 0.002, 0.002, 0.002, -0.004)


def listed(
    name: str,
    *,
    returns: Iterable[float] = STEADY,
    days: int = 60,
    age: int = 0,
    account: dict[str, Any] | None = None,
    equity: int = 10_000,
    **changes: Any,
) -> CopyMaster:
    """A public master whose record ended yesterday; ``returns`` repeat over ``days``.

    The record may have begun ``age`` days ago, with a day that does not count.
    """
    held = AccountFactory(journaled=True, **(account or {}))
    fund(held, equity)
    values: dict[str, Any] = {"visibility": "public", "strategy_name": name}
    master: CopyMaster = MasterFactory(account=held, **(values | changes))
    pattern = list(returns)
    today = timezone.now().date()
    if age:
        closed_days(held.pk, today - timedelta(days=age), [None])
    first = today - timedelta(days=days)
    closed_days(held.pk, first, [pattern[number % len(pattern)] for number in range(days)])
    return master


def opens(master: CopyMaster, *units: int, instrument_id: str = "1") -> None:
    """The master opens positions of these sizes, one after the other."""
    now, number = timezone.now(), Deal.objects.count()
    first = now - timedelta(hours=1) + timedelta(milliseconds=number)  # after all earlier ones
    Deal.objects.bulk_create(
        Deal(
            account_id=master.account_id,
            deal_id=f"{number + place}",
            platform_order_id=f"o{number + place}",
            position_id=f"p{number + place}",
            instrument_id=instrument_id,
            side="buy",
            effect="open",
            units=Decimal(size),
            price=Decimal("1.1"),
            executed_at=first + timedelta(milliseconds=place),
            received_at=now,
        )
        for place, size in enumerate(units)
    )


def followed(
    master: CopyMaster,
    count: int = 1,
    *,
    growth: Iterable[float] = (),
    account: TradingAccount | None = None,
    **changes: Any,
) -> list[CopySubscription]:
    """So many copies of a master; ``growth`` is what each made of its money."""
    copies = []
    for _ in range(count):
        held = account or AccountFactory()
        if account is None:
            fund(held, 1_000)
        follower = FollowerFactory(account=held)
        copies.append(SubscriptionFactory(master=master, follower=follower, **changes))
    for copy, grown in zip(copies, growth, strict=False):
        SubscriptionFigures.objects.create(
            subscription_id=copy.pk,
            master_id=master.pk,
            account_id=copy.follower.account_id,
            started_at=timezone.now(),
            realised=0,
            floating=0,
            capital=1_000,
            growth=grown,
            counts=True,
            looked_at=timezone.now(),
        )
    return copies


def kept_up() -> date:
    """Figures and summaries as the periodic tasks keep them; answers the last day."""
    last = max(EquityDay.objects.values_list("day", flat=True))
    api.update_figures(last)
    api.keep_summaries(now=timezone.now())
    forget_offers()
    return last


def three_masters() -> list[CopyMaster]:
    """A calm master, a wild one and one with a short record, with figures and followers."""
    calm = listed(
        "Calm Harbour",
        returns=(0.001, 0.001, -0.0005),
        days=25,
        age=120,
        account={"group": GroupFactory(mode="real")},
    )
    wild = listed(
        "Wild Bull", returns=(0.04, -0.05, 0.03), days=24, age=60, description="Buys what falls."
    )
    new = listed("New Hope", returns=(0.01,), days=12, min_investment=Decimal(500))
    symbol(calm.account.connection, "EURUSD")
    symbol(wild.account.connection, "XAUUSD")
    opens(calm, 10_000)
    opens(wild, 20_000)
    followed(calm, 6, growth=[1.01, 1.02, 0.99, 1.04, 1.05, 0.98])
    followed(wild, 2, growth=[1.5, 1.6])
    kept_up()
    return [calm, wild, new]
