"""Looking through the audit trail: newest first, by page and filter, over millions of entries.

Actor, action and object each have an index in the order of time. Words are looked for in a
bounded number of entries; the page then says how far back it has looked and where to go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet

from apps.accounts.models import AuditEntry, User
from apps.accounts.selectors import AUDIT_FIELDS, AuditRow

#: So many entries are looked through for one page where words are looked for.
LOOKED_THROUGH = 5_000
#: People whose address begins with what was typed; who means more of them types more.
_MOST_ACTORS = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What to look for; '' and None do not mind. ``actor`` is an address or its beginning, or
    'system'; ``text`` is looked for in names, ids, reasons and values."""

    actor: str = ""
    action: str = ""
    object_type: str = ""
    object_id: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first; ``next_cursor`` asks for older ones, None when there are none.

    ``looked_back_to`` is set where the search was ended before the page was full.
    """

    rows: list[AuditRow]
    next_cursor: str | None
    looked_back_to: datetime | None = None


def search_audit(wanted: AuditSearch, *, cursor: str | None = None, limit: int = 50) -> AuditPage:
    """A page of the trail; ``cursor`` of the page before asks for older entries."""
    entries = _after(_scope(wanted), cursor)
    floor = None
    if wanted.text:
        floor = next(iter(entries.values_list("at", flat=True)[LOOKED_THROUGH:][:1]), None)
        entries = entries if floor is None else entries.filter(at__gte=floor)
        entries = _with_text(entries, wanted.text)
    rows = [AuditRow(**row) for row in entries.values(*AUDIT_FIELDS)[: limit + 1]]
    if len(rows) > limit:
        return AuditPage(rows[:limit], _cursor(rows[limit - 1].at, rows[limit - 1].id))
    if floor is not None:
        return AuditPage(rows, _cursor(floor, 0), looked_back_to=floor)
    return AuditPage(rows, None)


def every_page(wanted: AuditSearch, *, limit: int = 1000) -> Iterator[AuditPage]:
    """All pages of a search, one after the other."""
    cursor: str | None = None
    while True:
        page = search_audit(wanted, cursor=cursor, limit=limit)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return


def _scope(wanted: AuditSearch) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.order_by("-at", "-id")
    if wanted.actor:
        entries = entries.filter(actor__in=_actors(wanted.actor.strip()))
    for name in ("action", "object_type", "object_id"):
        if value := getattr(wanted, name):
            entries = entries.filter(**{name: value})
    if wanted.since:
        entries = entries.filter(at__gte=wanted.since)
    if wanted.until:
        entries = entries.filter(at__lt=wanted.until)
    return entries


def _actors(typed: str) -> list[str]:
    """Addresses that begin so, and the typed one: it may be of somebody who is gone."""
    typed = typed.lower()
    found = User.objects.filter(email__startswith=typed).order_by("email")
    return [typed, *found.values_list("email", flat=True)[:_MOST_ACTORS]]


_WORDS = (
    "concat_ws(' ', object_label, object_id, reason, actor, action, before::text, after::text) "
    "ILIKE %s"
)


def _with_text(entries: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return entries.extra(where=[_WORDS], params=[f"%{escaped}%"])


def _after(entries: QuerySet[AuditEntry], cursor: str | None) -> QuerySet[AuditEntry]:
    micros, _, pk = (cursor or "").partition("-")
    if not all(part.isdecimal() and len(part) < 18 for part in (micros, pk)):
        return entries
    at = _EPOCH + timedelta(microseconds=int(micros))
    return entries.filter(at__lte=at).filter(Q(at__lt=at) | Q(id__lt=int(pk)))


def _cursor(at: datetime, pk: int) -> str:
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}-{pk}"
