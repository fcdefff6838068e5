"""Sessions that are signed in now: listed, and ended one by one or all but this."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from apps.accounts.devices import device_words
from apps.accounts.models import User

#: How often it is written down that a session is in use.
_NOTED_EVERY_S = 600
_SEEN = "seen_at"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its user sees it; ``current`` is the one that asks."""

    id: int
    device: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


def sessions_of(user: User, current_key: str) -> list[SessionRow]:
    """Sessions that still count, the current one first, then the latest; two queries."""
    rows = list(UserSession.objects.filter(user=user).order_by("-last_seen_at"))
    alive = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    shown = [
        SessionRow(
            row.pk,
            device_words(row.user_agent),
            row.ip,
            row.created_at,
            row.last_seen_at,
            row.session_key == current_key,
        )
        for row in rows
        if row.session_key in alive
    ]
    return sorted(shown, key=lambda row: not row.current)


def end_session(user: User, session_id: int, *, current_key: str) -> bool:
    """Sign one session of the user out; False when it is not there (any more).

    The current one is not ended here: signing out does that.
    """
    others = UserSession.objects.filter(user=user).exclude(session_key=current_key)
    found = others.filter(pk=session_id).first()
    if found is None:
        return False
    Session.objects.filter(session_key=found.session_key).delete()
    found.delete()
    return True


def end_sessions(user: User, *, but: str = "") -> int:
    """Sign out all sessions of the user except the one with this key; answers how many."""
    others = UserSession.objects.filter(user=user).exclude(session_key=but)
    keys = list(others.values_list("session_key", flat=True))
    ended, _ = Session.objects.filter(session_key__in=keys).delete()
    others.delete()
    return ended


def note_activity(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: write down now and then that a session is in use, not with every request."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now = time.time()
            if now - request.session.get(_SEEN, 0) > _NOTED_EVERY_S:
                request.session[_SEEN] = int(now)
                UserSession.objects.filter(session_key=request.session.session_key).update(
                    last_seen_at=timezone.now()
                )
        return get_response(request)

    return middleware
