"""Filling an empty installation with the demo, through the functions that everybody uses.

The accounts are opened at the venue first, under names that make a second attempt find them;
then one transaction writes all that the product keeps, with the marker among it. So an
interrupted filling leaves an empty installation, and a complete one is never touched again.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.accounts import api as accounts
from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.copytrading import api as copying
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.demo import plan
from apps.demo.errors import NotEmpty
from apps.demo.models import DemoInstallation
from apps.demo.passwords import demo_password
from apps.demo.past import YEAR, Past, live_past
from apps.demo.past_store import PastStore
from apps.demo.selectors import installation
from apps.demo.venue import VenueSide, open_accounts
from apps.platforms import api as platforms
from apps.platforms.models import AccountGroup, Connection, TradingAccount
from apps.trading.positions import MarginMode

SERVER = "Paper-1"


def fill(*, host: str, port: int, admin_port: int, days: int = YEAR) -> bool:
    """Make the installation a demo with a past of so many business days.

    Answers whether it was not one before; on a demo that stands only the venue's address is
    brought up to date. NotEmpty where there is data that is not the demo's.
    """
    marker = installation()
    if marker is not None:
        _follow_address(marker, host, port, admin_port)
        return False
    if User.objects.exists():
        raise NotEmpty
    past = live_past(timezone.now().date(), days)
    opened = [replace(account, deposit=past.deposit(account)) for account in plan.accounts()]
    venue = open_accounts(host=host, port=port, admin_port=admin_port, accounts=opened)
    _write(venue, admin_port, past)
    return True


@transaction.atomic
def _follow_address(marker: DemoInstallation, host: str, port: int, admin_port: int) -> None:
    """The launcher chose other ports for the venue: the connection and the traders follow."""
    address = {"host": host, "port": port, "admin_port": admin_port}
    before, marker.venue = marker.venue, {**marker.venue, **address}
    if marker.venue == before:
        return
    marker.save(update_fields=["venue"])
    if (before["host"], before["port"]) == (host, port):
        return
    platforms.move_connection(
        actor=None,
        connection_id=marker.connection_id,
        host=host,
        port=port,
        reason="the paper venue was started on another port",
    )


@transaction.atomic
def _write(venue: VenueSide, admin_port: int, past: Past) -> None:
    owner = _people()
    connection = platforms.create_connection(
        actor=owner,
        name="Paper venue",
        platform="paper",
        server=SERVER,
        host=venue.host,
        port=venue.port,
        tls=False,
        credentials=venue.credentials(),
    )
    held = _accounts(owner, connection, venue)
    store = PastStore(past, held)
    if past.books:
        store.events()
    masters = _masters(owner, held)
    made = _copies(owner, held, masters)
    if past.books:
        store.rest(made)
    accounts.set_module_enabled(
        actor=owner,
        module=accounts.Module.COPY_TRADING,
        enabled=True,
        reason="the demo shows copy trading",
    )
    DemoInstallation.objects.create(
        connection_id=connection.pk,
        venue={
            "host": venue.host,
            "port": venue.port,
            "admin_port": admin_port,
            "accounts": dict(venue.accounts),
            "deposits": {a.key: str(past.deposit(a)) for a in plan.accounts()},
        },
    )


def _people() -> User:
    """Staff and customers; the owner acts in all that follows."""
    for person in plan.STAFF:
        accounts.create_staff(
            actor=None,
            email=person.email,
            password=demo_password(person.email),
            name=person.name,
            role=Role(person.role),
        )
    owner = User.objects.get(email=plan.STAFF[0].email)
    for person in plan.CUSTOMERS:
        accounts.create_customer(
            actor=owner,
            email=person.email,
            password=demo_password(person.email) if person.signs_in else None,
            name=person.name,
            timezone=person.timezone,
        )
    return owner


def _accounts(actor: User, connection: Connection, venue: VenueSide) -> dict[str, TradingAccount]:
    """Trading accounts by their key in the plan."""
    groups = {
        group.currency: platforms.create_account_group(
            actor=actor,
            name=group.name,
            mode=AccountGroup.Mode.DEMO,
            leverage=Decimal(group.leverage),
            currency=group.currency,
        )
        for group in plan.GROUPS
    }
    owners = {user.email: user for user in User.objects.filter(customer__isnull=False)}
    return {
        account.key: platforms.create_account(
            actor=actor,
            owner=owners[account.owner],
            connection=connection,
            group=groups[account.currency],
            login=str(venue.logins[account.key]),
            platform_account_id=str(venue.accounts[account.key]),
            margin_mode=MarginMode(account.margin_mode),
            name=account.name,
        )
        for account in plan.accounts()
    }


def _masters(actor: User, held: dict[str, TradingAccount]) -> dict[str, CopyMaster]:
    """Public masters by character."""
    masters = {}
    for master in plan.MASTERS:
        masters[master.character] = copying.create_master(
            actor=actor,
            account=held[master.account.key],
            strategy_name=master.strategy,
            description=master.description,
            visibility=CopyMaster.Visibility.PUBLIC,
        )
    return masters


def _copies(
    actor: User, held: dict[str, TradingAccount], masters: dict[str, CopyMaster]
) -> dict[tuple[str, str], CopySubscription]:
    """Followers and their subscriptions, each in the name of its customer."""
    made = {}
    followers: dict[str, CopyFollower] = {}
    for account in plan.FOLLOWERS:
        row = held[account.key]
        followers[account.key] = copying.create_follower(actor=row.owner or actor, account=row)
    for copy in plan.COPIES:
        customer = held[copy.account].owner or actor
        made[copy.account, copy.master] = copying.subscribe(
            actor=customer,
            master=masters[copy.master],
            follower=followers[copy.account],
            **copy.settings(),
        )
        if copy.paused:
            subscription = made[copy.account, copy.master]
            copying.pause(actor=customer, subscription=subscription, reason="away on holiday")
    return made
