"""What staff allow customers to do, and what taking it away means for what runs already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import Customer, User
from apps.accounts.people import CustomerPermissions, update_permissions
from apps.copytrading.api import pause
from apps.copytrading.models import CopyMaster, CopySubscription, TradeLink
from apps.copytrading.services.masters import set_master_status

_COPYING = "Copying is not permitted to this customer."
_LEADING = "Being a master is not permitted to this customer."


@dataclass(frozen=True, slots=True)
class Running:
    """What a customer has running: active copies, positions that copies hold, masters that can
    be followed, and copies by others that follow these."""

    copies: int
    positions: int
    masters: int
    followers: int


def running_of(user: User) -> Running:
    """What of a customer would be held back by taking permissions away; four counts."""
    return Running(
        copies=_copies(user).count(),
        positions=TradeLink.objects.filter(
            subscription_id__in=CopySubscription.objects.filter(
                follower__account__owner=user
            ).values("pk"),
            state="open",
            held_units__gt=0,
        ).count(),
        masters=_masters(user).count(),
        followers=CopySubscription.objects.filter(
            master__account__owner=user, archived_at=None, status=CopySubscription.Status.ACTIVE
        ).count(),
    )


@transaction.atomic
def set_customer_permissions(
    *,
    actor: User | None,
    customer: Customer,
    reason: str = "",
    **permissions: Unpack[CustomerPermissions],
) -> dict[str, object]:
    """Change what a customer may do; answers what changed.

    Without copying, active copies of the customer are paused: nothing new is opened, closes
    follow. Without being a master, the customer's masters are made inactive: hidden, and copies
    of them close only. What is permitted again is not switched on again by itself. Raises as
    :func:`apps.accounts.people.update_permissions`.
    """
    changed = update_permissions(actor=actor, customer=customer, reason=reason, **permissions)
    if changed.get("may_copy") is False:
        for copy in _copies(customer.user):
            pause(actor=None, subscription=copy, reason=_COPYING)
    if changed.get("may_be_master") is False:
        for master in _masters(customer.user):
            set_master_status(
                actor=None, master=master, status=CopyMaster.Status.INACTIVE, reason=_LEADING
            )
    return changed


def _copies(user: User) -> QuerySet[CopySubscription]:
    return CopySubscription.objects.filter(
        follower__account__owner=user, archived_at=None, status=CopySubscription.Status.ACTIVE
    ).order_by("id")


def _masters(user: User) -> QuerySet[CopyMaster]:
    running = (CopyMaster.Status.ACTIVE, CopyMaster.Status.PAUSED, CopyMaster.Status.PENDING)
    return CopyMaster.objects.filter(
        account__owner=user, archived_at=None, status__in=running
    ).order_by("id")
