"""What the pages about copies show and do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.common.live_pages import show
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.copytrading.selectors import subscriptions_of
from apps.portal.copy_forms import CopySettingsForm
from apps.portal.live_copying import COPYING, results
from tests.factories.copytrading import CopyWorld, fund, symbol
from tests.factories.platforms import AccountFactory
from tests.support.forms import untouched
from tests.support.queries import queries

SETTINGS = untouched(CopySettingsForm, copy_tp=None)


def test_query_counts_do_not_grow_with_what_is_shown(
    as_customer: Client, customer: User, world: CopyWorld, copied: CopySubscription
) -> None:
    pages = (
        reverse("portal:copying"),
        reverse("portal:subscription", args=[copied.uuid]),
        reverse("portal:edit_copy", args=[copied.uuid]),
        reverse("portal:mapping", args=[copied.uuid]),
        reverse("portal:follow"),
        reverse("portal:accounts"),
        reverse("portal:account", args=[copied.follower.account.uuid]),
        reverse("portal:follower_settings", args=[copied.follower.account.uuid]),
    )
    before = [queries(as_customer, page) for page in pages]
    for number in range(3):
        world.follow(account={"owner": customer})
        world.trade(f"p{number}", 100_000)
        symbol(world.connection, f"PAIR{number}", instrument_id=f"x{number}")
    world.run()

    after = [queries(as_customer, page) for page in pages]

    assert after == before
    assert max(after) <= 13


def test_a_copied_position_stands_beside_the_masters(
    as_customer: Client, world: CopyWorld, copied: CopySubscription
) -> None:
    world.trade("p1", 100_000)
    world.run()

    page = as_customer.get(reverse("portal:copying")).content.decode()

    assert "Copied in full" in page
    assert "Master bought 1.00 EURUSD at 1.0921" in page


def test_money_of_two_currencies_is_never_added(
    customer: User, world: CopyWorld, copied: CopySubscription
) -> None:
    world.follow(account={"owner": customer, "currency": "EUR"})

    sums = results(subscriptions_of(user=customer))

    assert sorted(s.currency for s in sums) == ["EUR", "USD"]


def test_following_creates_the_copy(
    as_customer: Client, customer: User, accepted: None, world: CopyWorld
) -> None:
    CopyMaster.objects.update(visibility="public")
    account = AccountFactory(connection=world.connection, owner=customer)
    fund(account, 1_000)
    chosen = {"master": str(world.master.uuid), "account": str(account.uuid)}

    response = as_customer.post(
        reverse("portal:follow"), {**SETTINGS, **chosen, "max_volume": "0.5"}
    )

    assert response.status_code == 302
    created = CopySubscription.objects.get()
    assert (created.max_volume, created.copy_sl, created.copy_tp) == (Decimal("0.5"), True, False)


def test_a_private_master_of_somebody_else_cannot_be_followed(
    as_customer: Client, customer: User, world: CopyWorld
) -> None:
    account = AccountFactory(connection=world.connection, owner=customer)
    chosen = {"master": str(world.master.uuid), "account": str(account.uuid)}

    response = as_customer.post(reverse("portal:follow"), {**SETTINGS, **chosen})

    assert response.status_code == 422
    assert "This master cannot be followed" in str(response.context["form"].errors["master"])


def test_refused_settings_stand_beside_their_fields_and_nothing_is_lost(
    as_customer: Client, copied: CopySubscription
) -> None:
    response = as_customer.post(
        reverse("portal:edit_copy", args=[copied.uuid]),
        {**SETTINGS, "volume_mode": "equity_based", "min_volume": "0.07"},
    )

    assert response.status_code == 422
    form = response.context["form"]
    assert "base_equity" in form.errors
    assert 'value="0.07"' in response.content.decode()
    copied.refresh_from_db()
    assert copied.volume_mode == "equity_ratio"


@pytest.mark.parametrize(
    ("action", "status"),
    [("pause", "paused"), ("stop", "disabled")],
)
def test_changes_do_what_they_say(
    as_customer: Client, copied: CopySubscription, action: str, status: str
) -> None:
    address = reverse("portal:change_copy", args=[copied.uuid, action])

    response = as_customer.post(address, {"close_positions": "0"})

    assert response.status_code == 302
    copied.refresh_from_db()
    assert copied.status == status


def test_stopping_without_saying_what_becomes_of_positions_is_refused(
    as_customer: Client, copied: CopySubscription
) -> None:
    response = as_customer.post(reverse("portal:change_copy", args=[copied.uuid, "stop"]))

    assert response.status_code == 422
    copied.refresh_from_db()
    assert copied.status == "active"


def test_what_is_stopped_and_empty_cannot_be_stopped_again(
    as_customer: Client, copied: CopySubscription
) -> None:
    address = reverse("portal:change_copy", args=[copied.uuid, "stop"])
    assert "Stop copying</button>" in as_customer.get(address).content.decode()
    as_customer.post(address, {"close_positions": "0"})

    page = as_customer.get(address).content.decode()

    assert "is stopped already" in page and "Stop copying</button>" not in page


def test_htmx_gets_the_dialog_alone(as_customer: Client, copied: CopySubscription) -> None:
    address = reverse("portal:change_copy", args=[copied.uuid, "stop"])

    fragment = as_customer.get(
        address, headers={"HX-Request": "true", "HX-Target": "dialog-body"}
    ).content.decode()
    page = as_customer.get(address).content.decode()

    assert fragment.strip().startswith("<form")
    assert "<html" not in fragment
    assert "<html" in page


def test_the_view_and_the_socket_agree_on_what_is_shown(
    customer: User, copied: CopySubscription
) -> None:
    assert show(COPYING, customer, {}) == show(COPYING, customer, {})
