"""A customer follows a master: what is asked for beyond what a subscription itself needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from apps.accounts.legal import missing_texts
from apps.accounts.models import User
from apps.copytrading.errors import CopyError, TermsNotAccepted
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.copytrading.services.acting import require_owner
from apps.copytrading.services.followers import create_follower
from apps.copytrading.services.relations import (
    check_investment,
    check_master_count,
    check_relation,
    end_former_relation,
)
from apps.platforms.models import TradingAccount

Subscribe = Callable[..., CopySubscription]


@transaction.atomic
def follow_with(
    subscribe: Subscribe,
    *,
    actor: User,
    master: CopyMaster,
    account: TradingAccount,
    settings: dict[str, Any],
) -> CopySubscription:
    """Check the terms, let the account follow where it does not yet, and subscribe."""
    require_owner(actor, account.owner_id)
    require_terms(account.owner)
    follower = CopyFollower.objects.select_related("account").filter(account=account).first()
    if follower is None or follower.archived_at is not None:
        follower = create_follower(actor=actor, account=account)
    return subscribe(actor=actor, master=master, follower=follower, **settings)


def require_terms(owner: User | None) -> None:
    """TermsNotAccepted unless the owner of an account accepted all texts in their current version.

    The house's own accounts have no owner, and nobody to accept anything.
    """
    missing = [] if owner is None else missing_texts(owner)
    if missing:
        names = " and the ".join(text.get_kind_display().lower() for text in missing)
        raise TermsNotAccepted(
            f"Before you follow a master, read and accept the {names} in the current version."
        )


def refusal_of(copy: CopySubscription) -> str:
    """Why a copy that is not stored could not be made now, in a sentence; '' where it could."""
    master, follower = copy.master, copy.follower
    try:
        owner_id = follower.account.owner_id
        check_relation(master, follower, owner_id)
        check_investment(master, follower, copy.allocated_capital, owner_id)
        if follower.pk:
            end_former_relation(master, follower)
            check_master_count(follower)
    except CopyError as refusal:
        return str(refusal)
    return ""
