"""Positions and account state as a platform shows them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.trading.orders import Side


class MarginMode(enum.StrEnum):
    """How an account keeps positions."""

    HEDGING = "hedging"  # every order opens a position of its own
    NETTING = "netting"  # one position per symbol
    SPOT = "spot"  # holdings, no positions


@dataclass(frozen=True, slots=True)
class Position:
    """An open position. ``tag`` is the client order id that opened it, where kept."""

    position_id: str
    instrument_id: str
    side: Side
    units: Decimal
    price: Decimal
    opened_at: datetime
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    tag: str = ""
    margin: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountState:
    """Money of an account in its own currency; ``balance`` without open results."""

    currency: str
    balance: Decimal
    leverage: Decimal
    margin_mode: MarginMode
    as_of: datetime
