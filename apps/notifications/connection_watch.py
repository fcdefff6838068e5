"""Connections that stay away: the customers whose accounts hang on them are told, once.

A session that is made anew within a minute is no news. What counts is what was seen in looks
that follow each other, so that a product that starts up reports nothing it has not watched.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.urls import reverse

from apps.notifications.domain.kinds import Kind
from apps.notifications.gathering import announce
from apps.notifications.models import ConnectionAlarm
from apps.notifications.writing import OWNERS, write_for

#: Away for so long before it is told; a refusal is certain sooner.
LOST = timedelta(seconds=60)
REFUSED = timedelta(seconds=20)
#: Looks further apart do not follow each other.
_GAP = timedelta(seconds=60)
_STALE = timedelta(seconds=30)

_STATES = """
    SELECT c.id, c.name, coalesce(s.status, 'down'),
           coalesce(s.status = 'live' AND s.live_at > %s, false)
    FROM platforms_connection c
    LEFT JOIN platforms_connectionstate s ON s.connection_id = c.id
    WHERE c.enabled AND EXISTS (
        SELECT 1 FROM platforms_tradingaccount a WHERE a.connection_id = c.id AND a.active
        AND a.owner_id IS NOT NULL)
"""


@transaction.atomic
def watch_connections(now: datetime) -> int:
    """Compare all connections with what was told of them; answers how many were news."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [7_102_003])
        cursor.execute(_STATES, [now - _STALE])
        states = list(cursor.fetchall())
    alarms = {alarm.connection_id: alarm for alarm in ConnectionAlarm.objects.all()}
    news, told, watched = 0, set[int](), list[ConnectionAlarm]()
    for connection_id, name, status, live in states:
        alarm = alarms.pop(connection_id, None)
        if live:
            if alarm is not None:
                alarm.delete()
                if alarm.told:
                    news += 1
                    told |= _tell(connection_id, f"{name} is connected again.", now)
            continue
        alarm = _seen(alarm, connection_id, status == "refused", now)
        watched.append(alarm)
        if not alarm.told and now - alarm.since >= (REFUSED if alarm.refused else LOST):
            alarm.told = True
            news += 1
            told |= _tell(connection_id, _words(name, alarm.refused), now)
    for forgotten in alarms.values():
        forgotten.delete()
    ConnectionAlarm.objects.bulk_create(
        watched,
        update_conflicts=True,
        unique_fields=["connection_id"],
        update_fields=["since", "seen_at", "refused", "told"],
    )
    announce(told)
    return news


def _seen(
    alarm: ConnectionAlarm | None, connection_id: int, refused: bool, now: datetime
) -> ConnectionAlarm:
    """The alarm with this look taken into account; begun anew after a pause of ours."""
    if alarm is None:
        return ConnectionAlarm(connection_id=connection_id, since=now, seen_at=now, refused=refused)
    if not alarm.told and now - alarm.seen_at > _GAP:
        alarm.since = now
    if refused and not alarm.refused and alarm.told:
        alarm.told, alarm.since = False, now  # lost was told; that it is refused is news
    alarm.seen_at, alarm.refused = now, refused
    return alarm


def _words(name: str, refused: bool) -> str:
    if refused:
        return (
            f"{name} refuses the sign-in of your account. Nothing is copied there until its "
            "credentials are put right."
        )
    return (
        f"{name} has not answered for a minute. Nothing can be copied or closed there from here; "
        "stops on the platform stay. The connection is tried again all the time."
    )


def _tell(connection_id: int, text: str, now: datetime) -> set[int]:
    return write_for(
        OWNERS["connection"],
        connection_id,
        Kind.CONNECTION,
        key=str(connection_id),
        text=text,
        link=reverse("portal:accounts"),
        now=now,
    )
