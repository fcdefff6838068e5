"""Kill switches and margin of a customer's accounts. Connections: see connection_watch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.notifications.domain.kinds import Kind
from apps.notifications.topics.handler import Handler
from apps.notifications.writing import OWNERS, Note, write, write_for

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


def margin_warned(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """An account uses much of its equity as margin; each level is a matter of its own."""
    currency = payload["currency"]
    text = (
        f"Account {payload['login']} uses {payload['used_percent']} % of its equity as margin "
        f"({payload['margin_used']} of {payload['equity']} {currency}); from "
        f"{payload['threshold']} % on it is {_LEVELS.get(payload['level'], 'high')}. Close "
        "positions or add money; at the platform's own limit it closes positions itself."
    )
    return _about_margin(payload, payload["level"], text, now)


def margin_eased(payload: Mapping[str, Any], now: datetime) -> set[int]:
    text = (
        f"Account {payload['login']} is back to normal: it uses {payload['used_percent']} % of "
        "its equity as margin."
    )
    return _about_margin(payload, "normal", text, now)


def _about_margin(payload: Mapping[str, Any], level: str, text: str, now: datetime) -> set[int]:
    if payload["owner_id"] is None:
        return set()
    link = reverse("portal:account", args=[payload["account_uuid"]])
    key = f"{payload['account_id']}:{level}"
    return write([Note(payload["owner_id"], Kind.MARGIN, key, text, link)], now)


_LEVELS = {"warning": "high", "critical": "critical"}

TOPICS: Mapping[str, Handler] = {
    "copy.margin_warning": margin_warned,
    "copy.margin_eased": margin_eased,
    **{f"audit.kill_switch.{state}": kill_switch_moved for state in _WORDS},
}
