"""Changing users, the product's configuration and the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict, Unpack

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import Field
from django.utils import timezone as django_timezone

from apps.accounts.errors import EmailTaken, InvalidDefaults, NotPermitted
from apps.accounts.models import AuditEntry, Customer, User
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import Permission, Role
from apps.accounts.selectors import forget_product_config, may
from apps.common.events import publish, publish_all


class Module(StrEnum):
    """Parts of the product that staff switch on and off."""

    COPY_TRADING = "copy_trading"
    BOT_TRADING = "bot_trading"


#: Published after commit with ``module`` and ``enabled`` when a module is switched.
MODULE_SWITCHED = "product.module_switched"
DEFAULTS_CHANGED = "product.defaults_changed"
#: Every line of the audit trail is published as this and its action, with the values of the line.
AUDITED = "audit."


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
    subject = AuditSubject(object_id, object_label, before or {}, after or {})
    record_audits(
        actor=actor, action=action, object_type=object_type, subjects=[subject], reason=reason
    )


class AuditSubject(NamedTuple):
    """What something was done to, with the values that changed."""

    object_id: object
    label: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def record_audits(
    *,
    actor: User | None,
    action: str,
    object_type: str,
    subjects: Iterable[AuditSubject],
    reason: str = "",
) -> None:
    """The same done to several things at once: one line for each, in few statements."""
    entries: list[dict[str, Any]] = [
        {
            "actor_id": actor.pk if actor else None,
            "actor": actor.email if actor else "system",
            "action": action,
            "object_type": object_type,
            "object_id": str(subject.object_id),
            "object_label": subject.label[:254],
            "reason": reason[:500],
            "before": _plain(subject.before),
            "after": _plain(subject.after),
        }
        for subject in subjects
    ]
    now = django_timezone.now()
    AuditEntry.objects.bulk_create(AuditEntry(at=now, **entry) for entry in entries)
    publish_all(f"{AUDITED}{action}", entries)


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
    """Give a member of staff a sign-in with one role. EmailTaken when the address has one.

    Without a password it is set by the link in a password-reset mail. NotPermitted for an actor
    who does not manage staff.
    """
    if actor is not None and not may(actor, Permission.MANAGE_STAFF):
        raise NotPermitted("Only owners give people a role.")
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
    config = _locked_config()
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


class ProductDefaults(TypedDict, total=False):
    """What accounts and subscriptions inherit; 0 in a guard is no limit."""

    max_delay_s: int
    stale_account_s: int
    max_slippage: Decimal
    min_margin_level: Decimal
    max_positions: int
    min_equity: Decimal
    loss_limit: Decimal
    max_master_count: int
    max_paper_accounts: int
    master_min_age_days: int
    master_min_trades: int
    master_min_equity: Decimal
    master_max_drawdown: Decimal
    master_rules_bind: bool
    margin_warning: Decimal
    margin_critical: Decimal
    gate_daily_loss: Decimal
    gate_drawdown: Decimal
    gate_leverage: Decimal
    alarm_drawdown: Decimal
    alarm_size_growth: Decimal
    alarm_averaging_down: int
    alarm_leverage: Decimal
    alarm_silence: Decimal


DEFAULTS = frozenset(ProductDefaults.__annotations__)


def default_field(name: str) -> forms.Field:
    """A form field for one of the defaults, as the model describes it."""
    field = ProductConfig._meta.get_field(name)
    assert isinstance(field, Field)
    found = field.formfield()
    assert found is not None
    return found


@transaction.atomic
def update_product_defaults(
    *, actor: User | None, reason: str = "", **values: Unpack[ProductDefaults]
) -> dict[str, Any]:
    """Change defaults for the whole installation; answers those that changed, as they are now.

    They hold for everything that is planned or sent later than a second after the commit.
    NotPermitted for an actor whose roles do not manage the product, InvalidDefaults for values
    that cannot be.
    """
    if actor is not None and not may(actor, Permission.MANAGE_PRODUCT):
        raise NotPermitted("Changing defaults needs the role owner or admin.")
    config = _locked_config()
    before = {name: getattr(config, name) for name in values if name in DEFAULTS}
    after = _cleaned(config, values)
    changed = {name: value for name, value in after.items() if before[name] != value}
    if not changed:
        return {}
    config.save(update_fields=[*changed, "updated_at"])
    record_audit(
        actor=actor,
        action="defaults.update",
        object_type="product_config",
        object_id="defaults",
        object_label="Defaults",
        reason=reason,
        before={name: before[name] for name in changed},
        after=changed,
    )
    transaction.on_commit(forget_product_config)
    publish(DEFAULTS_CHANGED, names=sorted(changed))
    return changed


def _cleaned(config: ProductConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    errors = {name: f"{name} is not a default." for name in values if name not in DEFAULTS}
    for name in values.keys() - errors.keys():
        field = config._meta.get_field(name)
        assert isinstance(field, Field)
        try:
            setattr(config, name, field.clean(values[name], config))
        except ValidationError as error:
            errors[name] = " ".join(error.messages)
    if not errors and 0 < config.margin_critical <= config.margin_warning:
        errors["margin_critical"] = "The critical level must be above that of the warning."
    if errors:
        raise InvalidDefaults(errors)
    return {name: getattr(config, name) for name in values}


def _locked_config() -> ProductConfig:
    ProductConfig.objects.get_or_create(pk=1)
    return ProductConfig.objects.select_for_update().get(pk=1)
