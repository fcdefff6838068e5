"""From access that a customer gave to accounts in the house.

The tokens of one customer may open accounts of several brokers, live and demo. Each (server) is a
connection of its own, since its symbols are; all share the tokens by their ``access_grant``.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.platforms import oauth
from apps.platforms.errors import AccessDenied, AlreadyAdded, PlatformAway, PlatformRefusal
from apps.platforms.found import PLATFORM, FoundAccount, read_accounts, split_address
from apps.platforms.models import Connection, ConnectionState, PendingGrant, TradingAccount
from apps.platforms.opening import add_account, group_for
from apps.platforms.ports import AuthRefused, PlatformError
from apps.trading.positions import MarginMode

#: How long a customer may take to choose accounts.
KEPT = timedelta(hours=1)


def finish(*, owner: User, code: str, redirect_url: str) -> tuple[PendingGrant, int]:
    """Exchange a code and find the accounts that it opens.

    Connections of accounts that the customer has here already get the new tokens at once; their
    number is answered beside what is there to choose from. PlatformRefusal says what went wrong.
    """
    values = oauth.exchange(code=code, redirect_url=redirect_url)
    try:
        found = asyncio.run(read_accounts(values))
    except AuthRefused:
        raise AccessDenied(
            "cTrader gave access and then refused it. Nothing was added; please begin again."
        ) from None
    except (ConnectionError, PlatformError, TimeoutError):
        raise PlatformAway(
            "cTrader gave access, but its trading server does not answer at the moment. Nothing "
            "was added; please begin again in some minutes."
        ) from None
    if not found:
        raise AccessDenied(
            "Your cTrader ID gave access to no trading account. Allow at least one account on "
            "cTrader's page."
        )
    with transaction.atomic():
        forget_grants()
        renewed = _renew(owner, values, found)
        PendingGrant.objects.filter(owner=owner, platform=PLATFORM).delete()
        grant = PendingGrant.objects.create(
            owner=owner,
            platform=PLATFORM,
            credentials=values,  # type: ignore[misc]  # the field encrypts it
            accounts=[asdict(account) for account in found],
        )
    return grant, renewed


def grant_of(owner: User, uuid: uuid.UUID) -> PendingGrant | None:
    """Access that this customer gave within the last hour."""
    since = timezone.now() - KEPT
    return PendingGrant.objects.filter(owner=owner, uuid=uuid, created_at__gte=since).first()


def accounts_to_choose(grant: PendingGrant) -> list[FoundAccount]:
    """The accounts of a grant, with what stands in the way of each as of now."""
    found = [FoundAccount(**values) for values in grant.accounts]
    known = {
        (row.server, row.login): row
        for row in TradingAccount.objects.filter(
            platform=grant.platform, login__in=[account.login for account in found]
        )
    }
    return [
        replace(a, problem=a.problem or _problem(known.get((a.server, a.login)), grant.owner_id))
        for a in found
    ]


@transaction.atomic
def add_accounts(*, owner: User, grant: PendingGrant, logins: Collection[str]) -> int:
    """Add the chosen accounts (``server/login``), all or none; answers how many.

    AlreadyAdded where one of them was added meanwhile, PlatformRefusal where one cannot be used.
    """
    held = PendingGrant.objects.select_for_update().filter(pk=grant.pk, owner=owner).first()
    if held is None:
        raise AlreadyAdded("These accounts were added already, or the permission has expired.")
    chosen = [a for a in accounts_to_choose(held) if f"{a.server}/{a.login}" in logins]
    if not chosen:
        raise PlatformRefusal("Choose at least one account.")
    for account in chosen:
        if account.problem:
            raise AlreadyAdded(f"Account {account.login} on {account.server}: {account.problem}")
    by_server = defaultdict(list)
    for account in chosen:
        by_server[account.server].append(account)
    access_grant = _grant_of_connections(held, owner)
    for server, accounts in by_server.items():
        connection = _connection(owner, held, server, accounts[0].is_live, access_grant)
        for account in accounts:
            _add(owner, connection, account)
    held.delete()
    return len(chosen)


def forget_grants() -> int:
    """Erase access that nobody chose accounts for; answers how many."""
    return PendingGrant.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _problem(known: TradingAccount | None, owner_id: int) -> str:
    """Why an account that the house knows cannot be added; '' where it can."""
    if known is None or (known.archived_at is not None and known.owner_id == owner_id):
        return ""
    if known.owner_id == owner_id:
        return "It is among your accounts already."
    return "It was added here by somebody else. If it is yours, ask our staff."


def _renew(owner: User, values: dict[str, str], found: Iterable[FoundAccount]) -> int:
    """Give the new tokens to the customer's connections that carry one of these accounts."""
    accounts = TradingAccount.objects.filter(
        owner=owner,
        platform=PLATFORM,
        archived_at=None,
        connection__owner=owner,
        login__in=[a.login for a in found],
        server__in={a.server for a in found},
    )
    count = accounts.count()
    if count:
        marks = accounts.values_list("connection__access_grant", flat=True)
        _store_tokens(owner, values, {mark for mark in marks if mark})
    return count


def _store_tokens(owner: User, values: dict[str, str], grants: Collection[uuid.UUID]) -> None:
    for connection in Connection.objects.select_for_update().filter(
        owner=owner, access_grant__in=grants
    ):
        connection.credentials = dict(values)
        connection.save(update_fields=["credentials"])
        record_audit(
            actor=owner,
            action="connection.credentials_replaced",
            object_type="connection",
            object_id=connection.pk,
            object_label=connection.name,
            reason="access was given anew",
        )


def _grant_of_connections(grant: PendingGrant, owner: User) -> uuid.UUID:
    """The mark of the tokens: that of connections which were given them already, or a new one."""
    logins = [FoundAccount(**values).login for values in grant.accounts]
    known = TradingAccount.objects.filter(
        owner=owner, platform=grant.platform, archived_at=None, connection__owner=owner,
        login__in=logins,
    )  # fmt: skip
    mark = known.values_list("connection__access_grant", flat=True).first()
    return mark or grant.uuid


def _connection(
    owner: User, grant: PendingGrant, server: str, is_live: bool, access_grant: uuid.UUID
) -> Connection:
    """The connection of these tokens with this server, made where there is none."""
    found = Connection.objects.filter(
        owner=owner, access_grant=access_grant, server=server, platform=grant.platform
    ).first()
    if found is not None:
        if not found.enabled:
            found.credentials, found.enabled = dict(grant.credentials), True
            found.save(update_fields=["credentials", "enabled"])
        return found
    host, port = split_address(settings.CTRADER_LIVE if is_live else settings.CTRADER_DEMO)
    connection = Connection.objects.create(
        name=f"{server[:40]} #{uuid.uuid4().hex[:8]}",
        platform=grant.platform,
        server=server,
        host=host,
        port=port,
        tls=settings.CTRADER_TLS,
        credentials=dict(grant.credentials),  # type: ignore[misc]  # the field encrypts it
        owner=owner,
        access_grant=access_grant,
    )
    ConnectionState.objects.create(connection=connection)
    record_audit(
        actor=owner,
        action="connection.created",
        object_type="connection",
        object_id=connection.pk,
        object_label=connection.name,
        after={"platform": grant.platform, "server": server, "host": host, "port": port},
    )
    return connection


def _add(owner: User, connection: Connection, account: FoundAccount) -> None:
    leverage = Decimal(account.leverage or 1)
    terms: dict[str, Any] = {
        "login": account.login,
        "platform_account_id": account.account,
        "currency": account.currency,
        "leverage": leverage,
        "margin_mode": MarginMode(account.margin_mode),
    }
    mode = "real" if account.is_live else "demo"
    add_account(
        owner=owner,
        connection=connection,
        group=group_for(mode=mode, currency=account.currency, leverage=leverage),
        **terms,
    )


@transaction.atomic
def replace_application(*, client_id: str, client_secret: str) -> int:
    """Write the application's secret into customers' connections that lack it; answers how many.

    For the same application: the tokens of another one are worth nothing to it.
    """
    changed = 0
    rows = Connection.objects.select_for_update().filter(
        platform=PLATFORM, owner__isnull=False, enabled=True
    )
    for connection in rows:
        values = {**connection.credentials, "client_secret": client_secret}
        if values.get("client_id") != client_id or values == connection.credentials:
            continue
        connection.credentials = values
        connection.save(update_fields=["credentials"])
        record_audit(
            actor=None,
            action="connection.credentials_replaced",
            object_type="connection",
            object_id=connection.pk,
            object_label=connection.name,
            reason="the application has a new secret",
        )
        changed += 1
    return changed
