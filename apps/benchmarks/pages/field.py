"""An installation with very many masters, copies and outcomes, to look at its pages.

The first row of each kind is written by the product's own functions; the others are made like it
inside the database. Customers have ten accounts and twenty copies each; masters are followed
very unequally, the first by a few per cent of all copies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from apps.accounts import api as accounts
from apps.accounts.models import AuditEntry, Customer, User
from apps.accounts.roles import Role
from apps.analytics import figures
from apps.analytics import partitions as months
from apps.analytics.api import keep_margin_use
from apps.benchmarks.pages import extras, ledger, records
from apps.benchmarks.pages.rows import execute, multiply
from apps.copytrading import api as copying
from apps.copytrading.models import CopyFollower, CopyMaster, SubscriptionVersion
from apps.platforms import api as platforms
from apps.platforms.models import AccountGroup, Connection, Quote, Symbol
from apps.trading.positions import MarginMode

PER_CUSTOMER = 10
PER_FOLLOWER = 2
SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "AUDUSD", "USDCAD", "USDCHF", "NZDUSD", "EURGBP")
_CREDENTIALS = ("client_id", "client_secret", "access_token")
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are."""

    masters: int = 10_000
    subscriptions: int = 100_000
    outcomes: int = 1_000_000
    days: int = 90

    @property
    def followers(self) -> int:
        return max(PER_CUSTOMER, self.subscriptions // PER_FOLLOWER)

    @property
    def customers(self) -> int:
        return max(2, self.followers // PER_CUSTOMER)


def build(size: Size, say: Say) -> None:
    """Fill the empty database. Minutes at full size."""
    now = timezone.now()
    say(f"making {size.masters:,} masters and {size.subscriptions:,} copies")
    owner, customer = _people(size)
    first_master, first_follower = _accounts(owner, customer, size)
    _copies(first_master, first_follower, size)
    _margins()
    say(f"making {size.outcomes:,} outcomes with their events, links and positions")
    ledger.build(size.subscriptions, size.outcomes, now)
    say(f"making {size.days} days of figures, audit entries and drifts")
    records.build(size.masters, size.days, now)
    extras.build(owner, customer, first_master, now)
    _audit()
    execute("ANALYZE")
    figures.update_figures((now - timedelta(days=1)).astimezone(UTC).date())
    months.ensure(now, now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _people(size: Size) -> tuple[User, User]:
    owner = accounts.create_staff(
        actor=None, email="owner@bench.test", password=None, name="Owner", role=Role.OWNER
    )
    accounts.set_module_enabled(actor=owner, module=accounts.Module.COPY_TRADING, enabled=True)
    accounts.create_customer(
        actor=owner, email="c1@bench.test", password=None, name="Customer 1", timezone="UTC"
    )
    user = User.objects.get(email="c1@bench.test")
    base = user.pk - 1
    others = f"generate_series(2, {size.customers}) n"
    multiply(user, others, id=f"{base} + n", email="'c' || n || '@bench.test'")
    customer = Customer.objects.get(user=user)
    multiply(customer, others, user_id=f"{base} + n", name="'Customer ' || n")
    return owner, user


def _accounts(owner: User, user: User, size: Size) -> tuple[CopyMaster, CopyFollower]:
    """Accounts of followers, dealt to the customers in turn, then those of the masters."""
    group = platforms.create_account_group(
        actor=owner, name="Bench", mode=AccountGroup.Mode.DEMO, leverage=Decimal(100),
        currency="USD",
    )  # fmt: skip
    venue = platforms.create_connection(
        actor=owner, name="Bench", platform="paper", server="Bench-1", host="127.0.0.1", port=1,
        tls=False, credentials=dict.fromkeys(_CREDENTIALS, "bench"),
    )  # fmt: skip
    _symbols(venue)
    held = [
        platforms.create_account(
            actor=owner, owner=user, connection=venue, group=group, login=str(number),
            platform_account_id=str(number), margin_mode=MarginMode.HEDGING, name=name,
        )
        for number, name in ((1, "Follower 1"), (10_000_001, "Master 1"))
    ]  # fmt: skip
    first, leading = held
    customers = f"{user.pk} + (n - 1) % {size.customers}"
    ids = {"follower": 1_000_000, "master": 5_000_000}
    for what, account, count, login in (
        ("follower", first, size.followers, 0),
        ("master", leading, size.masters, 10_000_000),
    ):
        number = f"{ids[what]} + n"
        multiply(
            account,
            f"generate_series(2, {count}) n",
            id=number,
            login=f"{login} + n",
            platform_account_id=f"{login} + n",
            name=f"'{what.capitalize()} ' || n",
            owner_id=customers,
        )
    _states()
    follower = copying.create_follower(actor=user, account=first)
    multiply(
        follower, f"generate_series(2, {size.followers}) n",
        id=f"{ids['follower']} + n", account_id=f"{ids['follower']} + n",
    )  # fmt: skip
    master = copying.create_master(
        actor=owner, account=leading, strategy_name="Strategy 1", description="A strategy.",
        visibility=CopyMaster.Visibility.PUBLIC,
    )  # fmt: skip
    multiply(
        master, f"generate_series(2, {size.masters}) n",
        id=f"{ids['master']} + n", account_id=f"{ids['master']} + n",
        strategy_name="'Strategy ' || n",
    )  # fmt: skip
    return master, follower


def _symbols(venue: Connection) -> None:
    for number, name in enumerate(SYMBOLS, 1):
        yen = name.endswith("JPY")
        Symbol.objects.create(
            connection=venue, instrument_id=str(number), name=name, folded=name, base=name[:3],
            quote=name[3:], digits=3 if yen else 5, pip_digits=2 if yen else 4,
            lot_units=100_000, min_units=1_000, step_units=1_000, max_units=10_000_000,
        )  # fmt: skip
        price = Decimal(150) if yen else Decimal("1.1")
        Quote.objects.create(
            connection=venue, instrument_id=str(number), bid=price, ask=price, at=timezone.now()
        )


def _states() -> None:
    execute(
        "INSERT INTO platforms_accountstate (account_id, balance, equity, margin_used, "
        "open_result, open_positions, synced, as_of) SELECT id, 5000 + id % 20000, "
        "5100 + id % 20000, (5100 + id % 20000) * used, 100, 1, true, now() FROM ("
        "  SELECT id, CASE WHEN id % 20 = 0 THEN 0.5 ELSE 0.05 END + id * 7919 % 400 / 1000.0 "
        "  AS used FROM platforms_tradingaccount) accounts"
    )


def _margins() -> None:
    """Every twentieth account is warned of, as it uses much of its equity as margin."""
    execute(
        "INSERT INTO copytrading_marginalarm (account_id, level, used_percent, since) "
        "SELECT account_id, CASE WHEN used >= 80 THEN 'critical' ELSE 'warning' END, used, now() "
        "FROM (SELECT f.account_id, round(st.margin_used / st.equity * 100, 2) AS used "
        "      FROM copytrading_copyfollower f "
        "      JOIN platforms_accountstate st ON st.account_id = f.account_id) followers "
        "WHERE used >= 50"
    )
    keep_margin_use()


def _copies(master: CopyMaster, follower: CopyFollower, size: Size) -> None:
    """Two copies for each follower, the second of the master after the first one's."""
    first = copying.subscribe(
        actor=None, master=master, follower=follower, volume_mode="equity_ratio"
    )
    execute(
        "CREATE TABLE bench_copies AS "
        "SELECT n, f.id AS follower_id, f.account_id AS follower_account, m.id AS master_id, "
        "m.account_id AS master_account "
        "FROM (SELECT n, (n - 1) / 2 AS f, "
        "CASE WHEN n <= 40 THEN n - 1 ELSE floor(%(masters)s * power(random(), 3))::int END AS m "
        "FROM generate_series(2, %(copies)s) n) drawn "
        "JOIN (SELECT id, account_id, row_number() OVER (ORDER BY id) - 1 AS place "
        "      FROM copytrading_copyfollower) f ON f.place = drawn.f %% %(followers)s "
        "JOIN (SELECT id, account_id, row_number() OVER (ORDER BY id) - 1 AS place "
        "      FROM copytrading_copymaster) m ON m.place = drawn.m %% %(masters)s",
        masters=size.masters, copies=size.subscriptions, followers=size.followers,
    )  # fmt: skip
    execute(
        "DELETE FROM bench_copies a USING bench_copies b "
        "WHERE a.follower_id = b.follower_id AND a.master_id = b.master_id AND a.n > b.n"
    )
    base = first.pk - 1
    multiply(
        first, "bench_copies c", id=f"{base} + c.n", master_id="c.master_id",
        follower_id="c.follower_id", created_at="now() - c.n % 300 * interval '1 day'",
        result="c.n % 977 - 400",
    )  # fmt: skip
    version = SubscriptionVersion.objects.get(subscription_id=first.pk)
    multiply(version, "bench_copies c", subscription_id=f"{base} + c.n")
    execute("DROP TABLE bench_copies")


def _audit() -> None:
    entry = AuditEntry.objects.get(action="subscription.create")
    multiply(
        entry,
        "(SELECT row_number() OVER () AS n, id FROM copytrading_copysubscription LIMIT 50000) s",
        at="now() - n * interval '7 minutes'",
        object_id="s.id::text",
    )
