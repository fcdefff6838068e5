"""What happened to masters: for those who follow them, and for their owners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.copytrading.models import CopyMaster
from apps.notifications.domain.kinds import Kind
from apps.notifications.topics.handler import Handler
from apps.notifications.writing import Note, write, write_for

# A copy that was stopped but holds positions still depends on its master.
_FOLLOWERS = """
    SELECT a.owner_id AS user_id
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.master_id = %(value)s
      AND (s.archived_at IS NULL AND s.status <> 'disabled' OR EXISTS (
           SELECT 1 FROM copytrading_tradelink l
           WHERE l.subscription_id = s.id AND l.state = 'open'))
"""

# Deleting stops all copies in the same transaction, so that those are told who had one.
_FORMER_FOLLOWERS = """
    SELECT a.owner_id AS user_id
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.master_id = %(value)s AND s.archived_at IS NULL
      AND s.status_reason = 'The master was deleted.'
"""

_FOR_FOLLOWERS = {
    "paused": "{name} is paused: nothing new is copied, closes still follow.",
    "inactive": "{name} has ended: your copy only closes what it holds.",
    "active": "{name} is active again: new trades are copied.",
    "switch_off": "{name} is switched off by its owner: nothing new is copied, closes follow.",
    "switch_on": "{name} is switched on again: new trades are copied.",
    "delete": "{name} was removed by its owner: your copy only closes what it holds.",
}

_FOR_OWNER = {
    "approved": "{name} is approved and active.",
    "active": "{name} was made active again by our staff.",
    "rejected": "{name} was not approved.",
    "paused": "{name} was paused by our staff: nothing new is copied from it.",
    "inactive": "{name} was ended by our staff: it is hidden and its copies only close.",
    "delete": "{name} was removed by our staff.",
}


def changed(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Tell its followers, in one statement for all of them; and its owner what staff decided."""
    master = CopyMaster.objects.select_related("account").filter(uuid=payload["object_id"]).first()
    if master is None:
        return set()
    verb = payload["action"].partition(".")[2]
    told: set[int] = set()
    was = (payload["before"] or {}).get("status")
    # One that was pending has no followers yet who could be told of a pause.
    if verb in _FOR_FOLLOWERS and was not in ("pending", "rejected"):
        told |= write_for(
            _FORMER_FOLLOWERS if verb == "delete" else _FOLLOWERS,
            master.pk,
            Kind.MASTER_CHANGED,
            key=str(master.uuid),
            text=_FOR_FOLLOWERS[verb].format(name=master.strategy_name),
            link=reverse("portal:copying"),
            but=master.account.owner_id,
            now=now,
        )
    owner = master.account.owner_id
    if verb in _FOR_OWNER and owner and payload["actor_id"] not in (None, owner):
        decided = "approved" if verb == "active" and was in ("pending", "rejected") else verb
        text = _FOR_OWNER[decided].format(name=master.strategy_name)
        if payload["reason"]:
            text += f" The reason: {payload['reason']}"
        note = Note(owner, Kind.MASTER_DECISION, str(master.uuid), text, reverse("portal:masters"))
        told |= write([note], now)
    return told


def gated(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """A rule closed a master to new followers, or let them in again: its owner is told why."""
    master = CopyMaster.objects.select_related("account").filter(uuid=payload["object_id"]).first()
    if master is None or master.account.owner_id is None:
        return set()
    closed = payload["action"] == "master.gate"
    lead = "is closed to new followers now" if closed else "takes new followers again"
    after = "Copies that there are go on; it opens again by itself." if closed else ""
    text = f"{master.strategy_name} {lead}. {payload['reason']} {after}".strip()
    key = f"{master.uuid}:{payload['after']['rule']}"
    link = reverse("portal:discover_master", args=[master.uuid])
    return write([Note(master.account.owner_id, Kind.MASTER_GATED, key, text, link)], now)


TOPICS: Mapping[str, Handler] = {
    **{f"audit.master.{verb}": changed for verb in (*_FOR_FOLLOWERS, "rejected")},
    "audit.master.gate": gated,
    "audit.master.ungate": gated,
}
