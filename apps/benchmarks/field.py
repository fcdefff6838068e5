"""Accounts to measure on: masters and their followers, at the venue and in the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.accounts import api as accounts
from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.benchmarks.rig import Rig
from apps.copytrading import api as copying
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.demo.desk import Endpoint
from apps.demo.plan import Account
from apps.demo.venue import VenueSide, open_accounts
from apps.platforms import api as platforms
from apps.platforms.models import AccountGroup, Connection, ConnectionState, TradingAccount
from apps.platforms.selectors import account_states, connection_state
from apps.trading.positions import MarginMode

MASTER_DEPOSIT = Decimal(10_000_000)
FOLLOWER_DEPOSIT = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Crew:
    """A master and its followers: our account ids, and the venue's in the same order."""

    master_id: int
    master: int
    follower_ids: tuple[int, ...]
    followers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Field:
    endpoint: Endpoint
    connection_id: int
    crews: tuple[Crew, ...]

    @property
    def account_ids(self) -> list[int]:
        """Every account of ours."""
        return [i for crew in self.crews for i in (crew.master_id, *crew.follower_ids)]


def build(
    rig: Rig,
    crews: Sequence[int],
    *,
    requests_per_second: int = 0,
    max_delay_s: int = 0,
    margin_modes: Sequence[str] = ("hedging",),
) -> Field:
    """A master for each number in ``crews`` with as many followers, all copying by equity.

    The followers have a tenth of the master's equity. ``requests_per_second`` is the limit
    that the gateway keeps (0: none), ``margin_modes`` are dealt to the followers in turn.
    """
    rig.wait_until(rig.venue_listens, "the venue's start", 30)
    keys = _keys(crews, margin_modes)
    venue = open_accounts(
        host="127.0.0.1",
        port=rig.port,
        admin_port=rig.admin_port,
        accounts=[account for crew in keys for account in crew],
    )
    owner = accounts.create_staff(
        actor=None, email="owner@bench.test", password=None, name="Owner", role=Role.OWNER
    )
    accounts.set_module_enabled(actor=owner, module=accounts.Module.COPY_TRADING, enabled=True)
    connection = _connect(owner, venue, requests_per_second)
    group = platforms.create_account_group(
        actor=owner,
        name="Bench",
        mode=AccountGroup.Mode.DEMO,
        leverage=Decimal(100),
        currency="USD",
    )
    return Field(
        endpoint=venue.endpoint(),
        connection_id=connection.pk,
        crews=tuple(_crew(owner, crew, connection, group, venue, max_delay_s) for crew in keys),
    )


def field_is_live(field: Field) -> bool:
    """Whether the gateway has read every account and the connection is live."""
    state = connection_state(field.connection_id)
    if state is None or state.status != ConnectionState.Status.LIVE:
        return False
    known = account_states(field.account_ids)
    return len(known) == len(field.account_ids) and all(row.synced for row in known.values())


def _keys(crews: Sequence[int], margin_modes: Sequence[str]) -> list[list[Account]]:
    """Plans of the accounts, each crew's master first."""
    owner = "owner@bench.test"
    return [
        [
            Account(f"m{n}", owner, f"Master {n}", "USD", MASTER_DEPOSIT),
            *(
                Account(
                    f"m{n}f{i}",
                    owner,
                    f"Follower {n}/{i}",
                    "USD",
                    FOLLOWER_DEPOSIT,
                    margin_modes[i % len(margin_modes)],
                )
                for i in range(followers)
            ),
        ]
        for n, followers in enumerate(crews)
    ]


def _connect(owner: User, venue: VenueSide, requests_per_second: int) -> Connection:
    return platforms.create_connection(
        actor=owner,
        name="Paper venue",
        platform="paper",
        server="Paper-1",
        host=venue.host,
        port=venue.port,
        tls=False,
        credentials=venue.credentials(),
        requests_per_second=requests_per_second,
        history_per_second=0,
    )


def _crew(
    owner: User,
    crew: Sequence[Account],
    connection: Connection,
    group: AccountGroup,
    venue: VenueSide,
    max_delay_s: int,
) -> Crew:
    master_account = _account(owner, crew[0], connection, group, venue)
    master = copying.create_master(
        actor=owner,
        account=master_account,
        strategy_name=crew[0].name,
        visibility=CopyMaster.Visibility.PUBLIC,
    )
    rows: list[TradingAccount] = []
    if len(crew) > 1:
        # The first is made as a person makes it, the others are written like it.
        rows = [_account(owner, crew[1], connection, group, venue)]
        follower = copying.create_follower(actor=owner, account=rows[0])
        first = copying.subscribe(
            actor=owner,
            master=master,
            follower=follower,
            volume_mode="equity_ratio",
            max_delay_s=max_delay_s,
        )
        rows += _accounts_like(rows[0], crew[2:], venue)
        _subscribe_like(first, rows[1:])
    return Crew(
        master_id=master_account.pk,
        master=venue.accounts[crew[0].key],
        follower_ids=tuple(row.pk for row in rows),
        followers=tuple(venue.accounts[account.key] for account in crew[1:]),
    )


def _accounts_like(
    first: TradingAccount, accounts: Sequence[Account], venue: VenueSide
) -> list[TradingAccount]:
    return TradingAccount.objects.bulk_create(
        _like(
            first,
            login=str(venue.logins[account.key]),
            platform_account_id=str(venue.accounts[account.key]),
            margin_mode=MarginMode(account.margin_mode).value,
            name=account.name,
        )
        for account in accounts
    )


def _subscribe_like(first: CopySubscription, accounts: Sequence[TradingAccount]) -> None:
    followers = CopyFollower.objects.bulk_create(
        _like(first.follower, account=account) for account in accounts
    )
    CopySubscription.objects.bulk_create(_like(first, follower=follower) for follower in followers)


def _like(first: Any, **changes: Any) -> Any:
    """A row that is not stored yet with the values of one that is, but an identity of its own."""
    own = {"id", "uuid", *changes}
    values = {
        field.attname: getattr(first, field.attname)
        for field in first._meta.concrete_fields
        if field.name not in own
    }
    return type(first)(**values, **changes)


def _account(
    owner: User,
    account: Account,
    connection: Connection,
    group: AccountGroup,
    venue: VenueSide,
) -> TradingAccount:
    return platforms.create_account(
        actor=owner,
        owner=owner,
        connection=connection,
        group=group,
        login=str(venue.logins[account.key]),
        platform_account_id=str(venue.accounts[account.key]),
        margin_mode=MarginMode(account.margin_mode),
        name=account.name,
    )
