"""Sessions that are signed in now: listed, and ended one by one or all but this."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare

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


def signed_in(session_keys: Collection[str]) -> dict[str, tuple[User, Mapping[str, Any]]]:
    """Who is signed in with each of these sessions now, and what the session keeps; two queries.

    As Django does with a request: sessions that have ended, of a password since changed, or of
    a user who is gone, are missing.
    """
    rows = Session.objects.filter(session_key__in=session_keys, expire_date__gt=timezone.now())
    kept: dict[str, dict[str, Any]] = {row.session_key: row.get_decoded() for row in rows}
    ids = {each[SESSION_KEY] for each in kept.values() if SESSION_KEY in each}
    users = {str(user.pk): user for user in User.objects.filter(pk__in=ids)}
    hashes = {key: _hashes(user) for key, user in users.items()}
    return {
        key: (users[each[SESSION_KEY]], each)
        for key, each in kept.items()
        if each.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and any(
            constant_time_compare(each.get(HASH_SESSION_KEY, ""), known)
            for known in hashes.get(each.get(SESSION_KEY, ""), ())
        )
    }


def _hashes(user: User) -> list[str]:
    """What a session of the user's present password keeps, with each key that still counts."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


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
