"""Taking a trading account out of use, which copies may stand in the way of."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.copytrading.errors import AccountInUse
from apps.copytrading.models import CopyMaster, CopySubscription, PendingLink, TradeLink
from apps.copytrading.services.acting import require_owner
from apps.copytrading.services.locks import lock_graph
from apps.platforms import api as platforms
from apps.platforms.models import TradingAccount


def uses_of(account_id: int) -> list[str]:
    """What keeps an account from being removed, a sentence each; none where it can be."""
    reasons = []
    running = CopySubscription.objects.filter(
        follower__account_id=account_id, archived_at=None
    ).exclude(status=CopySubscription.Status.DISABLED)
    if count := running.count():
        reasons.append(
            f"{_some(count, 'copy runs', 'copies run')} on it. Stop {_them(count)} under My "
            "copying."
        )
    held = TradeLink.objects.filter(account_id=account_id, state="open", held_units__gt=0).count()
    if held:
        reasons.append(
            f"{_some(held, 'copied position is', 'copied positions are')} open on it. Close or "
            f"detach {_them(held)} first."
        )
    if PendingLink.objects.filter(account_id=account_id, closed_at=None).exists():
        reasons.append("A copied order rests on it. It is cancelled when its copy is stopped.")
    master = CopyMaster.objects.filter(account_id=account_id, archived_at=None).first()
    if master is not None:
        reasons.append(
            f"It is the master {master.strategy_name}. Delete the master under My masters first."
        )
    elif TradeLink.objects.filter(
        master_account_id=account_id, state="open", held_units__gt=0
    ).exists():
        reasons.append("Copies of it are still open and close with its trades.")
    return reasons


@transaction.atomic
def remove_account(*, actor: User | None, account: TradingAccount) -> None:
    """Take an account out of use for its owner; all that was recorded of it stays.

    AccountInUse with every reason while copies run or hold something. Positions on the platform
    are not touched.
    """
    require_owner(actor, account.owner_id)
    lock_graph()
    if reasons := uses_of(account.pk):
        raise AccountInUse(reasons)
    platforms.archive_account(actor=actor, account=account)


def _some(count: int, one: str, many: str) -> str:
    return f"One {one}" if count == 1 else f"{count} {many}"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"
