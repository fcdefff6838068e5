"""Accounts that customers add or open by themselves, and their removal."""

from __future__ import annotations

from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.platforms.errors import AlreadyAdded
from apps.platforms.models import AccountGroup, AccountState, Connection, TradingAccount
from apps.trading.positions import MarginMode


def group_for(*, mode: str, currency: str, leverage: Decimal) -> AccountGroup:
    """The group of accounts that customers bring along, made where there is none."""
    kind = AccountGroup.Mode(mode)
    name = f"{kind.label} {currency}"
    return AccountGroup.objects.get_or_create(
        name=name, defaults={"mode": kind, "currency": currency, "leverage": leverage}
    )[0]


@transaction.atomic
def add_account(
    *,
    owner: User,
    connection: Connection,
    group: AccountGroup,
    login: str,
    platform_account_id: str,
    currency: str,
    leverage: Decimal,
    margin_mode: MarginMode,
    name: str = "",
    opened_by_owner: bool = False,
) -> TradingAccount:
    """An account in the name of the customer who acts; one that they removed comes back.

    AlreadyAdded where the account is in use here.
    """
    values = {
        "connection": connection,
        "group": group,
        "platform_account_id": platform_account_id,
        "currency": currency,
        "leverage": leverage,
        "margin_mode": margin_mode.value,
        "active": True,
        "archived_at": None,
    }
    identity = {"platform": connection.platform, "server": connection.server, "login": login}
    former = TradingAccount.objects.select_for_update().filter(**identity).first()
    if former is not None and (former.archived_at is None or former.owner_id != owner.pk):
        raise AlreadyAdded("This account was added already.")
    account = former or TradingAccount(owner=owner, opened_by_owner=opened_by_owner, **identity)
    account.name = name or account.name
    for field, value in values.items():
        setattr(account, field, value)
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        raise AlreadyAdded("This account was added already.") from None
    record_audit(
        actor=owner,
        action="account.restored" if former else "account.created",
        object_type="trading_account",
        object_id=account.pk,
        object_label=str(account),
        after={"login": login, "connection": connection.name},
    )
    return account


@transaction.atomic
def archive_account(*, actor: User | None, account: TradingAccount, reason: str = "") -> None:
    """Take an account out of use; its row and all that refers to it stay.

    Its connection ends with the last account on it where it is the customer's own: it is switched
    off and its tokens are erased. No change where the account was removed already.
    """
    held = TradingAccount.objects.select_for_update().get(pk=account.pk)
    if held.archived_at is not None:
        return
    held.active, held.journaled, held.archived_at = False, False, timezone.now()
    held.save(update_fields=["active", "journaled", "archived_at"])
    AccountState.objects.filter(account=held).update(synced=False)
    record_audit(
        actor=actor,
        action="account.removed",
        object_type="trading_account",
        object_id=held.pk,
        object_label=str(held),
        reason=reason,
    )
    connection = Connection.objects.select_for_update().get(pk=held.connection_id)
    if connection.owner_id is None or connection.accounts.filter(active=True).exists():
        return
    connection.enabled, connection.credentials = False, {}
    connection.save(update_fields=["enabled", "credentials"])
    record_audit(
        actor=actor,
        action="connection.ended",
        object_type="connection",
        object_id=connection.pk,
        object_label=connection.name,
        reason="its last account was removed",
    )


@transaction.atomic
def rename_account(*, actor: User, account: TradingAccount, name: str) -> None:
    """What the customer calls an account; '' is its login."""
    own = TradingAccount.objects.filter(pk=account.pk, owner=actor)
    own.update(name=name.strip()[:64])
