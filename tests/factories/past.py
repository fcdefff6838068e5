"""A master's past: stored deals, as a gateway leaves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.execution.models import Deal

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def deal(
    account_id: int, number: int, position: str, side: str, effect: str, units: int, price: str,
    **changes: object,
) -> Deal:  # fmt: skip
    """One deal, ``number`` hours after the beginning; not stored."""
    at = BEGIN + timedelta(hours=number)
    values = {"executed_at": at, "received_at": at, "instrument_id": "1"} | changes
    return Deal(
        account_id=account_id, deal_id=str(1_000 + number), platform_order_id=str(number),
        position_id=position, side=side, effect=effect, units=units, price=Decimal(price), **values,
    )  # fmt: skip


def round_trips(account_id: int, sizes: list[int], first: int = 0) -> None:
    """A position after the other, bought at 1.1000 and closed at 1.1010, an hour for each."""
    deals = []
    for index, units in enumerate(sizes):
        number = first + 2 * index
        key = f"r{number}"
        deals.append(deal(account_id, number, key, "buy", "open", units, "1.1000"))
        deals.append(deal(account_id, number + 1, key, "sell", "close", units, "1.1010"))
    Deal.objects.bulk_create(deals)
