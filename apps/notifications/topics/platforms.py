"""Kill switches that concern a customer's accounts. Connections: see connection_watch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.notifications.domain.kinds import Kind
from apps.notifications.topics.handler import Handler
from apps.notifications.writing import OWNERS, write_for

_WORDS = {
    "reducing": "Nothing new is opened on {where} for now. Closes and stop changes go through.",
    "halted": (
        "Trading on {where} is halted. Positions stay as they are, with their stops on the "
        "platform; closes leave as soon as our staff release them."
    ),
    "active": "Trading on {where} goes on as usual again.",
}


def kill_switch_moved(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Tell the owners of the accounts that it holds; staff keep their reason to themselves."""
    scope, _, key = payload["object_id"].partition(":")
    label = payload["object_label"]
    where = {"global": "all accounts", "platform": f"{label} accounts"}.get(
        scope, label[:1].lower() + label[1:]
    )
    return write_for(
        OWNERS[scope],
        key,
        Kind.KILL_SWITCH,
        key=payload["object_id"],
        text=_WORDS[payload["action"].partition(".")[2]].format(where=where),
        link=reverse("portal:accounts"),
        now=now,
    )


TOPICS: Mapping[str, Handler] = {
    f"audit.kill_switch.{state}": kill_switch_moved for state in _WORDS
}
