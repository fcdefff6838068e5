"""What happened to a person's sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.accounts.models import User
from apps.notifications.domain.kinds import Kind
from apps.notifications.topics.handler import Handler
from apps.notifications.writing import Note, write

#: Published when somebody signed in with a browser that is new for them: ``user_id``,
#: ``sign_in_id``, ``device`` and ``ip``.
NEW_DEVICE = "accounts.new_device"

_CHANGES = {
    "password_changed": "Your password was changed.",
    "password_reset": "Your password was reset by the link in a mail.",
    "email_added": "An e-mail address was added to your sign-in.",
    "email_changed": "The e-mail address of your sign-in was changed.",
    "email_removed": "An e-mail address was removed from your sign-in.",
    "second_factor_added": "A second factor was added to your sign-in.",
    "second_factor_removed": "A second factor was removed from your sign-in.",
    "recovery_codes_made": "New recovery codes were made; older ones no longer work.",
    "sessions_ended": "Other sessions of yours were signed out.",
    "channel_added": "A notification channel was added.",
    "channel_removed": "A notification channel was removed.",
    "reset_second_factor": "Our staff reset your second factor; set up a new one.",
}


def new_device(payload: Mapping[str, Any], now: datetime) -> set[int]:
    text = (
        f"{payload['device']} at {payload['ip']}. If that was not you, change your password and "
        "sign out all other sessions."
    )
    note = Note(
        payload["user_id"],
        Kind.SIGN_IN,
        str(payload["sign_in_id"]),
        text,
        reverse("portal:security"),
    )
    return write([note], now)


def security_changed(payload: Mapping[str, Any], now: datetime) -> set[int]:
    """Always told, also of what the person did: it may have been somebody else."""
    change = payload["action"].partition(".")[2]
    what = payload["after"].get("what", "")
    text = f"{_CHANGES[change]}{f' It is {what}.' if what else ''}"
    user_id = User.objects.filter(uuid=payload["object_id"]).values_list("pk", flat=True).first()
    if user_id is None:
        return set()
    note = Note(
        user_id,
        Kind.SECURITY,
        change,
        f"{text} If that was not you, change your password at once and tell us.",
        reverse("portal:security"),
    )
    return write([note], now)


TOPICS: Mapping[str, Handler] = {
    NEW_DEVICE: new_device,
    **{f"audit.security.{change}": security_changed for change in _CHANGES},
    "audit.customer.reset_second_factor": security_changed,
    "audit.staff.reset_second_factor": security_changed,
}
