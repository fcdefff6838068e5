"""Sessions in the database as Django keeps them, read with a statement that is made once.

Every page begins with its session; to write Django's statement anew takes longer than to run it.
"""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.common.database import prepared_rows

_READ = """
    SELECT session_key, session_data, expire_date FROM django_session
    WHERE session_key = %s AND expire_date > %s
"""


class SessionStore(db.SessionStore):
    """Django's own, but for how a session is read; its name is in what sessions are signed with."""

    def _get_session_from_db(self) -> Session | None:
        found = prepared_rows(_READ, [self.session_key, timezone.now()])
        if not found:
            self._session_key = None
            return None
        key, data, ends = found[0]
        return Session(session_key=key, session_data=data, expire_date=ends)
