"""Plain values for the pure core of copying: events, rows, symbols and a market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.volume import Funds, Sizing, VolumeMode
from apps.trading.money import Rates
from apps.trading.orders import Side

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LOT = Decimal(100_000)
RATES = Rates(
    {
        ("EUR", "USD"): Decimal("1.25"),
        ("GBP", "USD"): Decimal("1.5"),
        ("USD", "JPY"): Decimal(150),
    }
)
EURUSD = Symbol(
    "1", "EURUSD", "EURUSD", "EUR", "USD", 5, 4,
    LOT, Decimal(1_000), Decimal(1_000), Decimal(10_000_000), True,
)  # fmt: skip


def event(
    kind: EventKind,
    before: Decimal | int = 0,
    after: Decimal | int = 0,
    **changes: Any,
) -> MasterEvent:
    """A master's event on EURUSD, one second old at most."""
    values: dict[str, Any] = {
        "id": 1,
        "kind": kind,
        "position_key": "p1",
        "instrument_id": "1",
        "symbol": "EURUSD",
        "side": Side.BUY,
        "units_before": Decimal(before),
        "units_after": Decimal(after),
        "price": None if kind is EventKind.PROTECTION else Decimal("1.0921"),
        "stop_loss": None,
        "take_profit": None,
        "ts_event": NOW,
        "received_at": NOW,
        "happened_at": NOW,
        "trace_id": "t1",
    }
    return MasterEvent(**(values | changes))


def opened(units: Decimal | int = 100_000, **changes: Any) -> MasterEvent:
    return event(EventKind.OPENED, 0, units, **changes)


def sizing(mode: VolumeMode = VolumeMode.MULTIPLIER, **changes: Any) -> Sizing:
    values: dict[str, Any] = {
        "mode": mode,
        "risk_multiplier": Decimal(1),
        "fixed_volume": Decimal(0),
        "base_equity": None,
        "allocated_capital": Decimal(0),
    }
    return Sizing(**(values | changes))


def funds(equity: Decimal | int = 10_000, currency: str = "USD", **changes: Any) -> Funds:
    values: dict[str, Any] = {"balance": Decimal(equity), "age_s": 0.1}
    return Funds(currency=currency, equity=Decimal(equity), **(values | changes))


def row(**changes: Any) -> Row:
    """A subscription that copies one to one; settings as keywords."""
    values: dict[str, Any] = {
        "subscription_id": 7,
        "key": "5f0c",
        "account_id": 70,
        "platform_account": "900070",
        "connection_id": 1,
        "netting": False,
        "hold": None,
        "sizing": sizing(),
        "round_up": False,
        "min_volume": Decimal(0),
        "max_volume": Decimal(0),
        "copy_sl": True,
        "copy_tp": True,
        "max_delay": timedelta(seconds=10),
        "started_after": 0,
        "funds": funds(),
        "own_result": Decimal(0),
        "links": {},
        "decided": {},
    }
    return Row(**(values | changes))


def market(**changes: Any) -> Market:
    values: dict[str, Any] = {
        "now": NOW,
        "master": funds(),
        "stale_after_s": 30.0,
        "master_symbols": {"1": EURUSD},
        "symbols": {(1, "1"): EURUSD},
        "rates": RATES,
    }
    return Market(**(values | changes))
