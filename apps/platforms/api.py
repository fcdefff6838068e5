"""Writing connections, account groups and trading accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.db import transaction

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.common.fields import encrypt_json
from apps.platforms.found import FoundAccount
from apps.platforms.granting import (
    accounts_to_choose,
    add_accounts,
    finish,
    grant_of,
    replace_application,
)
from apps.platforms.models import (
    AccountGroup,
    Connection,
    ConnectionState,
    Symbol,
    TradingAccount,
)
from apps.platforms.oauth import authorize_url
from apps.platforms.opening import archive_account, rename_account
from apps.platforms.paper import open_paper_account
from apps.platforms.registry import CATALOGUE, Status, UnknownPlatform
from apps.platforms.selectors import folded_name
from apps.trading.positions import MarginMode

__all__ = [
    "FoundAccount", "accounts_to_choose", "add_accounts", "archive_account", "authorize_url",
    "create_account", "create_account_group", "create_connection", "encrypted", "finish",
    "grant_of", "move_connection", "open_paper_account", "rename_account",
    "replace_application", "set_journaled", "update_credentials",
]  # fmt: skip


@transaction.atomic
def create_connection(
    *,
    actor: User | None,
    name: str,
    platform: str,
    server: str,
    host: str,
    port: int,
    tls: bool,
    credentials: Mapping[str, str],
    requests_per_second: int = 50,
    history_per_second: int = 5,
    symbol_prefixes: str = "",
    symbol_suffixes: str = "",
) -> Connection:
    """Store a connection; a gateway takes it up within seconds.

    ``credentials`` are what the platform's catalogue entry asks for. Raises UnknownPlatform
    for a platform without an adapter, ValueError where a value is missing.
    """
    _check(platform, credentials)
    connection = Connection.objects.create(
        name=name,
        platform=platform,
        server=server,
        host=host,
        port=port,
        tls=tls,
        credentials=dict(credentials),  # type: ignore[misc]  # the field encrypts it
        requests_per_second=requests_per_second,
        history_per_second=history_per_second,
        symbol_prefixes=symbol_prefixes,
        symbol_suffixes=symbol_suffixes,
    )
    ConnectionState.objects.create(connection=connection)
    record_audit(
        actor=actor,
        action="connection.created",
        object_type="connection",
        object_id=connection.pk,
        object_label=name,
        after={"platform": platform, "server": server, "host": host, "port": port},
    )
    return connection


@transaction.atomic
def update_credentials(
    *,
    actor: User | None,
    connection_id: int,
    credentials: Mapping[str, str],
    reason: str = "",
) -> None:
    """Replace the credentials; the session is made anew with them."""
    connection = Connection.objects.select_for_update().get(pk=connection_id)
    _check(connection.platform, credentials)
    connection.credentials = dict(credentials)
    connection.save(update_fields=["credentials"])
    record_audit(
        actor=actor,
        action="connection.credentials_replaced",
        object_type="connection",
        object_id=connection.pk,
        object_label=connection.name,
        reason=reason,
    )


@transaction.atomic
def move_connection(
    *, actor: User | None, connection_id: int, host: str, port: int, reason: str = ""
) -> None:
    """The platform's server has another address; sessions made from now on use it."""
    connection = Connection.objects.select_for_update().get(pk=connection_id)
    before = {"host": connection.host, "port": connection.port}
    connection.host, connection.port = host, port
    connection.save(update_fields=["host", "port"])
    record_audit(
        actor=actor,
        action="connection.moved",
        object_type="connection",
        object_id=connection.pk,
        object_label=connection.name,
        reason=reason,
        before=before,
        after={"host": host, "port": port},
    )


class ConnectionChanges(TypedDict, total=False):
    """What of a connection may change while it stands."""

    name: str
    host: str
    port: int
    tls: bool
    symbol_prefixes: str
    symbol_suffixes: str
    requests_per_second: int
    history_per_second: int
    enabled: bool


@transaction.atomic
def update_connection(
    *,
    actor: User | None,
    connection_id: int,
    reason: str = "",
    **changes: Unpack[ConnectionChanges],
) -> dict[str, Any]:
    """Change a connection; answers what changed. Its session is made anew where that is needed.

    Prefixes and suffixes hold at once for matching symbols. Switched off, no gateway holds it:
    nothing is received, nothing is sent. ValidationError for values that cannot be.
    """
    connection = Connection.objects.select_for_update().get(pk=connection_id)
    before = {name: getattr(connection, name) for name in changes}
    changed = {name: value for name, value in changes.items() if before[name] != value}
    if not changed:
        return {}
    for name, value in changed.items():
        setattr(connection, name, value)
    connection.full_clean(exclude=["credentials"])
    connection.save(update_fields=sorted(changed))
    if changed.keys() & {"symbol_prefixes", "symbol_suffixes"}:
        _fold_again(connection)
    record_audit(
        actor=actor,
        action="connection.changed",
        object_type="connection",
        object_id=connection.pk,
        object_label=connection.name,
        reason=reason,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return changed


def _fold_again(connection: Connection) -> None:
    """Match symbols by the prefixes and suffixes that hold now."""
    symbols = list(Symbol.objects.filter(connection=connection))
    for symbol in symbols:
        symbol.folded = folded_name(connection, symbol.name)
    Symbol.objects.bulk_update(symbols, ["folded"], batch_size=500)


def _check(platform: str, credentials: Mapping[str, str]) -> None:
    entry = CATALOGUE.get(platform)
    if entry is None or entry.status is Status.RETIRED:
        raise UnknownPlatform(f"there is no adapter for platform {platform!r}")
    missing = [name for name in entry.credentials if not credentials.get(name)]
    if missing:
        raise ValueError(f"{entry.name} needs {', '.join(missing)}: add them to the connection")


@transaction.atomic
def create_account_group(
    *,
    actor: User | None,
    name: str,
    mode: AccountGroup.Mode,
    leverage: Decimal,
    currency: str,
) -> AccountGroup:
    """Store a group; its name must be new."""
    group = AccountGroup.objects.create(name=name, mode=mode, leverage=leverage, currency=currency)
    record_audit(
        actor=actor,
        action="account_group.created",
        object_type="account_group",
        object_id=group.pk,
        object_label=name,
        after={"mode": mode, "leverage": str(leverage), "currency": currency},
    )
    return group


@transaction.atomic
def update_account_group(
    *, actor: User | None, group_id: int, reason: str = "", **changes: Unpack[GroupChanges]
) -> dict[str, Any]:
    """Change a group; answers what changed. Accounts keep their own leverage and currency.

    ValidationError for values that cannot be.
    """
    group = AccountGroup.objects.select_for_update().get(pk=group_id)
    before = {name: getattr(group, name) for name in changes}
    changed = {name: value for name, value in changes.items() if before[name] != value}
    if not changed:
        return {}
    for name, value in changed.items():
        setattr(group, name, value)
    group.full_clean()
    group.save(update_fields=sorted(changed))
    record_audit(
        actor=actor,
        action="account_group.changed",
        object_type="account_group",
        object_id=group.pk,
        object_label=group.name,
        reason=reason,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return changed


class GroupChanges(TypedDict, total=False):
    """What of an account group may change."""

    name: str
    mode: str
    leverage: Decimal
    currency: str


@transaction.atomic
def create_account(
    *,
    actor: User | None,
    owner: User | None,
    connection: Connection,
    group: AccountGroup,
    login: str,
    platform_account_id: str,
    margin_mode: MarginMode,
    name: str = "",
    currency: str = "",
    leverage: Decimal | None = None,
) -> TradingAccount:
    """Store a trading account on a connection; the gateway attaches it within seconds.

    ``currency`` and ``leverage`` come from the group unless given. Raises IntegrityError when
    the login exists on that server.
    """
    account = TradingAccount.objects.create(
        owner=owner,
        connection=connection,
        group=group,
        platform=connection.platform,
        server=connection.server,
        login=login,
        platform_account_id=platform_account_id,
        name=name,
        currency=currency or group.currency,
        leverage=group.leverage if leverage is None else leverage,
        margin_mode=margin_mode.value,
    )
    record_audit(
        actor=actor,
        action="account.created",
        object_type="trading_account",
        object_id=account.pk,
        object_label=str(account),
        after={"login": login, "connection": connection.name},
    )
    return account


def set_journaled(*, account_ids: Sequence[int], on: bool) -> None:
    """Switch the journal of accounts; the gateway asks the database with every event."""
    TradingAccount.objects.filter(pk__in=account_ids).update(journaled=on)


def encrypted(credentials: Mapping[str, str]) -> str:
    """Credentials as they stand in the database, for writers that speak SQL themselves."""
    return encrypt_json(dict(credentials))
