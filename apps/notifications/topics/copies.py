"""What happened to a customer's copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse

from apps.copytrading.domain.codes import Code
from apps.notifications.domain.kinds import Kind
from apps.notifications.topics.handler import Handler
from apps.notifications.writing import Note, write

# The latest of each owner and kind tells the reason; all of them are counted.
_NOT_COPIED = """
    WITH news AS (
        SELECT o.id, o.state <> 'skipped' AS failed, o.code, o.message, o.symbol, a.owner_id,
               a.login, s.uuid, m.strategy_name
        FROM unnest(%s::bigint[], %s::bigint[]) AS w (event_id, subscription_id)
        JOIN copytrading_outcome o USING (event_id, subscription_id)
        JOIN copytrading_copysubscription s ON s.id = o.subscription_id
        JOIN copytrading_copymaster m ON m.id = s.master_id
        JOIN platforms_tradingaccount a ON a.id = o.account_id
        WHERE a.owner_id IS NOT NULL)
    SELECT DISTINCT ON (owner_id, failed) owner_id, failed,
           count(*) OVER (PARTITION BY owner_id, failed), code, message, symbol, login,
           strategy_name, id
    FROM news ORDER BY owner_id, failed, id DESC
"""

_DRIFTS = """
    SELECT a.owner_id, count(*) OVER (PARTITION BY a.owner_id), d.symbol, a.login, a.uuid
    FROM copytrading_drift d JOIN platforms_tradingaccount a ON a.id = d.account_id
    WHERE d.id = ANY(%s) AND a.owner_id IS NOT NULL AND d.resolved_at IS NULL
    ORDER BY d.id
"""

_COPY = """
    SELECT a.owner_id, m.strategy_name, a.login, s.archived_at IS NULL
    FROM copytrading_copysubscription s
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.uuid = %s AND a.owner_id IS NOT NULL
"""

_WORDS = {
    "pause": "was paused",
    "resume": "was resumed",
    "stop": "was stopped",
    "delete": "was ended and removed",
    "close_everything": "closes everything that it holds, as asked",
}


def not_copied(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Outcomes that failed or were held back, counted for each owner."""
    found = _rows(_NOT_COPIED, [payload["event_ids"], payload["subscription_ids"]])
    outcomes = reverse("portal:outcomes")
    notes = []
    for owner, failed, count, code, message, symbol, login, strategy, outcome_id in found:
        reason = Code[code].label
        said = f"{symbol} of {strategy} on account {login}: {reason}."
        if message:
            said += f" {message}"
        state = "failed" if failed else "skipped"
        link = (
            reverse("portal:outcome", args=[outcome_id])
            if count == 1
            else f"{outcomes}?{urlencode({'state': state})}"
        )
        kind = Kind.COPY_FAILED if failed else Kind.COPY_SKIPPED
        notes.append(
            Note(owner, kind, "", said if count == 1 else f"The latest: {said}", link, count)
        )
    return write(notes, now)


def drift_found(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Differences that still stand; one that went away meanwhile is no news."""
    notes = {
        owner: Note(
            owner,
            Kind.DRIFT,
            "",
            f"{symbol or 'A position'} on account {login} is not what its copy should hold. "
            "The account's page shows the difference and how to put it right.",
            reverse("portal:account", args=[uuid]),
            count,
        )
        for owner, count, symbol, login, uuid in _rows(_DRIFTS, [payload["drift_ids"]])
    }
    return write(list(notes.values()), now)


def guard_acted(kind: Kind, payload: Mapping[str, Any], now: datetime) -> set[int]:
    """A guard paused or stopped a copy; the audit trail has the sentence."""
    return _about_copy(kind, payload, now, lambda strategy, login: f"{strategy}: ")


def staff_acted(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Somebody else than its owner changed what a copy does."""
    words = _WORDS[payload["action"].partition(".")[2]]

    def lead(strategy: str, login: str) -> str:
        by = "by our staff" if payload["actor_id"] else "automatically"
        stop = ": " if payload["reason"] else "."
        return f"The copy of {strategy} on account {login} {words} {by}{stop}"

    return _about_copy(Kind.COPY_STOPPED, payload, now, lead)


def _about_copy(
    kind: Kind,
    payload: Mapping[str, Any],
    now: datetime,
    lead: Callable[[str, str], str],
) -> set[int]:
    notes = []
    for owner, strategy, login, running in _rows(_COPY, [payload["object_id"]]):
        if owner == payload["actor_id"]:
            continue
        copy = payload["object_id"]
        link = reverse("portal:subscription", args=[copy]) if running else reverse("portal:copying")
        text = lead(strategy, login) + payload["reason"]
        notes.append(Note(owner, kind, copy, text, link))
    return write(notes, now)


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


TOPICS: Mapping[str, Handler] = {
    "copy.not_copied": not_copied,
    "copy.drift_found": drift_found,
    "audit.subscription.loss_limit": partial(guard_acted, Kind.LOSS_LIMIT),
    "audit.subscription.min_equity": partial(guard_acted, Kind.MIN_EQUITY),
    **{f"audit.subscription.{verb}": staff_acted for verb in _WORDS},
}
