"""Closing or detaching one copied position, where the settings of its account allow it."""

from __future__ import annotations

import uuid
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.domain.link import BY_HAND, LinkState
from apps.copytrading.errors import NotFound, NotPermitted, OrderUnderWay
from apps.copytrading.models import (
    CopyFollower,
    CopySubscription,
    LinkCorrection,
    LinkLeg,
    TradeLink,
)
from apps.copytrading.receivers import wake
from apps.copytrading.services.acting import audit, intervenes, publish_change, require_owner
from apps.copytrading.services.closing import close_requested
from apps.copytrading.services.holds import give_back
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.planning import finish_interrupted


@transaction.atomic
def close_position(*, actor: User | None, link_id: int, reason: str = "") -> None:
    """Close one copied position at market; it is not bought again, the copy goes on.

    NotFound where nothing is open, NotPermitted for strangers, and for the owner of an account
    whose copies must not be changed by hand.
    """
    link, subscription = _locked(actor, link_id)
    master_account_id = link.master_account_id
    if link.held_units or link.in_flight:
        # Each wish has orders of its own: what was refused before can be asked for again.
        link.close_cause, link.close_not_before = f"{BY_HAND}{link.pk}:{_token()}", None
    else:
        now = timezone.now()
        link.state, link.target_units, link.closed_at = LinkState.GONE, 0, now
        taken = LinkCorrection.Kind.TAKEN
        LinkCorrection.objects.create(
            link_id=link.pk, kind=taken, at=now, held_before=0, held_after=0
        )
    link.save(
        update_fields=["close_cause", "close_not_before", "state", "target_units", "closed_at"]
    )
    give_back([subscription.pk])
    audit(
        actor, "subscription.close_position", subscription, reason,
        after={"position": link.position_id, "symbol": link.symbol, "side": link.side},
    )  # fmt: skip
    close_requested(master_account_id)
    transaction.on_commit(partial(wake, [master_account_id]), robust=True)
    publish_change(master_account_id)


@transaction.atomic
def detach_position(*, actor: User | None, link_id: int, reason: str = "") -> None:
    """Take one copied position out of its copy: it stays open and is its owner's from now on.

    Nothing is sent; its stops stay as they are on the platform. The copy goes on without it, and
    what it makes from now on is no result of the copy. NotFound and NotPermitted as for closing
    it, NotNow while an order for it is under way.
    """
    link, subscription = _locked(actor, link_id)
    if link.held_units <= 0:
        raise NotFound("This position is not open yet.")
    if link.in_flight or link.close_cause:
        doing = "being closed" if link.close_cause else "being changed by an order"
        raise OrderUnderWay(f"This position is {doing}. Look again in a few seconds.")
    now = timezone.now()
    link.state, link.closed_at = LinkState.DETACHED, now
    link.save(update_fields=["state", "closed_at"])
    LinkLeg.objects.filter(link_id=link.pk, closed_at=None).update(closed_at=now)
    give_back([subscription.pk])
    audit(
        actor, "subscription.detach_position", subscription, reason,
        after={"position": link.position_id, "symbol": link.symbol, "side": link.side},
    )  # fmt: skip
    transaction.on_commit(partial(wake, [link.master_account_id]), robust=True)
    publish_change(link.master_account_id)


def _locked(actor: User | None, link_id: int) -> tuple[TradeLink, CopySubscription]:
    """An open link under the lock of its master, if the actor may change what it holds."""
    link = TradeLink.objects.filter(pk=link_id).first()
    if link is None:
        raise NotFound("There is no such position.")
    wait_for_master(link.master_account_id)  # before any row: its worker writes links
    finish_interrupted(link.master_account_id)
    subscription = CopySubscription.objects.select_related("follower__account").get(
        pk=link.subscription_id
    )
    follower = subscription.follower
    require_owner(actor, follower.account.owner_id)
    if not intervenes(actor):
        check_by_hand(follower)
    link.refresh_from_db()
    if link.state != LinkState.OPEN:
        raise NotFound("This position is not open any more.")
    return link, subscription


def check_by_hand(follower: CopyFollower) -> None:
    """NotPermitted where copied positions must not be closed or detached one by one.

    Closing everything that a copy holds, by stopping it, is always possible.
    """
    if follower.manual_trading_mode != CopyFollower.ManualTrading.ALL:
        raise NotPermitted(
            "The settings of this account keep its copied positions from being closed or "
            "detached one by one. Allow 'own trades and copies' there, or stop the copy and close "
            "all that it holds."
        )


def _token() -> str:
    return uuid.uuid4().hex[:12]
