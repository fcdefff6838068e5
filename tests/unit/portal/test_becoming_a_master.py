"""Applying, the profile and its picture."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from apps.accounts.api import update_product_defaults
from apps.accounts.models import User
from apps.accounts.selectors import forget_product_config
from apps.common.events import listen
from apps.copytrading.api import APPLICATION_RECEIVED, subscribe
from apps.copytrading.errors import (
    BelowMinimumInvestment,
    FollowerModeNotAllowed,
    MasterFull,
    MasterNotAvailable,
)
from apps.copytrading.models import CopyMaster, MasterPicture
from apps.platforms.models import TradingAccount
from tests.factories.copytrading import FollowerFactory, MasterFactory, fund, switch_copying
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
WORDS = {"strategy_name": "Harbour", "description": "Slow."}


@pytest.fixture
def account(customer: User) -> TradingAccount:
    switch_copying()
    found = AccountFactory(owner=customer, name="Main")
    fund(found, 5_000)
    return found


@pytest.fixture
def master(account: TradingAccount) -> CopyMaster:
    return MasterFactory(account=account, strategy_name="Harbour", visibility="public")


def no_rules() -> None:
    update_product_defaults(
        actor=None, master_min_age_days=0, master_min_trades=0, master_max_drawdown=Decimal(0)
    )
    forget_product_config()


def png(size: tuple[int, int] = (300, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "green").save(out, "PNG")
    return out.getvalue()


def test_rules_stand_beside_figures_and_bind(as_customer: Client, account: TradingAccount) -> None:
    page = as_customer.get(reverse("portal:become_master")).content.decode()
    assert "Known for at least 30 days" in page and "0 trades" in page and "Not met" in page
    here = reverse("portal:apply_as_master", args=[account.uuid])

    refused = as_customer.post(here, WORDS | {"visibility": "public"})
    assert refused.status_code == 422 and not CopyMaster.objects.exists()

    as_customer.post(here, WORDS | {"visibility": "private"})
    assert CopyMaster.objects.get().status == "active"


def test_rules_that_do_not_bind_are_shown_only(
    as_customer: Client, account: TradingAccount, django_capture_on_commit_callbacks: Any
) -> None:
    update_product_defaults(actor=None, master_rules_bind=False)
    forget_product_config()
    told: list[Any] = []
    listen(APPLICATION_RECEIVED, told.append)
    with django_capture_on_commit_callbacks(execute=True):
        as_customer.post(
            reverse("portal:apply_as_master", args=[account.uuid]),
            WORDS | {"visibility": "public"},
        )
    master = CopyMaster.objects.get()
    assert (master.status, master.visibility) == ("pending", "public")
    assert master.applied_at is not None
    assert told[0]["master_uuid"] == str(master.uuid)


def test_apply_withdraw_apply_again(as_customer: Client, master: CopyMaster) -> None:
    no_rules()
    CopyMaster.objects.update(status="rejected", status_reason="Too young")
    profile = reverse("portal:master_profile", args=[master.uuid])
    assert "Too young" in as_customer.get(profile).content.decode()

    def change(action: str) -> tuple[str, str]:
        as_customer.post(reverse("portal:change_master", args=[master.uuid, action]))
        master.refresh_from_db()
        return master.status, master.visibility

    assert change("apply") == ("pending", "public")
    assert change("withdraw") == ("active", "private")
    assert change("withdraw") == ("active", "private")
    assert change("apply") == ("pending", "public")


def test_a_private_master_needs_the_rules_to_become_public(
    as_customer: Client, master: CopyMaster
) -> None:
    CopyMaster.objects.update(visibility="private")
    as_customer.post(reverse("portal:change_master", args=[master.uuid, "apply"]))
    master.refresh_from_db()
    assert (master.status, master.visibility) == ("active", "private")


def test_a_public_master_is_made_private_and_its_copies_go_on(
    as_customer: Client, stranger: User, master: CopyMaster
) -> None:
    copy = subscribe(
        actor=stranger, master=master, follower=follower_of(stranger, 5_000),
        volume_mode="multiplier",
    )  # fmt: skip
    as_customer.post(reverse("portal:change_master", args=[master.uuid, "hide"]))
    master.refresh_from_db()
    copy.refresh_from_db()
    assert (master.visibility, master.status, copy.status) == ("private", "active", "active")
    with pytest.raises(MasterNotAvailable):
        subscribe(
            actor=stranger, master=master, follower=follower_of(stranger, 5_000),
            volume_mode="multiplier",
        )  # fmt: skip


def profile_form(**changes: Any) -> dict[str, Any]:
    return {
        "strategy_name": "Harbour", "description": "", "show_positions": "nobody",
        "show_trades": "followers", "trades_delay_h": "24", "allowed_follower_modes": "real",
        "max_followers": "3", "min_investment": "500",
    } | changes  # fmt: skip


def test_the_profile_is_edited(as_customer: Client, master: CopyMaster) -> None:
    here = reverse("portal:master_profile", args=[master.uuid])
    assert as_customer.post(here, profile_form(strategy_name="New")).status_code == 302
    master.refresh_from_db()
    assert (master.strategy_name, master.show_positions, master.trades_delay_h) == (
        "New",
        "nobody",
        24,
    )
    assert (master.max_followers, master.min_investment) == (3, 500)
    assert (master.status, master.visibility) == ("active", "public")


@pytest.mark.parametrize(
    "change",
    [
        {"strategy_name": " "},
        {"strategy_name": "x" * 65},
        {"description": "x" * 2001},
        {"max_followers": "-1"},
        {"max_followers": "99999999999"},
        {"min_investment": "NaN"},
        {"min_investment": "1e30"},
        {"show_trades": "me"},
        {"allowed_follower_modes": ""},
    ],
)
def test_what_cannot_be_changes_nothing(
    as_customer: Client, master: CopyMaster, change: dict[str, str]
) -> None:
    here = reverse("portal:master_profile", args=[master.uuid])
    response = as_customer.post(here, profile_form(**change))
    assert response.status_code == 422 and "Nothing was changed" in response.content.decode()
    master.refresh_from_db()
    assert (master.strategy_name, master.max_followers) == ("Harbour", 0)


def test_nobody_takes_the_name_of_a_master_that_others_see(
    as_customer: Client, customer: User, account: TradingAccount
) -> None:
    no_rules()
    MasterFactory(strategy_name="Wild Bull", visibility="public")
    here = reverse("portal:apply_as_master", args=[account.uuid])
    wish = {"strategy_name": "wild bull ", "visibility": "public"}

    refused = as_customer.post(here, wish)
    assert refused.status_code == 422 and "bears this name already" in refused.content.decode()
    assert as_customer.post(here, {**wish, "visibility": "private"}).status_code == 302
    mine = CopyMaster.objects.get(account__owner=customer)
    as_customer.post(reverse("portal:change_master", args=[mine.uuid, "apply"]))
    mine.refresh_from_db()
    assert mine.visibility == "private"

    profile = reverse("portal:master_profile", args=[mine.uuid])
    assert as_customer.post(profile, profile_form(strategy_name="Calm")).status_code == 302
    again = as_customer.post(profile, profile_form(strategy_name="WILD BULL"))
    assert again.status_code == 422 and "bears this name already" in again.content.decode()


def test_a_picture_is_served_with_safe_headers(as_customer: Client, master: CopyMaster) -> None:
    here = reverse("portal:set_picture", args=[master.uuid])
    as_customer.post(here, {"picture": SimpleUploadedFile("me.png", png())})
    address = reverse("portal:picture", args=[master.uuid])
    response = as_customer.get(address)

    assert response["Content-Type"] == "image/webp" and response["X-Content-Type-Options"] == (
        "nosniff"
    )
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    with Image.open(io.BytesIO(response.content)) as image:
        assert image.size == (256, 256)
    assert as_customer.get(address, HTTP_IF_NONE_MATCH=response["ETag"]).status_code == 304
    digest = MasterPicture.objects.get().digest
    assert "immutable" in as_customer.get(address, {"v": digest})["Cache-Control"]
    assert digest in as_customer.get(reverse("portal:masters")).content.decode()

    as_customer.post(here, {"remove": "1"})
    assert as_customer.get(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.svg", b"<svg onload=alert(1)>"),
        ("a.png", b"<html><script>alert(1)</script>"),
        ("a.png", png((20, 20))),
        ("a.png", b""),
        ("a.png", bytes(4 * 1024 * 1024 + 1)),
    ],
    ids=["svg", "html", "small", "empty", "huge"],
)
def test_what_is_no_picture_is_not_kept(
    as_customer: Client, master: CopyMaster, name: str, data: bytes
) -> None:
    here = reverse("portal:set_picture", args=[master.uuid])
    response = as_customer.post(here, {"picture": SimpleUploadedFile(name, data)})
    assert response.status_code == 422
    assert not MasterPicture.objects.exists()


def test_who_sees_a_picture(
    as_customer: Client, as_stranger: Client, stranger: User, master: CopyMaster
) -> None:
    MasterPicture.objects.create(master=master, image=b"x", digest="d")
    address = reverse("portal:picture", args=[master.uuid])
    assert as_stranger.get(address).status_code == 200
    for hidden in ({"visibility": "private"}, {"visibility": "public", "status": "pending"}):
        CopyMaster.objects.update(**hidden)
        assert as_stranger.get(address).status_code == 404, hidden
        assert as_customer.get(address).status_code == 200
    assert Client().get(address).status_code == 302


def follower_of(owner: User, equity: int, **account: Any) -> Any:
    held = AccountFactory(owner=owner, **account)
    fund(held, equity)
    return FollowerFactory(account=held)


def test_whom_a_master_lets_follow(stranger: User, customer: User, master: CopyMaster) -> None:
    def follow(follower: Any, **settings: Any) -> None:
        subscribe(
            actor=follower.account.owner, master=master, follower=follower,
            volume_mode="multiplier", **settings,
        )  # fmt: skip

    CopyMaster.objects.update(allowed_follower_modes="real")
    with pytest.raises(FollowerModeNotAllowed, match="lets real accounts follow only"):
        follow(follower_of(stranger, 5_000))
    CopyMaster.objects.update(allowed_follower_modes="both", min_investment=1_000)
    with pytest.raises(BelowMinimumInvestment, match=r"1,000\.00 USD at least"):
        follow(follower_of(stranger, 999))
    with pytest.raises(BelowMinimumInvestment, match=r"would begin with 400\.00"):
        follow(follower_of(stranger, 5_000), allocated_capital=Decimal(400))
    with pytest.raises(BelowMinimumInvestment, match="cannot be converted"):
        follow(follower_of(stranger, 5_000, currency="ZAR"))
    follow(follower_of(customer, 10))
    CopyMaster.objects.update(max_followers=1)
    follow(follower_of(stranger, 1_000))
    with pytest.raises(MasterFull, match="1 followers at most"):
        follow(follower_of(stranger, 1_000))


def test_more_accounts_cost_no_more_queries(
    as_customer: Client, customer: User, account: TradingAccount
) -> None:
    here = reverse("portal:become_master")
    before = queries(as_customer, here)
    for _ in range(5):
        fund(AccountFactory(owner=customer), 100)
    assert queries(as_customer, here) == before <= 14
