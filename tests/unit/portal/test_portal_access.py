"""What is not yours does not exist for you, and nothing is open without signing in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.copytrading.models import CopyMaster, CopySubscription, TradeLink
from apps.portal.urls import urlpatterns
from tests.factories.copytrading import switch_copying

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
OPEN = {"home", "theme", "gallery"}
#: Addresses that only take forms.
POST_ONLY = {
    *("edit_copy_summary", "follow_summary", "upload_mapping", "check_chain", "set_picture"),
    *("rename_account", "confirm_record", "discard_record"),
    *("edit_copy_rehearsal", "follow_rehearsal"),
}
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
    for name in ("master_profile", "set_picture"):
        found[name] = reverse(f"portal:{name}", args=[own_master(copied).uuid])
    for name in OWN_ACCOUNT:
        found[name] = reverse(f"portal:{name}", args=[copied.follower.account.uuid])
    found["become_master"] = reverse("portal:become_master")
    found["connect"] = reverse("portal:connect")
    for name in ("outcomes", "outcomes_csv", "discover", "compare", "exposure", "close_everything"):
        found[name] = reverse(f"portal:{name}")
    names = ("copying", "follow", "follow_summary", "follow_rehearsal", "accounts", "masters")
    for name in (*names, "terms"):
        found[name] = reverse(f"portal:{name}")
    found["legal_text"] = reverse("portal:legal_text", args=["risk", 1])
    return found


def test_every_address_is_covered_here(copied: CopySubscription) -> None:
    names = {pattern.name for pattern in urlpatterns}

    assert names - OPEN - ELSEWHERE == {label.split()[0] for label in addresses(copied)}


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


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(
    as_stranger: Client, copied: CopySubscription, method: str
) -> None:
    account = str(copied.follower.account.uuid)
    own = {
        label: address
        for label, address in addresses(copied).items()
        if str(copied.uuid) in address
        or account in address
        or str(own_master(copied).uuid) in address
        or label in ("close_position", "detach_position")
    }

    for label, address in own.items():
        response = getattr(as_stranger, method)(address, {"close_positions": "1"})
        wrong_method = method == "post" or label in POST_ONLY
        assert response.status_code in ({404, 405} if wrong_method else {404}), label

    copied.refresh_from_db()
    assert copied.status == CopySubscription.Status.ACTIVE
    assert (TradeLink.objects.get().close_cause, TradeLink.objects.get().state) == ("", "open")
    copied.master.refresh_from_db()
    assert copied.master.enabled and copied.master.archived_at is None
    copied.follower.refresh_from_db()
    assert copied.follower.archived_at is None


@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_is_open_without_signing_in(copied: CopySubscription, method: str) -> None:
    for label, address in addresses(copied).items():
        response = getattr(Client(), method)(address)
        wrong_method = method == "post" or label in POST_ONLY
        assert response.status_code in ({302, 405} if wrong_method else {302}), label
        if response.status_code == 302:
            assert response.url.startswith(reverse("account_login")), label


def test_the_owner_sees_every_page(as_customer: Client, copied: CopySubscription) -> None:
    for label, address in addresses(copied).items():
        expected = 405 if label in POST_ONLY else 200
        assert as_customer.get(address).status_code == expected, label


def test_pages_of_a_module_that_is_off_are_gone(
    as_customer: Client, copied: CopySubscription
) -> None:
    switch_copying(False)

    for label, address in addresses(copied).items():
        account = {*OWN_ACCOUNT, "accounts", "connect"} - WITH_COPYING
        expected = 200 if label in account or label.startswith(ALWAYS) else 404
        if label in ("confirm_record", "discard_record", "rename_account"):
            expected = 302
        client = as_customer.post if label in POST_ONLY else as_customer.get
        assert client(address).status_code == expected, label
    page = as_customer.get(reverse("portal:accounts"), follow=True)
    assert "My copying" not in page.content.decode()
    assert "My masters" not in page.content.decode()


def test_changes_need_the_token_of_the_form(copied: CopySubscription) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(copied.follower.account.owner)

    response = client.post(
        reverse("portal:change_copy", args=[copied.uuid, "stop"]), {"close_positions": "1"}
    )

    assert response.status_code == 403
    copied.refresh_from_db()
    assert copied.status == CopySubscription.Status.ACTIVE


def test_a_foreign_account_cannot_be_chosen(as_stranger: Client, copied: CopySubscription) -> None:
    response = as_stranger.post(
        reverse("portal:follow"),
        {
            "master": str(copied.master.uuid),
            "account": str(copied.follower.account.uuid),
            "volume_mode": "multiplier",
        },
    )

    assert response.status_code == 422
    assert CopySubscription.objects.count() == 1


def test_customers_begin_at_their_copies_and_the_gallery_is_for_staff(
    as_customer: Client, copied: CopySubscription
) -> None:
    assert as_customer.get("/").url == reverse("portal:copying")
    assert as_customer.get(reverse("portal:gallery")).status_code == 404
