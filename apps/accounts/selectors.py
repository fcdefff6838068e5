"""Reading users, roles, the product's configuration and the audit trail."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from apps.accounts.models import AuditEntry, Customer, SignIn, User
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import PERMISSIONS, Permission, Role
from apps.accounts.second_factor import lacks_second_factor
from apps.common.kept_queries import KeptQuery

# Other processes see a change of the configuration after at most this long.
_CONFIG_AGE_S = 1.0


@dataclass(frozen=True, slots=True)
class ProductSettings:
    """The product's configuration as it was read: durations in seconds, slippage and margin
    level in percent; 0 in a guard is no limit, in a rule or alarm for masters none."""

    copy_trading_enabled: bool
    bot_trading_enabled: bool
    max_delay_s: int
    stale_account_s: int
    max_slippage: Decimal
    min_margin_level: Decimal
    max_positions: int
    min_equity: Decimal
    loss_limit: Decimal
    max_master_count: int
    margin_warning: Decimal = Decimal(50)
    margin_critical: Decimal = Decimal(80)
    max_paper_accounts: int = 5
    master_min_age_days: int = 30
    master_min_trades: int = 20
    master_min_equity: Decimal = Decimal(0)
    master_max_drawdown: Decimal = Decimal(50)
    master_rules_bind: bool = True
    gate_daily_loss: Decimal = Decimal(10)
    gate_drawdown: Decimal = Decimal(30)
    gate_leverage: Decimal = Decimal(30)
    alarm_drawdown: Decimal = Decimal("1.2")
    alarm_size_growth: Decimal = Decimal("1.5")
    alarm_averaging_down: int = 4
    alarm_leverage: Decimal = Decimal(3)
    alarm_silence: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the audit trail, for showing."""

    id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    object_label: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]


AUDIT_FIELDS = tuple(AuditRow.__dataclass_fields__)


class _ConfigCache:
    value: ProductSettings | None = None
    read_at = 0.0


def product_config() -> ProductSettings:
    """The product's configuration, read at most once a second in each process."""
    now = time.monotonic()
    if _ConfigCache.value is None or now - _ConfigCache.read_at > _CONFIG_AGE_S:
        fields = tuple(ProductSettings.__dataclass_fields__)
        row = ProductConfig.objects.values(*fields).first()
        fresh = ProductConfig()
        _ConfigCache.value = ProductSettings(**(row or {f: getattr(fresh, f) for f in fields}))
        _ConfigCache.read_at = now
    return _ConfigCache.value


def forget_product_config() -> None:
    """Read it anew at the next use; called after a change in this process."""
    _ConfigCache.value = None


def roles_of(user: User | AnonymousUser) -> frozenset[Role]:
    """The staff roles of an active user; owners are also all superusers.

    None for those of staff who must set up a second factor first.
    """
    if not isinstance(user, User) or not user.is_active or not user.is_staff:
        return frozenset()
    if lacks_second_factor(user):
        return frozenset()
    if user.is_superuser:
        return frozenset({Role.OWNER})
    cached = getattr(user, "_roles", None)
    if cached is None:
        names = set(user.groups.values_list("name", flat=True))
        cached = frozenset(role for role in Role if role in names)
        user._roles = cached  # type: ignore[attr-defined]
    return cached


def is_staff_member(user: User | AnonymousUser) -> bool:
    """Whether the user has any staff role, and so may see the console."""
    return bool(roles_of(user))


def may(user: User | AnonymousUser, permission: Permission) -> bool:
    """Whether one of the user's staff roles grants the permission."""
    return any(permission in PERMISSIONS[role] for role in roles_of(user))


def customer_of(user: User | AnonymousUser) -> Customer | None:
    """The customer behind a user; none for most staff."""
    if not isinstance(user, User):
        return None
    return Customer.objects.filter(user=user).first()


def customer_by_uuid(uuid: UUID) -> Customer | None:
    """The customer behind the user with this uuid, with the user; for staff."""
    return next(iter(_CUSTOMER(uuid)), None)


_CUSTOMER = KeptQuery(lambda: Customer.objects.select_related("user"), "accounts_user.uuid = %s")


def staff_members() -> list[User]:
    """Everybody with a staff sign-in, with their groups, by address; two queries."""
    return list(User.objects.filter(is_staff=True).prefetch_related("groups").order_by("email"))


def staff_member(uuid: UUID) -> User | None:
    """A member of staff."""
    return User.objects.filter(uuid=uuid, is_staff=True).first()


def customer_may(user_id: int | None, permission: str) -> bool:
    """Whether staff allow the owner of something this: may_copy, may_be_master, may_run_bots.

    What belongs to nobody, or to staff, is not held back.
    """
    if user_id is None:
        return True
    found = Customer.objects.filter(user_id=user_id).values_list(permission, flat=True).first()
    return True if found is None else bool(found)


def find_user(email: str) -> User | None:
    """The user with this address, in whatever case it is written."""
    return User.objects.filter(email=email.strip().lower()).first()


def audit_trail(*, object_type: str = "", object_id: str = "", limit: int = 100) -> list[AuditRow]:
    """The latest entries, newest first; of one object when it is named."""
    entries: QuerySet[AuditEntry] = AuditEntry.objects.order_by("-at", "-id")
    if object_type:
        entries = entries.filter(object_type=object_type)
    if object_id:
        entries = entries.filter(object_id=object_id)
    return [AuditRow(**row) for row in entries.values(*AUDIT_FIELDS)[:limit]]


def recent_sign_ins(user: User, limit: int = 5) -> list[SignIn]:
    """The latest attempts to sign in as this user, newest first; for staff."""
    return list(SignIn.objects.filter(user=user).order_by("-id")[:limit])
