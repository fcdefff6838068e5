"""What the demo consists of: people, accounts, masters and who copies whom, as plain data."""

from __future__ import annotations

from decimal import Decimal

from apps.demo.plan_words import Account, Copy, Group, Master, Person

__all__ = ["Account", "Copy", "Group", "Master", "Person"]

D = Decimal

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
    Person("lena@demo.bellwether", "Lena Hofmann", timezone="Europe/Vienna"),
    Person("marco@demo.bellwether", "Marco Bianchi", timezone="Europe/Rome"),
    Person("sofia@demo.bellwether", "Sofia Marques", timezone="Europe/Lisbon"),
    Person("desk@demo.bellwether", "Quayside Trading Desk", timezone="Europe/London"),
)

MASTERS = (
    Master(
        "harbour",
        Account("master-harbour", "desk@demo.bellwether", "Harbour", "USD", D(100_000)),
        "Harbour Swing",
        "Few positions on the majors, held with patience. The stop goes to break-even once "
        "a trade has earned it and is then left alone.",
        seed=4,
        flows=((96, 25_000),),
    ),
    Master(
        "quickstep",
        Account("master-quickstep", "desk@demo.bellwether", "Quickstep", "USD", D(50_000)),
        "Quickstep Scalping",
        "Many small trades with tight stops, in and out within the hour.",
        flows=((150, -5_000), (214, -4_000)),
    ),
    Master(
        "longtide",
        Account("master-longtide", "oliver@demo.bellwether", "Long Tide", "EUR", D(80_000)),
        "Long Tide Trend",
        "Follows a move, adds to what goes well and trails its stop behind the price.",
        seed=2,
    ),
    Master(
        "pendulum",
        Account("master-pendulum", "camille@demo.bellwether", "Pendulum", "USD", D(60_000)),
        "Pendulum Reversion",
        "Trades against a stretched move on quiet crosses and takes its profit in thirds.",
        seed=5,
        flows=((40, 15_000), (181, 10_000)),
    ),
    Master(
        "tradewind",
        Account("master-tradewind", "desk@demo.bellwether", "Trade Wind", "USD", D(120_000)),
        "Trade Wind Carry",
        "Holds pairs that earn interest every night, for weeks; steps aside when the price goes "
        "against them.",
        seed=7,
    ),
    Master(
        "stairway",
        Account("master-stairway", "marco@demo.bellwether", "Stairway", "USD", D(40_000)),
        "Stairway Grid",
        "Opens another position for every step against it and closes all of them together. Many "
        "small wins, a rare large loss.",
        seed=1,
        flows=((120, -3_000), (200, -3_000)),
    ),
    Master(
        "phoenix",
        Account("master-phoenix", "sofia@demo.bellwether", "Phoenix", "USD", D(30_000)),
        "Phoenix Recovery",
        "One trade at a time on the majors; after a loss the next one is larger until the loss "
        "is won back.",
        seed=2,
    ),
    Master(
        "flashpoint",
        Account("master-flashpoint", "lena@demo.bellwether", "Flashpoint", "USD", D(25_000)),
        "Flashpoint News",
        "In and out around published figures, nothing in between. A young record: judge it with "
        "care.",
        seed=7,
        days=16,
    ),
    Master(
        "nightjar",
        Account("master-nightjar", "desk@demo.bellwether", "Nightjar", "USD", D(75_000)),
        "Nightjar Night Session",
        "Trades quiet crosses back to their mean between the close of New York and the opening of "
        "London; flat by day.",
        flows=((70, 20_000),),
    ),
    Master(
        "breakwater",
        Account("master-breakwater", "oliver@demo.bellwether", "Breakwater", "USD", D(35_000)),
        "Breakwater Breakouts",
        "Jumps after moves of yen crosses, takes small profits soon and gives losses room.",
        seed=1,
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
    *_customer(
        "lena@demo.bellwether",
        "lena",
        ("Depot", "EUR", 32_000, "hedging"),
        ("Zinsen", "USD", 15_000, "hedging"),
        ("Nacht", "EUR", 9_000, "hedging"),
        ("Versuch", "USD", 5_000, "hedging"),
    ),
    *_customer(
        "marco@demo.bellwether",
        "marco",
        ("Principale", "EUR", 26_000, "hedging"),
        ("Notte", "USD", 12_000, "netting"),
        ("Dollaro", "USD", 18_000, "hedging"),
        ("Prova", "USD", 3_000, "hedging"),
    ),
    *_customer(
        "sofia@demo.bellwether",
        "sofia",
        ("Carteira", "EUR", 21_000, "hedging"),
        ("Libra", "GBP", 14_000, "hedging"),
        ("Noite", "EUR", 7_000, "hedging"),
        ("Grelha", "USD", 10_000, "hedging"),
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
    # Lena, Marco and Sofia: the other six masters
    Copy("lena-1", "tradewind", "equity_ratio"),
    Copy("lena-2", "tradewind", "balance_ratio"),
    Copy("lena-3", "nightjar", "equity_ratio"),
    Copy("lena-4", "nightjar", "fixed", fixed_volume=D("0.05")),
    Copy("lena-4", "phoenix", "multiplier", risk_multiplier=D("0.1"), max_volume=D("0.10")),
    Copy("marco-1", "tradewind", "equity_ratio", allocated_capital=D(15_000)),
    Copy("marco-1", "stairway", "equity_ratio", allocated_capital=D(8_000)),
    Copy("marco-2", "nightjar", "equity_ratio"),
    Copy("marco-3", "nightjar", "balance_ratio", allocated_capital=D(9_000)),
    Copy("marco-3", "tradewind", "equity_ratio", allocated_capital=D(9_000)),
    Copy("marco-4", "phoenix", "equity_ratio", below_minimum="round_up"),
    Copy("sofia-1", "tradewind", "equity_based", base_equity=D(100_000)),
    Copy("sofia-2", "stairway", "equity_ratio", risk_multiplier=D("0.5")),
    Copy("sofia-3", "nightjar", "multiplier", risk_multiplier=D("0.1")),
    Copy("sofia-3", "flashpoint", "equity_ratio", days=9),
    Copy("sofia-4", "stairway", "fixed", fixed_volume=D("0.03")),
    Copy("sofia-4", "breakwater", "equity_ratio", risk_multiplier=D("0.5")),
)


def accounts() -> tuple[Account, ...]:
    """Every account of the demo, the masters' first."""
    return (*(master.account for master in MASTERS), *FOLLOWERS)
