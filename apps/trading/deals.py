"""Deals: executions, as the platform reports them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.trading.orders import Side


class DealEffect(enum.StrEnum):
    """What a deal did to its position."""

    OPEN = "open"  # opened or increased
    CLOSE = "close"  # closed, wholly or in part
    REVERSE = "reverse"  # closed and went through to the other side (netting)


@dataclass(frozen=True, slots=True)
class Deal:
    """One execution.

    ``units`` were filled at ``price``. For a closing deal ``profit`` is the gross result in
    account currency, ``swap`` and ``commission`` what the platform booked (negative: paid)
    and ``balance`` the account's balance afterwards. ``client_order_id`` is '' where the
    order was not ours or the platform does not repeat it. Ids count up: of deals of one moment
    the later has the longer or greater one.
    """

    deal_id: str
    platform_order_id: str
    position_id: str
    instrument_id: str
    side: Side
    units: Decimal
    price: Decimal
    effect: DealEffect
    executed_at: datetime
    client_order_id: str = ""
    commission: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    balance: Decimal | None = None
