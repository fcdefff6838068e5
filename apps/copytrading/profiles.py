"""Reading profiles of masters: one's own, applications, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.accounts.selectors import is_staff_member
from apps.common.database import prepared_rows
from apps.common.kept_queries import KeptQuery
from apps.copytrading.models import CopyMaster, CopySubscription, MasterPicture
from apps.copytrading.services.accounts import uses_of as uses_of_account
from apps.platforms.models import TradingAccount

__all__ = [
    "Picture",
    "applicant",
    "applications",
    "named_like_another",
    "own_master",
    "own_masters",
    "picture_of",
    "pictures_of",
    "uses_of_account",
]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is served; ``digest`` changes with it."""

    image: bytes
    digest: str


def own_master(user: User, uuid: UUID) -> CopyMaster | None:
    """A master on an account of the user, with account and group; None for anybody else's."""
    return own_masters(user).filter(uuid=uuid).first()


def own_masters(user: User) -> QuerySet[CopyMaster]:
    """All masters on accounts of a user, with account and group, by name."""
    rows = CopyMaster.objects.filter(account__owner=user, archived_at=None)
    return rows.select_related("account__group", "account__connection").order_by("strategy_name")


def named_like_another(user: User, name: str) -> bool:
    """Whether a master for everybody, of somebody else, bears this name already.

    Customers would take one for the other. Staff may still name masters as they like.
    """
    others = CopyMaster.objects.exclude(account__owner=user).filter(
        archived_at=None, visibility=CopyMaster.Visibility.PUBLIC
    )
    return others.filter(strategy_name__iexact=name.strip()).exists()


_WAITING = (
    "copytrading_copymaster.status = 'pending' AND copytrading_copymaster.archived_at IS NULL"
)
_APPLICANTS = KeptQuery(
    lambda: CopyMaster.objects.select_related("account__group", "account__owner"),
    f"{_WAITING} ORDER BY copytrading_copymaster.applied_at, copytrading_copymaster.created_at, "
    "copytrading_copymaster.id LIMIT %s",
)
_APPLICANT = KeptQuery(
    lambda: CopyMaster.objects.select_related("account__group", "account__owner"),
    f"{_WAITING} AND copytrading_copymaster.uuid = %s",
)


def applications(limit: int) -> list[CopyMaster]:
    """Masters that wait for a decision, those that wait longest first; for staff."""
    return _APPLICANTS(limit)


def applications_waiting() -> int:
    """How many wait."""
    found = prepared_rows(f"SELECT count(*) FROM copytrading_copymaster WHERE {_WAITING}")
    return int(found[0][0])


def applicant(uuid: UUID) -> CopyMaster | None:
    """One that waits for a decision; for staff."""
    return next(iter(_APPLICANT(uuid)), None)


def picture_of(user: User, uuid: UUID) -> Picture | None:
    """The picture of a master that the user may see; None where there is none.

    Masters that are public and approved are seen by everybody who is signed in, others by their
    owner, by those who copy them, and by staff.
    """
    rows = MasterPicture.objects.filter(master__uuid=uuid)
    if not is_staff_member(user):
        follows = CopySubscription.objects.filter(
            follower__account__owner=user, archived_at=None
        ).values("master_id")
        shown = Q(
            master__visibility=CopyMaster.Visibility.PUBLIC,
            master__status__in=(CopyMaster.Status.ACTIVE, CopyMaster.Status.PAUSED),
            master__archived_at=None,
        )
        rows = rows.filter(shown | Q(master__account__owner=user) | Q(master_id__in=follows))
    found = rows.values_list("image", "digest").first()
    return Picture(bytes(found[0]), found[1]) if found else None


def pictures_of(master_ids: list[int]) -> dict[int, str]:
    """Digests of the pictures of masters by their id; those without one are missing."""
    return dict(prepared_rows(_PICTURES, [master_ids]))


_PICTURES = "SELECT master_id, digest FROM copytrading_masterpicture WHERE master_id = ANY(%s)"


def accounts_that_lead(user: User) -> set[int]:
    """Accounts of a user that are masters."""
    return set(own_masters(user).values_list("account_id", flat=True))


def accounts_to_lead(user: User) -> list[TradingAccount]:
    """Accounts of a user that could become masters, with their group and state."""
    rows = TradingAccount.objects.filter(owner=user, active=True)
    leading = own_masters(user).values("account_id")
    return list(
        rows.exclude(pk__in=leading).select_related("group", "state").order_by("name", "login")
    )
