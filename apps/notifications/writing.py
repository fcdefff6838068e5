"""Notifications in bulk: one statement, whatever the number of people concerned.

What is told of the same matter while its notification gathers counts it up. A preference
decides whether it is shown in the page; the channels are looked up when it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from apps.notifications.domain.kinds import Kind


class Note(NamedTuple):
    """Something to tell one person; ``number`` events of it."""

    user_id: int
    kind: Kind
    key: str
    text: str
    link: str = ""
    number: int = 1


_INSERT = """
    INSERT INTO notifications_notification AS old
        (user_id, kind, key, count, text, link, shown, at, last_at, due_at, gathering)
    SELECT x.user_id, x.kind, x.key, x.count, x.text, x.link, coalesce(p.wanted, true),
           %(now)s, %(now)s,
           greatest(%(now)s + make_interval(secs => x.gather_s),
                    coalesce((SELECT max(n.due_at) FROM notifications_notification n
                              WHERE x.quiet_s > 0 AND n.user_id = x.user_id
                                AND n.kind = x.kind AND n.key = x.key)
                             + make_interval(secs => x.quiet_s), %(now)s)),
           true
    FROM ({source}) x
    JOIN accounts_user u ON u.id = x.user_id AND u.is_active
    LEFT JOIN notifications_preference p
           ON p.user_id = x.user_id AND p.kind = x.kind AND p.channel_id IS NULL
    ORDER BY x.user_id, x.kind, x.key
    ON CONFLICT (user_id, kind, key) WHERE gathering DO UPDATE
    SET count = old.count + excluded.count, text = excluded.text, link = excluded.link,
        last_at = excluded.last_at, read_at = NULL
    RETURNING user_id
"""

_NOTES = """
    SELECT user_id, kind, key, number AS count, text, link, gather_s, quiet_s
    FROM json_to_recordset(%(notes)s) AS n (
        user_id bigint, kind text, key text, number int, text text, link text,
        gather_s float, quiet_s float)
"""

_AUDIENCE = """
    SELECT DISTINCT a.user_id, %(kind)s::text AS kind, %(key)s::text AS key, 1 AS count,
           %(text)s::text AS text, %(link)s::text AS link, %(gather_s)s::float AS gather_s,
           %(quiet_s)s::float AS quiet_s
    FROM ({audience}) a WHERE a.user_id IS NOT NULL AND a.user_id <> %(but)s
"""

#: The owners of accounts that a kill switch holds, by its scope; ``%(value)s`` is its key.
OWNERS = {
    "global": "SELECT owner_id AS user_id FROM platforms_tradingaccount WHERE active",
    "platform": "SELECT owner_id AS user_id FROM platforms_tradingaccount "
    "WHERE active AND platform = %(value)s",
    "account": "SELECT owner_id AS user_id FROM platforms_tradingaccount "
    "WHERE active AND id = %(value)s::bigint",
    "connection": "SELECT owner_id AS user_id FROM platforms_tradingaccount "
    "WHERE active AND connection_id = %(value)s::bigint",
}

#: Active members of staff of any of the roles in ``%(value)s``; owners are all superusers.
STAFF = """
    SELECT u.id AS user_id FROM accounts_user u
    WHERE u.is_staff AND u.is_active AND (u.is_superuser OR EXISTS (
        SELECT 1 FROM accounts_user_groups g JOIN auth_group r ON r.id = g.group_id
        WHERE g.user_id = u.id AND r.name = ANY(%(value)s)))
"""


def write(notes: Sequence[Note], now: datetime) -> set[int]:
    """Store notifications; answers whose. Of one person and matter there may be several."""
    merged: dict[tuple[int, Kind, str], Note] = {}
    for note in notes:
        before = merged.get(note[:3])
        merged[note[:3]] = note._replace(number=note.number + (before.number if before else 0))
    if not merged:
        return set()
    records = [
        note._asdict()
        | {"text": note.text[:600], "key": note.key[:96]}
        | {"gather_s": note.kind.spec.gather_s, "quiet_s": note.kind.spec.quiet_s}
        for note in merged.values()
    ]
    return _run(_NOTES, {"notes": orjson.dumps(records).decode()}, now)


def write_for(
    audience: str,
    value: Any,
    kind: Kind,
    *,
    key: str,
    text: str,
    link: str = "",
    but: int | None = None,
    now: datetime,
) -> set[int]:
    """Tell everybody whom a query of ``user_id`` answers; ``but`` is who did it themselves."""
    values = {
        "value": value,
        "kind": kind.value,
        "key": key[:96],
        "text": text[:600],
        "link": link,
        "gather_s": kind.spec.gather_s,
        "quiet_s": kind.spec.quiet_s,
        "but": but or 0,
    }
    return _run(_AUDIENCE.format(audience=audience), values, now)


def _run(source: str, values: Mapping[str, Any], now: datetime) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(source=source), {**values, "now": now})
        return {int(row[0]) for row in cursor.fetchall()}
