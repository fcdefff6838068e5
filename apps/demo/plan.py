"""What the demo consists of: people, accounts, masters and who copies whom, as plain data.

Amounts are in the account's currency, volumes in lots, as the forms of the product take them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

D = Decimal
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer, or staff with a role; who ``signs_in`` has a password that is printed."""

    email: str
    name: str
    role: str = ""
    timezone: str = "UTC"
    signs_in: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    currency: str
    leverage: int = 100


@dataclass(frozen=True, slots=True)
class Account:
    """A trading account that is opened at the paper venue; ``key`` is its name there."""

    key: str
    owner: str
    name: str
    currency: str
    deposit: Decimal
    margin_mode: str = "hedging"


@dataclass(frozen=True, slots=True)
class Master:
    """A strategy on an account of its own; ``character`` says who trades it."""

    character: str
    account: Account
    strategy: str
    description: str


@dataclass(frozen=True, slots=True)
class Copy:
    """One subscription: which account follows which master, and how it sizes."""

    account: str
    master: str
    volume_mode: str
    risk_multiplier: Decimal = ONE
    fixed_volume: Decimal = ZERO
    base_equity: Decimal | None = None
    allocated_capital: Decimal = ZERO
    below_minimum: str = "skip"
    min_volume: Decimal = ZERO
    max_volume: Decimal = ZERO
    copy_tp: bool = True
    paused: bool = False

    def settings(self) -> dict[str, Any]:
        """The settings of the subscription as the copying app's functions take them."""
        return {
            "volume_mode": self.volume_mode,
            "risk_multiplier": self.risk_multiplier,
            "fixed_volume": self.fixed_volume,
            "base_equity": self.base_equity,
            "allocated_capital": self.allocated_capital,
            "below_minimum": self.below_minimum,
            "min_volume": self.min_volume,
            "max_volume": self.max_volume,
            "copy_tp": self.copy_tp,
        }


GROUPS = (
    Group("Demo USD", "USD"),
    Group("Demo EUR", "EUR"),
    Group("Demo GBP", "GBP"),
)

STAFF = (
    Person("owner@demo.bellwether", "Ida Brandt", "owner", signs_in=True),
    Person("risk@demo.bellwether", "Tomás Reyes", "risk", signs_in=True),
    Person("support@demo.bellwether", "Amira Haddad", "support", signs_in=True),
)

TRADER = "trader@demo.bellwether"
CUSTOMERS = (
    Person(TRADER, "Mara Lindqvist", timezone="Europe/Stockholm", signs_in=True),
    Person("jonas@demo.bellwether", "Jonas Weber", timezone="Europe/Berlin"),
    Person("priya@demo.bellwether", "Priya Nair", timezone="Asia/Kolkata"),
    Person("oliver@demo.bellwether", "Oliver Hughes", timezone="Europe/London"),
    Person("camille@demo.bellwether", "Camille Renaud", timezone="Europe/Paris"),
    Person("desk@demo.bellwether", "Quayside Trading Desk", timezone="Europe/London"),
)

MASTERS = (
    Master(
        "harbour",
        Account("master-harbour", "desk@demo.bellwether", "Harbour", "USD", D(100_000)),
        "Harbour Swing",
        "Few positions on the majors, held with patience. The stop goes to break-even once "
        "a trade has earned it and is then left alone.",
    ),
    Master(
        "quickstep",
        Account("master-quickstep", "desk@demo.bellwether", "Quickstep", "USD", D(50_000)),
        "Quickstep Scalping",
        "Many small trades with tight stops, in and out within a minute.",
    ),
    Master(
        "longtide",
        Account("master-longtide", "oliver@demo.bellwether", "Long Tide", "EUR", D(80_000)),
        "Long Tide Trend",
        "Follows a move, adds to what goes well and trails its stop behind the price.",
    ),
    Master(
        "pendulum",
        Account("master-pendulum", "camille@demo.bellwether", "Pendulum", "USD", D(60_000)),
        "Pendulum Reversion",
        "Trades against a stretched move on quiet crosses and takes its profit in thirds.",
    ),
)


def _customer(email: str, prefix: str, *rows: tuple[str, str, int, str]) -> list[Account]:
    """Accounts of one customer from (name, currency, deposit, margin mode)."""
    return [
        Account(f"{prefix}-{number}", email, name, currency, D(deposit), mode)
        for number, (name, currency, deposit, mode) in enumerate(rows, 1)
    ]


FOLLOWERS: tuple[Account, ...] = (
    *_customer(
        TRADER,
        "mara",
        ("Main", "USD", 10_000, "hedging"),
        ("Long term", "USD", 25_000, "hedging"),
        ("Euro savings", "EUR", 18_000, "hedging"),
        ("Scalps", "USD", 6_000, "hedging"),
        ("Netting", "EUR", 12_000, "netting"),
        ("Sterling", "GBP", 9_000, "hedging"),
        ("Small", "USD", 800, "hedging"),
    ),
    *_customer(
        "jonas@demo.bellwether",
        "jonas",
        ("Hauptkonto", "EUR", 40_000, "hedging"),
        ("Netting", "EUR", 15_000, "netting"),
        ("Trend", "EUR", 22_000, "hedging"),
        ("Reserve", "EUR", 5_000, "hedging"),
        ("Dollar", "USD", 12_500, "hedging"),
        ("Pendel", "EUR", 8_000, "netting"),
    ),
    *_customer(
        "priya@demo.bellwether",
        "priya",
        ("Core", "USD", 60_000, "hedging"),
        ("Satellite", "USD", 14_000, "netting"),
        ("Fast", "USD", 20_000, "hedging"),
        ("Quiet", "USD", 7_500, "hedging"),
        ("Balanced", "GBP", 11_000, "hedging"),
        ("Trial", "USD", 1_500, "hedging"),
    ),
    *_customer(
        "oliver@demo.bellwether",
        "oliver",
        ("Pension", "GBP", 35_000, "hedging"),
        ("Netting", "GBP", 16_000, "netting"),
        ("Play", "GBP", 2_500, "hedging"),
        ("Euro", "EUR", 9_500, "hedging"),
        ("Reversion", "GBP", 13_000, "hedging"),
    ),
    *_customer(
        "camille@demo.bellwether",
        "camille",
        ("Principal", "EUR", 28_000, "hedging"),
        ("Tendance", "EUR", 17_000, "netting"),
        ("Scalping", "EUR", 6_500, "hedging"),
        ("Dollar", "USD", 30_000, "hedging"),
        ("Essai", "EUR", 1_200, "hedging"),
        ("Couverture", "USD", 10_500, "netting"),
    ),
)

COPIES: tuple[Copy, ...] = (
    # Mara: one of everything to look at
    Copy("mara-1", "harbour", "equity_ratio", max_volume=D(1)),
    Copy("mara-2", "harbour", "equity_ratio", allocated_capital=D(10_000)),
    Copy("mara-2", "longtide", "equity_ratio", allocated_capital=D(15_000)),
    Copy("mara-3", "pendulum", "balance_ratio"),
    Copy(
        "mara-4",
        "quickstep",
        "multiplier",
        risk_multiplier=D("0.5"),
        below_minimum="round_up",
    ),
    Copy("mara-5", "longtide", "equity_based", base_equity=D(60_000)),
    Copy("mara-6", "quickstep", "fixed", fixed_volume=D("0.05"), copy_tp=False),
    Copy("mara-7", "pendulum", "equity_ratio", below_minimum="round_up"),
    # Jonas
    Copy("jonas-1", "harbour", "balance_ratio", risk_multiplier=D("1.5")),
    Copy("jonas-2", "harbour", "fixed", fixed_volume=D("0.10")),
    Copy("jonas-3", "longtide", "equity_ratio"),
    Copy("jonas-4", "quickstep", "equity_ratio"),
    Copy("jonas-5", "pendulum", "multiplier", risk_multiplier=D("0.25")),
    Copy("jonas-6", "pendulum", "equity_based", base_equity=D(50_000)),
    # Priya
    Copy("priya-1", "harbour", "multiplier", risk_multiplier=D("0.6")),
    Copy("priya-1", "pendulum", "equity_ratio", allocated_capital=D(20_000)),
    Copy("priya-2", "longtide", "multiplier", risk_multiplier=D("0.2")),
    Copy("priya-3", "quickstep", "balance_ratio", risk_multiplier=D(2)),
    Copy("priya-4", "pendulum", "fixed", fixed_volume=D("0.03")),
    Copy(
        "priya-5",
        "harbour",
        "equity_based",
        fixed_volume=D("0.50"),
        base_equity=D(50_000),
    ),
    Copy("priya-6", "harbour", "equity_ratio", min_volume=D("0.02")),
    # Oliver
    Copy("oliver-1", "harbour", "equity_ratio", max_volume=D("0.20")),
    Copy("oliver-2", "quickstep", "equity_ratio", risk_multiplier=D(2)),
    Copy(
        "oliver-3",
        "pendulum",
        "multiplier",
        risk_multiplier=D("0.1"),
        below_minimum="round_up",
    ),
    Copy("oliver-4", "quickstep", "fixed", fixed_volume=D("0.02")),
    Copy("oliver-5", "pendulum", "balance_ratio"),
    # Camille
    Copy("camille-1", "longtide", "balance_ratio"),
    Copy("camille-2", "longtide", "equity_based", base_equity=D(80_000)),
    Copy("camille-3", "quickstep", "equity_ratio", paused=True),
    Copy(
        "camille-4",
        "harbour",
        "equity_ratio",
        min_volume=D("0.05"),
        max_volume=D("0.25"),
    ),
    Copy("camille-5", "longtide", "equity_ratio", below_minimum="round_up"),
    Copy("camille-6", "harbour", "multiplier", risk_multiplier=D("0.15")),
)


def accounts() -> tuple[Account, ...]:
    """Every account of the demo, the masters' first."""
    return (*(master.account for master in MASTERS), *FOLLOWERS)
