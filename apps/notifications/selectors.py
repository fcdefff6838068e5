"""Reading notifications, channels and choices of one person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.accounts.models import User
from apps.common.database import prepared_rows
from apps.notifications.choices import Choices, is_locked, kinds_for
from apps.notifications.domain.kinds import Area, Kind, kind_of
from apps.notifications.models import Channel, Delivery, Notification

#: Every page asks; Django would take longer to write the statement than it takes.
_UNREAD = """
    SELECT count(*) FROM notifications_notification
    WHERE user_id = %s AND shown AND read_at IS NULL
"""


def user_group(user_id: int) -> str:
    """Group of the open pages of one person."""
    return f"notify.user.{user_id}"


def unread_count(user: User) -> int:
    """How many notifications the person has not read."""
    return int(prepared_rows(_UNREAD, [user.pk])[0][0])


def bell_of(user: User) -> int:
    """The same for one page, which asks for it twice."""
    known = getattr(user, "_bell", None)
    if known is None:
        known = unread_count(user)
        user._bell = known  # type: ignore[attr-defined]
    return int(known)


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notification as it is listed. ``by`` is where else it went."""

    id: int
    kind: str
    heading: str
    text: str
    link: str
    count: int
    tone: str
    at: datetime
    last_at: datetime
    unread: bool
    by: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows and the id below which older ones begin; None: there are none."""

    rows: list[NoticeRow]
    older: int | None


def notices_of(
    user: User,
    *,
    kind: str = "",
    unread_only: bool = False,
    below: int | None = None,
    limit: int = 50,
) -> Page:
    """Notifications of one person, newest first; two queries for any number."""
    found = Notification.objects.filter(user=user, shown=True)
    if kind:
        found = found.filter(kind=kind)
    if unread_only:
        found = found.filter(read_at=None)
    if below is not None:
        found = found.filter(pk__lt=below)
    rows = list(found.order_by("-id")[: limit + 1])
    shown = rows[:limit]
    by = _ways([row.pk for row in shown])
    older = shown[-1].pk if len(rows) > limit else None
    return Page([_row(row, by.get(row.pk, "")) for row in shown], older)


def _row(n: Notification, by: str) -> NoticeRow:
    kind = kind_of(n.kind)
    return NoticeRow(
        n.pk, n.kind, kind.heading(n.count), n.text, n.link, n.count, kind.spec.tone,
        n.at, n.last_at, n.read_at is None, by,
    )  # fmt: skip


def _ways(notification_ids: Iterable[int]) -> dict[int, str]:
    """By which channels notifications went, in words."""
    words = {Delivery.State.SENT: "", Delivery.State.WAITING: " (on its way)"}
    found: dict[int, list[str]] = {}
    deliveries = Delivery.objects.filter(notification_id__in=list(notification_ids))
    fields = deliveries.order_by("id").values_list("notification_id", "channel__name", "state")
    for pk, name, state in fields:
        found.setdefault(pk, []).append(name + words.get(Delivery.State(state), " (failed)"))
    return {pk: ", ".join(names) for pk, names in found.items()}


def notice_of(user: User, pk: int) -> Notification | None:
    """One notification of the person."""
    return Notification.objects.filter(user=user, pk=pk).first()


def channels_of(user: User) -> list[Channel]:
    """The person's channels, e-mail first; without their addresses."""
    rows = Channel.objects.filter(user=user).defer("address").order_by("id")
    return sorted(rows, key=lambda channel: not channel.is_email)


def channel_of(user: User, uuid: UUID) -> Channel | None:
    """One channel of the person."""
    return Channel.objects.filter(user=user, uuid=uuid).first()


def failing_channels(user: User) -> list[str]:
    """Names of channels whose last message did not arrive."""
    return [channel.name for channel in channels_of(user) if channel.fails]


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind by one channel: the name of its box, whether it is ticked, whether it is fixed."""

    name: str
    label: str
    wanted: bool
    locked: bool


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    kind: str
    title: str
    meaning: str
    cells: list[Cell]


def choices_of(user: User, channels: list[Channel]) -> dict[Area, list[ChoiceRow]]:
    """Every kind that concerns the person, with a box for the page and each channel, by area."""
    choices = Choices.of([user.pk])
    ways: list[Channel | None] = [None, *channels]
    table: dict[Area, list[ChoiceRow]] = {area: [] for area in Area}
    for kind in kinds_for(user):
        cells = [
            Cell(
                cell_name(kind, way),
                f"{kind.label}: {way.name if way else 'in the page'}",
                choices.wants(user.pk, kind, way),
                is_locked(kind, way),
            )
            for way in ways
        ]
        row = ChoiceRow(kind.value, kind.label, kind.spec.meaning, cells)
        table[kind.spec.area].append(row)
    return {area: rows for area, rows in table.items() if rows}


def kinds_to_choose(user: User) -> list[tuple[str, str]]:
    """The kinds that a person can be told of, with their words."""
    return [(kind.value, kind.label) for kind in kinds_for(user)]


def cell_name(kind: Kind, way: Channel | None) -> str:
    """The name of a box in the form of preferences."""
    return f"{kind.value}:{way.uuid if way else 'page'}"
