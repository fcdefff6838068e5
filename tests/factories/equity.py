"""Accounts with samples of equity, for tests of what is stored of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from apps.analytics import api, partitions
from apps.analytics.models import EquityDay, EquitySample
from apps.copytrading.models import CopyMaster
from apps.execution.models import Deal
from tests.factories.platforms import AccountFactory

Money = int | str | Decimal


def master_account(name: str = "") -> int:
    """A new account that is a master's."""
    account = AccountFactory()
    CopyMaster.objects.create(account=account, strategy_name=name or account.login)
    return int(account.pk)


def sampled(
    account_id: int, samples: Mapping[datetime, Money], deposits: Mapping[datetime, Money] = {}
) -> None:
    """Samples by their minute; equity is balance."""
    moments = sorted(samples)
    partitions.ensure(moments[0], moments[-1])
    EquitySample.objects.bulk_create(
        EquitySample(
            account_id=account_id,
            at=at,
            known_at=at,
            balance=Decimal(samples[at]),
            equity=Decimal(samples[at]),
            margin_used=Decimal(0),
            deposits=Decimal(deposits.get(at, 0)),
        )
        for at in moments
    )


def booked(account_id: int, at: datetime, profit: Money, balance: Money) -> None:
    """A position that was opened and closed, with what it earned."""
    number = Deal.objects.count()
    for effect, seconds in (("open", 1), ("close", 0)):
        Deal.objects.create(
            account_id=account_id,
            deal_id=f"{number}{effect}",
            platform_order_id=f"{number}",
            position_id=f"{number}",
            instrument_id="1",
            side="buy",
            effect=effect,
            units=100,
            price=1,
            profit=Decimal(profit) if effect == "close" else 0,
            balance=Decimal(balance) if effect == "close" else None,
            executed_at=at - timedelta(seconds=seconds),
            received_at=at,
        )


def closed_days(account_id: int, first: date, returns: Iterable[float | None]) -> None:
    """Closed days from ``first`` on with these returns; None is a day that does not count."""
    EquityDay.objects.bulk_create(
        EquityDay(
            account_id=account_id,
            day=first + timedelta(days=number),
            daily_return=value,
            closed=True,
            last_at=at_hour(first + timedelta(days=number), 23),
            **dict.fromkeys(
                ("balance", "equity", "margin_used", "lowest", "highest", "most_margin"), 1
            ),
            deposits=0,
            flows=0,
            samples=1440,
        )
        for number, value in enumerate(returns)
    )


def at_hour(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


def kept_up(now: datetime) -> None:
    """What the periodic tasks do, once."""
    api.find_deposits(now=now)
    api.keep_up(now=now)
