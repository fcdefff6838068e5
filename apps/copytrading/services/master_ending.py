"""Deactivating a master: its copies close with it, or all that they hold is closed now."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.errors import NotPermitted
from apps.copytrading.models import CopyMaster, CopySubscription, PendingLink, TradeLink
from apps.copytrading.receivers import wake
from apps.copytrading.services.acting import audit, audit_all, intervenes
from apps.copytrading.services.closing import close_requested, want_closed
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.masters import set_master_status
from apps.copytrading.services.planning import finish_interrupted


@transaction.atomic
def deactivate_master(
    *, actor: User | None, master: CopyMaster, reason: str, close_positions: bool
) -> int:
    """Hide a master and let none of its copies open anything; answers how many are closed.

    Without ``close_positions`` what its copies hold follows the master's closes. With it, all of
    that is closed at market and their resting orders are cancelled, again and again until nothing
    is there. NotPermitted for those who may not intervene.
    """
    if not intervenes(actor):
        raise NotPermitted("Only staff can do this with a master.")
    account_id = master.account_id
    if close_positions:  # before any row: the worker who holds this lock writes those rows
        wait_for_master(account_id)
        finish_interrupted(account_id)
    set_master_status(actor=actor, master=master, status=CopyMaster.Status.INACTIVE, reason=reason)
    if not close_positions:
        return 0
    links = TradeLink.objects.filter(master_account_id=account_id, state="open")
    orders = PendingLink.objects.filter(master_account_id=account_id, closed_at=None)
    held = Counter(links.filter(held_units__gt=0).values_list("subscription_id", flat=True))
    ids = {*links.values_list("subscription_id", flat=True)}
    ids |= {*orders.values_list("subscription_id", flat=True)}
    # Each wish has orders of its own: what was refused before can be asked for again.
    want_closed(sorted(ids), f"stop:master:{uuid.uuid4().hex[:12]}", timezone.now())
    audit(
        actor, "master.close_copies", master, reason,
        after={"copies": len(ids), "positions": held.total()},
    )  # fmt: skip
    _audit_copies(actor, held, reason)
    close_requested(account_id)
    transaction.on_commit(partial(wake, [account_id]), robust=True)
    return held.total()


def _audit_copies(actor: User | None, held: Mapping[int, int], reason: str) -> None:
    """A line for each copy whose positions are closed; its owner is told of it."""
    copies = CopySubscription.objects.filter(pk__in=held).order_by("pk")
    audit_all(
        actor,
        "subscription.close_everything",
        [
            (one, {"positions": held[one.pk]}, {"close_positions": True})
            for one in copies.select_related("follower__account", "master")
        ],
        reason,
    )
