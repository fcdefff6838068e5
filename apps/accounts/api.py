"""Changing users, the product's configuration and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Group
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.utils import timezone as django_timezone

from apps.accounts.errors import EmailTaken, NotPermitted
from apps.accounts.models import AuditEntry, Customer, ProductConfig, User
from apps.accounts.roles import Permission, Role
from apps.accounts.selectors import forget_product_config, may
from apps.common.events import publish


class Module(StrEnum):
    """Parts of the product that staff switch on and off."""

    COPY_TRADING = "copy_trading"
    BOT_TRADING = "bot_trading"


#: Published after commit with ``module`` and ``enabled`` when a module is switched.
MODULE_SWITCHED = "product.module_switched"


def record_audit(
    *,
    actor: User | None,
    action: str,
    object_type: str,
    object_id: object,
    object_label: str,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add one line to the audit trail, in the caller's transaction; no actor is the system."""
    AuditEntry.objects.create(
        at=django_timezone.now(),
        actor_id=actor.pk if actor else None,
        actor=actor.email if actor else "system",
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        object_label=object_label[:254],
        reason=reason[:500],
        before=_plain(before),
        after=_plain(after),
    )


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any]:
    encoder = DjangoJSONEncoder()
    return {
        key: value if isinstance(value, str | int | bool | None) else _encoded(encoder, value)
        for key, value in (values or {}).items()
    }


def _encoded(encoder: DjangoJSONEncoder, value: Any) -> Any:
    return value if isinstance(value, list | dict | float) else encoder.default(value)


@transaction.atomic
def create_customer(
    *, actor: User | None, email: str, password: str | None, name: str, timezone: str = "UTC"
) -> User:
    """Give a customer a sign-in. EmailTaken when the address has one; ValidationError on bad data.

    Without a password the customer sets one by the link in a password-reset mail.
    """
    user = _create_user(email, password)
    customer = Customer(user=user, name=name, timezone=timezone)
    customer.full_clean()
    customer.save()
    record_audit(
        actor=actor,
        action="customer.create",
        object_type="user",
        object_id=user.uuid,
        object_label=user.email,
        after={"name": name, "timezone": timezone},
    )
    return user


@transaction.atomic
def create_staff(
    *, actor: User | None, email: str, password: str | None, name: str, role: Role
) -> User:
    """Give a member of staff a sign-in with one role. EmailTaken when the address has one."""
    user = _create_user(
        email, password, is_staff=True, is_superuser=role is Role.OWNER, first_name=name
    )
    user.groups.add(Group.objects.get(name=role))
    record_audit(
        actor=actor,
        action="staff.create",
        object_type="user",
        object_id=user.uuid,
        object_label=user.email,
        after={"name": name, "role": role},
    )
    return user


def _create_user(email: str, password: str | None, **fields: Any) -> User:
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, **fields)
    except IntegrityError:
        raise EmailTaken(email) from None


@transaction.atomic
def set_module_enabled(
    *, actor: User | None, module: Module | str, enabled: bool, reason: str = ""
) -> None:
    """Switch a module on or off for the whole installation; no change when it already is so.

    NotPermitted for an actor whose roles do not manage the product.
    """
    if actor is not None and not may(actor, Permission.MANAGE_PRODUCT):
        raise NotPermitted("Switching modules needs the role owner or admin.")
    module = Module(module)
    field = f"{module}_enabled"
    ProductConfig.objects.get_or_create(pk=1)
    config = ProductConfig.objects.select_for_update().get(pk=1)
    before = getattr(config, field)
    if before == enabled:
        return
    setattr(config, field, enabled)
    config.save(update_fields=[field, "updated_at"])
    record_audit(
        actor=actor,
        action="module.enable" if enabled else "module.disable",
        object_type="product_config",
        object_id=module,
        object_label=module.replace("_", " ").capitalize(),
        reason=reason,
        before={"enabled": before},
        after={"enabled": enabled},
    )
    transaction.on_commit(forget_product_config)
    publish(MODULE_SWITCHED, module=str(module), enabled=enabled)
