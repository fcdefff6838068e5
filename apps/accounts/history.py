"""Who signed in as a user, from where and how: the user's own history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import SignIn, User

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class SignInRow:
    """One attempt."""

    id: int
    at: datetime
    succeeded: bool
    method: str
    ip: str
    device: str
    new_device: bool


@dataclass(frozen=True, slots=True)
class History:
    """Attempts, and the id below which older ones begin; None: there are none."""

    rows: list[SignInRow]
    older: int | None


def sign_ins_of(user: User, *, below: int | None = None, limit: int = 50) -> History:
    """Attempts to sign in as this user, the latest first; one query."""
    found = SignIn.objects.filter(user=user)
    if below is not None:
        found = found.filter(pk__lt=below)
    rows = list(found.order_by("-id")[: limit + 1])
    shown = [
        SignInRow(
            row.pk,
            row.at,
            row.succeeded,
            row.get_method_display(),
            row.ip or "unknown",
            row.device,
            row.new_device,
        )
        for row in rows[:limit]
    ]
    return History(shown, shown[-1].id if len(rows) > limit else None)


def forget_sign_ins(before: datetime) -> bool:
    """Delete the oldest attempts, those before that moment; whether there may be more of them.

    The oldest are found by their id: no index of times is needed.
    """
    oldest = SignIn.objects.order_by("id").values("pk")[:_AT_ONCE]
    deleted, _ = SignIn.objects.filter(pk__in=oldest, at__lt=before).delete()
    return deleted == _AT_ONCE
