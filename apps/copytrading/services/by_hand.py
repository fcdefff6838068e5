"""Closing one copied position for its owner, where the settings of the account allow it."""

from __future__ import annotations

import uuid
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.domain.link import LinkState
from apps.copytrading.errors import NotFound, NotPermitted
from apps.copytrading.models import CopyFollower, CopySubscription, TradeLink
from apps.copytrading.receivers import wake
from apps.copytrading.services.acting import audit, intervenes, publish_change, require_owner
from apps.copytrading.services.closing import BY_HAND, close_requested
from apps.copytrading.services.holds import give_back
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.planning import finish_interrupted


@transaction.atomic
def close_position(*, actor: User | None, link_id: int, reason: str = "") -> None:
    """Close one copied position at market; it is not bought again, the copy goes on.

    NotFound where nothing is open, NotPermitted for strangers, and for the owner of an account
    whose copies must not be changed by hand.
    """
    link = TradeLink.objects.filter(pk=link_id).first()
    if link is None:
        raise NotFound("There is no such position.")
    master_account_id = link.master_account_id
    wait_for_master(master_account_id)  # before any row: its worker writes links
    finish_interrupted(master_account_id)
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
    if link.held_units or link.in_flight:
        # Each wish has orders of its own: what was refused before can be asked for again.
        link.close_cause, link.close_not_before = f"{BY_HAND}{link.pk}:{_token()}", None
    else:
        link.state, link.target_units, link.closed_at = LinkState.GONE, 0, timezone.now()
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


def check_by_hand(follower: CopyFollower) -> None:
    """NotPermitted where copied positions must not be closed one by one.

    Closing everything that a copy holds, by stopping it, is always possible.
    """
    if follower.manual_trading_mode != CopyFollower.ManualTrading.ALL:
        raise NotPermitted(
            "The settings of this account keep its copied positions from being closed one by "
            "one. Allow 'own trades and copies' there, or stop the copy and close all that it "
            "holds."
        )


def _token() -> str:
    return uuid.uuid4().hex[:12]
