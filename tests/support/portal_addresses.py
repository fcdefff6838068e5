"""Every address of the portal, for one customer's copy, accounts, master and sign-in."""

from __future__ import annotations

from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.models import CopyMaster, CopySubscription, TradeLink
from apps.notifications.api import ensure_email_channel
from apps.notifications.domain.kinds import Kind
from apps.notifications.models import Channel, Notification

OWN_COPY = [
    ("subscription", {}),
    ("against", {}),
    ("edit_copy", {}),
    ("edit_copy_summary", {}),
    ("edit_copy_rehearsal", {}),
    ("mapping", {}),
    ("change_pair", {}),
    ("upload_mapping", {}),
    ("remove_mapping", {}),
    ("sample_mapping", {}),
    ("check_chain", {}),
    ("change_copy", {"action": "pause"}),
    ("change_copy", {"action": "resume"}),
    ("change_copy", {"action": "stop"}),
    ("change_copy", {"action": "delete"}),
]
OWN_ACCOUNT = (
    *("account", "follower_settings", "delete_follower", "account_history", "rename_account"),
    *("remove_account", "track_record", "confirm_record", "discard_record", "remove_record"),
    "apply_as_master",
)
#: Pages about accounts that go with copy trading.
WITH_COPYING = {"follower_settings", "delete_follower", "apply_as_master"}
#: About the person who is signed in, whatever is switched on.
PERSONAL = (
    *("notifications", "read_notifications", "notification_settings", "add_channel"),
    *("security", "sign_ins", "end_other_sessions"),
)
#: Open to all, or with a guard of their own that their own tests try.
OPEN = {"home", "theme", "gallery", "house_logo"}
#: Addresses that only take forms.
POST_ONLY = {
    *("edit_copy_summary", "follow_summary", "upload_mapping", "check_chain", "set_picture"),
    *("rename_account", "confirm_record", "discard_record"),
    *("edit_copy_rehearsal", "follow_rehearsal"),
    *("read_notifications", "test_channel", "end_session", "end_other_sessions"),
}
#: Addresses that lead on to another page when they have done what they are for.
LEAD_ON = {
    *("rename_account", "confirm_record", "discard_record", "read_notifications"),
    *("test_channel", "end_session", "end_other_sessions", "notification"),
}
#: Addresses of one object which the address of no copy, account or master names.
OWN_OTHER = (
    *("close_position", "detach_position"),
    *("notification", "test_channel", "remove_channel", "end_session"),
)
#: What stands whether copy trading is switched on or off.
ALWAYS = ("terms", "legal_text")
#: Of one outcome, of one difference, of one permission, of a picture; and what needs a venue.
#: Their own tests try strangers on them.
ELSEWHERE = {
    *("outcome", "repair_drift", "accept_drift", "picture", "choose_accounts"),
    *("open_paper", "connect_ctrader", "ctrader_back"),
}


def addresses(copied: CopySubscription) -> dict[str, str]:
    """Every address of the portal by a label, for this customer's copy and account."""
    found = {
        f"{name} {values.get('action', '')}".strip(): reverse(
            f"portal:{name}", kwargs={"uuid": copied.uuid, **values}
        )
        for name, values in OWN_COPY
    }
    found["change_pair"] += "?symbol=EURUSD"
    for name in ("close_position", "detach_position"):
        found[name] = reverse(f"portal:{name}", args=[held_link(copied)])
    for action in ("switch-off", "switch-on", "delete", "apply", "withdraw", "hide"):
        found[f"change_master {action}"] = reverse(
            "portal:change_master", args=[own_master(copied).uuid, action]
        )
    for name in ("master_profile", "set_picture", "discover_master"):
        found[name] = reverse(f"portal:{name}", args=[own_master(copied).uuid])
    for name in OWN_ACCOUNT:
        found[name] = reverse(f"portal:{name}", args=[copied.follower.account.uuid])
    for name in PERSONAL:
        found[name] = reverse(f"portal:{name}")
    customer = owner_of(copied)
    found["notification"] = reverse("portal:notification", args=[own_notification(customer)])
    found["test_channel"] = reverse("portal:test_channel", args=[email_channel(customer)])
    found["remove_channel"] = reverse("portal:remove_channel", args=[own_channel(customer)])
    found["end_session"] = reverse("portal:end_session", args=[own_session(customer)])
    found["become_master"] = reverse("portal:become_master")
    found["connect"] = reverse("portal:connect")
    for name in ("outcomes", "outcomes_csv", "discover", "compare", "exposure", "close_everything"):
        found[name] = reverse(f"portal:{name}")
    names = ("copying", "follow", "follow_summary", "follow_rehearsal", "accounts", "masters")
    for name in (*names, "terms"):
        found[name] = reverse(f"portal:{name}")
    found["legal_text"] = reverse("portal:legal_text", args=["risk", 1])
    return found


def own_master(copied: CopySubscription) -> CopyMaster:
    """The master, on an account of the customer who copies it."""
    account = copied.master.account
    if account.owner_id is None:
        account.owner = copied.follower.account.owner
        account.save()
    return copied.master


def held_link(copied: CopySubscription) -> int:
    """A position that the copy holds."""
    values = {
        "subscription_id": copied.pk,
        "master_account_id": copied.master.account_id,
        "account_id": copied.follower.account_id,
        "position_key": "m1",
    }
    row = {"symbol": "EURUSD", "instrument_id": "1", "side": "buy", "ratio": 1, "grows": True}
    held = {"master_units": 1_000, "target_units": 1_000, "held_units": 1_000}
    events = {"opened_event_id": 1, "last_event_id": 1, "opened_at": timezone.now()}
    link, _ = TradeLink.objects.get_or_create(**values, defaults={**row, **held, **events})
    return int(link.pk)


def owner_of(copied: CopySubscription) -> User:
    """The customer whose copy it is."""
    owner = copied.follower.account.owner
    assert owner is not None
    return owner


def own_notification(customer: User) -> int:
    """A notification of the customer's."""
    now = timezone.now()
    times = {"at": now, "last_at": now, "due_at": now}
    row, _ = Notification.objects.get_or_create(
        user=customer, kind=Kind.DRIFT, defaults={"text": "About it.", "link": "/terms/", **times}
    )
    return int(row.pk)


def email_channel(customer: User) -> UUID:
    """The channel to the customer's own e-mail address."""
    ensure_email_channel(user=customer)
    return Channel.objects.get(user=customer, type=Channel.Type.EMAIL).uuid


def own_channel(customer: User) -> UUID:
    """A messenger of the customer's, which can be removed."""
    row, _ = Channel.objects.get_or_create(
        user=customer,
        name="Phone",
        defaults={"type": Channel.Type.APPRISE, "created_at": timezone.now()},
    )
    return row.uuid


def own_session(customer: User) -> int:
    """A session of the customer's in another browser."""
    found = UserSession.objects.filter(user=customer, user_agent="Another").first()
    if found is None:
        store = SessionStore()
        store.create()
        found = UserSession.objects.create(
            user=customer, session_key=store.session_key, user_agent="Another", ip="127.0.0.1"
        )
    return int(found.pk)
