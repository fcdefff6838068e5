"""Who copies whom in a chaos run: many masters, followers of every kind, mixed settings."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.accounts import api as accounts
from apps.accounts.roles import Role
from apps.copytrading import api as copying
from apps.copytrading.models import CopyFollower, CopyMaster
from apps.demo.desk import Endpoint
from apps.demo.plan import Account
from apps.demo.venue import OWNER, VenueSide, open_accounts
from apps.platforms import api as platforms
from apps.platforms.models import AccountGroup, TradingAccount
from apps.trading.positions import MarginMode

MASTER_DEPOSIT = Decimal(50_000_000)
FOLLOWER_DEPOSIT = Decimal(5_000_000)
#: How many masters each account of a round follows; a netting account follows one.
_FOLLOWS = (("hedging", 1), ("netting", 1), ("hedging", 3), ("hedging", 2), ("netting", 1))
_EMAIL = "owner@chaos.test"


@dataclass(frozen=True, slots=True)
class Master:
    """An account that leads: our id of it and the venue's."""

    account_id: int
    venue_account: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A subscription: its accounts, ours and the venue's, and the settings that size it.

    ``volume`` is lots for ``fixed``, else the multiplier; ``base_equity`` is of ``equity_based``.
    """

    subscription_id: int
    master_account_id: int
    account_id: int
    venue_account: int
    netting: bool
    mode: str
    volume: str
    base_equity: str
    copy_stops: bool


@dataclass(frozen=True, slots=True)
class Field:
    """Everything that a run trades and audits; travels between processes as JSON."""

    access_token: str
    client_id: str
    client_secret: str
    port: int
    masters: tuple[Master, ...]
    copies: tuple[Copy, ...]

    def endpoint(self) -> Endpoint:
        return Endpoint(
            "127.0.0.1", self.port, self.client_id, self.client_secret, self.access_token
        )

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Field:
        data = json.loads(path.read_text())
        masters = tuple(Master(**row) for row in data.pop("masters"))
        copies = tuple(Copy(**row) for row in data.pop("copies"))
        return cls(masters=masters, copies=copies, **data)


def build(port: int, admin_port: int, masters: int, subscriptions: int) -> Field:
    """Open all accounts at the venue and in the product, and subscribe them."""
    leads = [Account(f"m{n}", _EMAIL, f"Master {n}", "USD", MASTER_DEPOSIT) for n in range(masters)]
    plan = list(_followers(masters, subscriptions))
    venue = open_accounts(
        host="127.0.0.1",
        port=port,
        admin_port=admin_port,
        accounts=[*leads, *(account for account, _ in plan)],
    )
    desk = _Desk(venue, port)
    rows = [desk.master(account) for account in leads]
    kinds = itertools.cycle(_settings())
    copies: list[Copy] = []
    for account, follows in plan:
        follower, account_id = desk.follower(account)
        copies += (
            desk.subscribe(rows[number], follower, account, account_id, next(kinds))
            for number in follows
        )
    credentials = venue.credentials()
    return Field(
        access_token=venue.access_token,
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        port=port,
        masters=tuple(
            Master(row.account_id, venue.accounts[lead.key])
            for row, lead in zip(rows, leads, strict=True)
        ),
        copies=tuple(copies),
    )


def _followers(masters: int, subscriptions: int) -> Iterator[tuple[Account, list[int]]]:
    """Follower accounts with the numbers of the masters that each follows."""
    left, turn = subscriptions, itertools.cycle(range(masters))
    for number, (margin_mode, many) in enumerate(itertools.cycle(_FOLLOWS)):
        if left <= 0:
            return
        many = min(many, left, masters)
        left -= many
        yield (
            Account(
                f"f{number}", _EMAIL, f"Follower {number}", "USD", FOLLOWER_DEPOSIT, margin_mode
            ),
            [next(turn) for _ in range(many)],
        )


def _settings() -> list[dict[str, Any]]:
    """The kinds of copies, dealt out in turn."""
    return [
        {"volume_mode": "multiplier", "risk_multiplier": Decimal("0.1")},
        {"volume_mode": "equity_ratio", "risk_multiplier": Decimal(1)},
        {"volume_mode": "fixed", "fixed_volume": Decimal("0.37")},
        {"volume_mode": "balance_ratio", "risk_multiplier": Decimal("0.8")},
        {"volume_mode": "multiplier", "risk_multiplier": Decimal("0.0333")},
        {
            "volume_mode": "equity_based",
            "risk_multiplier": Decimal("0.05"),
            "base_equity": Decimal(4_000_000),
        },
        {
            "volume_mode": "multiplier",
            "risk_multiplier": Decimal("0.07"),
            "copy_sl": False,
            "copy_tp": False,
        },
    ]


class _Desk:
    """Makes the rows of the product for accounts of the venue."""

    def __init__(self, venue: VenueSide, port: int) -> None:
        self._venue = venue
        self._owner = accounts.create_staff(
            actor=None, email=_EMAIL, password=None, name="Owner", role=Role.OWNER
        )
        accounts.set_module_enabled(
            actor=self._owner, module=accounts.Module.COPY_TRADING, enabled=True
        )
        self._connection = platforms.create_connection(
            actor=self._owner,
            name=OWNER,
            platform="paper",
            server="Paper-1",
            host="127.0.0.1",
            port=port,
            tls=False,
            credentials=venue.credentials(),
            requests_per_second=0,
            history_per_second=0,
        )
        self._group = platforms.create_account_group(
            actor=self._owner,
            name="Chaos",
            mode=AccountGroup.Mode.DEMO,
            leverage=Decimal(100),
            currency="USD",
        )

    def master(self, account: Account) -> CopyMaster:
        return copying.create_master(
            actor=self._owner,
            account=self._account(account),
            strategy_name=account.name,
            visibility=CopyMaster.Visibility.PUBLIC,
        )

    def follower(self, account: Account) -> tuple[CopyFollower, int]:
        """The follower and its account's id."""
        row = self._account(account)
        return copying.create_follower(actor=self._owner, account=row), row.pk

    def subscribe(
        self,
        master: CopyMaster,
        follower: CopyFollower,
        account: Account,
        account_id: int,
        settings: dict[str, Any],
    ) -> Copy:
        made = copying.subscribe(
            actor=self._owner,
            master=master,
            follower=follower,
            **settings,
        )
        return Copy(
            subscription_id=made.pk,
            master_account_id=master.account_id,
            account_id=account_id,
            venue_account=self._venue.accounts[account.key],
            netting=account.margin_mode == "netting",
            mode=settings["volume_mode"],
            volume=str(settings.get("fixed_volume") or settings["risk_multiplier"]),
            base_equity=str(settings.get("base_equity", "")),
            copy_stops=settings.get("copy_sl", True),
        )

    def _account(self, account: Account) -> TradingAccount:
        return platforms.create_account(
            actor=self._owner,
            owner=self._owner,
            connection=self._connection,
            group=self._group,
            login=str(self._venue.logins[account.key]),
            platform_account_id=str(self._venue.accounts[account.key]),
            margin_mode=MarginMode(account.margin_mode),
            name=account.name,
        )
