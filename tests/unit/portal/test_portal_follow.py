"""Following a master: whom, with which texts accepted, and what it would have made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.legal import publish_text
from apps.accounts.models import Acceptance, AuditEntry, User
from apps.accounts.selectors import product_config
from apps.copytrading import api
from apps.copytrading.errors import NotPermitted, TermsNotAccepted
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.execution.models import Position
from apps.platforms.models import TradingAccount
from apps.portal.copy_forms import CopySettingsForm
from tests.factories.copytrading import CopyWorld, MasterFactory, fund
from tests.factories.past import round_trips
from tests.factories.platforms import AccountFactory, GroupFactory
from tests.support.forms import untouched
from tests.support.queries import queries

FOLLOW, REHEARSAL = "portal:follow", "portal:follow_rehearsal"
SETTINGS = untouched(CopySettingsForm)
BOXES = {"accept_risk_1": "on", "accept_terms_1": "on"}


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def account(world: CopyWorld, customer: User) -> TradingAccount:
    CopyMaster.objects.update(visibility="public", strategy_name="Harbour Swing")
    account = AccountFactory(connection=world.connection, owner=customer, name="Main")
    fund(account, 1_000)
    return account


@pytest.fixture
def chosen(world: CopyWorld, account: TradingAccount) -> dict[str, str]:
    return {**SETTINGS, "master": str(world.master.uuid), "account": str(account.uuid)}


def page(client: Client, **query: str) -> str:
    return client.get(reverse(FOLLOW), query).content.decode()


# --- whom


def test_masters_are_found_by_name_and_not_all_are_listed(
    as_customer: Client, account: TradingAccount
) -> None:
    MasterFactory.create_batch(25, visibility="public")
    MasterFactory(visibility="public", strategy_name="100% gold_bug")
    MasterFactory(strategy_name="Harbour in private")

    assert page(as_customer).count("pick-link") == 20
    found = page(as_customer, q="harbour")
    assert found.count("pick-link") == 1 and "Harbour Swing" in found
    assert "private" not in found.partition('id="masters"')[2]
    assert page(as_customer, q="100% gold_").count("pick-link") == 1
    assert page(as_customer, q="%").count("pick-link") == 1
    assert "No master has this in its name" in page(as_customer, q="zzz")


def test_the_list_alone_is_sent_as_one_types(as_customer: Client, account: TradingAccount) -> None:
    headers = {"HX-Request": "true", "HX-Target": "masters"}
    fragment = as_customer.get(reverse(FOLLOW), {"q": "swing"}, headers=headers).content.decode()

    assert "Harbour Swing" in fragment and "<html" not in fragment


def test_a_master_is_shown_with_its_badges_and_the_only_account_is_chosen(
    as_customer: Client, world: CopyWorld, account: TradingAccount
) -> None:
    shown = page(as_customer, master=str(world.master.uuid))

    assert "Harbour Swing" in shown and "Demo track record" in shown
    assert f'<option value="{account.uuid}" selected>' in shown
    assert "The first copy is the master&#x27;s next trade" in shown
    assert reverse(REHEARSAL) in shown


@pytest.mark.parametrize("given", ["unknown", "private", "no-uuid"])
def test_a_master_that_one_may_not_follow_is_not_told_of(
    as_customer: Client, account: TradingAccount, given: str
) -> None:
    private = MasterFactory(strategy_name="Secret Sauce")
    named = {"private": str(private.uuid), "unknown": str(account.uuid)}.get(given, given)
    values = {**SETTINGS, "master": named, "account": str(account.uuid)}

    shown = page(as_customer, master=named)
    assert "This master cannot be followed" in shown and "Secret" not in shown
    for name in (REHEARSAL, "portal:follow_summary"):
        fragment = as_customer.post(reverse(name), values).content.decode()
        assert "Secret" not in fragment and "share-figure" not in fragment


def test_a_stranger_s_account_is_rehearsed_for_nobody(
    as_stranger: Client, world: CopyWorld, chosen: dict[str, str]
) -> None:
    round_trips(world.account_id, [100_000] * 20)

    fragment = as_stranger.post(reverse(REHEARSAL), chosen).content.decode()

    assert "share-figure" not in fragment
    assert (
        "Choose one of your own accounts"
        in as_stranger.post(reverse("portal:follow_summary"), chosen).content.decode()
    )


# --- what it would have made


def test_the_rehearsal_follows_the_form(
    as_customer: Client, world: CopyWorld, chosen: dict[str, str]
) -> None:
    round_trips(world.account_id, [100_000] * 18 + [5_000] * 6)

    shown = as_customer.post(reverse(REHEARSAL), chosen).content.decode()
    assert "75 %" in shown and "18 of 24 opened or increased, 6 skipped" in shown
    assert "The volume is below the smallest that can be traded" in shown
    assert 'href="#id_below_minimum_0"' in shown and 'href="#id_risk_multiplier"' in shown
    up = as_customer.post(reverse(REHEARSAL), {**chosen, "below_minimum": "round_up"})
    assert "100 %" in up.content.decode() and "6 rounded up" in up.content.decode()
    wrong = as_customer.post(reverse(REHEARSAL), {**chosen, "risk_multiplier": "x"})
    assert "As soon as every field has a value" in wrong.content.decode()
    unsaid = as_customer.post(reverse(REHEARSAL), {**chosen, "volume_mode": "fixed"})
    assert "Say how many lots" in unsaid.content.decode()
    assert not CopySubscription.objects.exists()


def test_without_a_history_it_says_so(as_customer: Client, chosen: dict[str, str]) -> None:
    assert "has not traded yet" in as_customer.post(reverse(REHEARSAL), chosen).content.decode()


def test_a_standing_copy_is_rehearsed_with_other_settings(
    as_customer: Client, world: CopyWorld, copied: CopySubscription
) -> None:
    round_trips(world.account_id, [100_000] * 20)
    address = reverse("portal:edit_copy_rehearsal", args=[copied.uuid])

    shown = as_customer.post(address, {**SETTINGS, "reverse_direction": "on"}).content.decode()

    assert "20 of 20 opened or increased" in shown and "money-loss" in shown
    copied.refresh_from_db()
    assert not copied.reverse_direction


def test_without_javascript_a_button_shows_both(
    as_customer: Client, world: CopyWorld, copied: CopySubscription, chosen: dict[str, str]
) -> None:
    round_trips(world.account_id, [100_000] * 20)

    shown = as_customer.post(reverse(FOLLOW), {**chosen, "preview": "1"})
    assert shown.status_code == 200 and "20 of 20" in shown.content.decode()
    edit = reverse("portal:edit_copy", args=[copied.uuid])
    changed = {**SETTINGS, "preview": "1", "copy_mode": "close_only"}
    shown = as_customer.post(edit, changed)
    assert shown.status_code == 200 and "0 of 20" in shown.content.decode()
    assert CopySubscription.objects.get().copy_mode == "sync"


def test_queries_are_few_and_do_not_grow(
    as_customer: Client,
    world: CopyWorld,
    chosen: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def of_rehearsal() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_customer.post(reverse(REHEARSAL), chosen)
        return len(captured)

    monkeypatch.setattr("apps.accounts.selectors._CONFIG_AGE_S", 3_600)
    product_config()  # read once for all
    round_trips(world.account_id, [100_000] * 5)
    address = f"{reverse(FOLLOW)}?master={world.master.uuid}"
    pages = queries(as_customer, address), queries(as_customer, reverse(FOLLOW))
    first, cached = of_rehearsal(), of_rehearsal()
    MasterFactory.create_batch(5, visibility="public")
    round_trips(world.account_id, [100_000] * 100, first=100)
    cache.clear()

    assert (queries(as_customer, address), queries(as_customer, reverse(FOLLOW))) == pages
    assert max(pages) <= 20
    assert of_rehearsal() == first <= 18 and cached <= 8


# --- another account


def test_money_is_named_in_the_currency_of_the_account_that_is_chosen_now(
    as_customer: Client, world: CopyWorld, customer: User, chosen: dict[str, str]
) -> None:
    euros = AccountFactory(connection=world.connection, owner=customer, currency="EUR")
    follower = api.create_follower(actor=customer, account=euros)
    api.update_follower(actor=customer, follower=follower, min_equity=250)
    shown = page(as_customer, master=chosen["master"], account=chosen["account"])
    assert shown.count('<span class="muted account-currency">USD</span>') == 4

    changed = {**chosen, "account": str(euros.uuid)}
    told = as_customer.post(reverse("portal:follow_summary"), changed).content.decode()

    assert '<span hx-swap-oob="innerHTML:.account-currency">EUR</span>' in told
    assert "250 EUR" in told.partition("innerHTML:#id_min_equity_helptext")[2]


# --- refusals ahead


def test_what_will_be_refused_is_said_before(
    as_customer: Client, world: CopyWorld, customer: User, chosen: dict[str, str]
) -> None:
    real = AccountFactory(
        connection=world.connection, owner=customer, group=GroupFactory(mode="real")
    )
    fund(real, 1_000)
    summary = reverse("portal:follow_summary")

    told = as_customer.post(summary, {**chosen, "account": str(real.uuid)}).content.decode()
    assert "This cannot be copied now." in told
    assert "Real money does not follow a demo account" in told and "First:" not in told
    CopyMaster.objects.update(min_investment=5_000, max_followers=9)
    told = as_customer.post(summary, chosen).content.decode()
    assert "asks for 5,000" in told and "First:" not in told
    shown = page(as_customer, master=chosen["master"], account=chosen["account"])
    assert "from 5,000 USD" in shown and "asks for 5,000" in shown
    CopyMaster.objects.update(status="paused", min_investment=0)
    assert "the master is paused" in as_customer.post(summary, chosen).content.decode()


def test_what_the_master_holds_is_what_happens_first(
    as_customer: Client, world: CopyWorld, accepted: None, chosen: dict[str, str]
) -> None:
    other = world.follow()
    world.trade("m1", 100_000)
    world.run()
    own = {"account_id": other.follower.account_id}
    Position.objects.filter(**own).update(account_id=world.account_id)
    existing = {**chosen, "copy_existing_positions": "on"}

    told = as_customer.post(reverse("portal:follow_summary"), existing).content.decode()
    assert "1 position of the master is opened at the current price at once." in told
    done = as_customer.post(reverse(FOLLOW), existing, follow=True).content.decode()
    assert "You follow Harbour Swing. 1 position of the master" in done


# --- texts


def test_the_texts_are_accepted_with_the_first_follow(
    as_customer: Client, customer: User, chosen: dict[str, str]
) -> None:
    shown = page(as_customer, master=chosen["master"])
    assert "Risk disclosure" in shown and "You can lose all the money on an account" in shown

    for boxes in ({}, {"accept_risk_1": "on"}, {"accept_risk_2": "on", "accept_terms_1": "on"}):
        refused = as_customer.post(reverse(FOLLOW), {**chosen, **boxes})
        assert refused.status_code == 422
        assert "Read it, and accept it to follow masters." in refused.content.decode()
    assert not CopySubscription.objects.exists() and not Acceptance.objects.exists()

    done = as_customer.post(reverse(FOLLOW), {**chosen, **BOXES}, follow=True)
    copy = CopySubscription.objects.get()
    assert done.redirect_chain[0][0] == reverse("portal:subscription", args=[copy.uuid])
    rows = Acceptance.objects.order_by("text__kind").values_list(
        "user_id", "text__kind", "text__version"
    )
    assert list(rows) == [(customer.pk, "risk", 1), (customer.pk, "terms", 1)]
    trail = AuditEntry.objects.filter(action="legal.accept").values_list("actor", "object_label")
    assert list(trail) == [
        (customer.email, "Risk disclosure, version 1"),
        (customer.email, "Terms of copying, version 1"),
    ]


def test_a_new_version_is_asked_for_before_the_next_follow(
    as_customer: Client, customer: User, accepted: None, world: CopyWorld, chosen: dict[str, str]
) -> None:
    assert as_customer.post(reverse(FOLLOW), chosen).status_code == 302
    publish_text(actor=None, kind="terms", text="New words.\n\nAnd more.")
    master = MasterFactory(visibility="public")
    chosen |= {"master": str(master.uuid)}

    shown = page(as_customer, master=chosen["master"])
    assert "<p>New words.</p>" in shown and "You can lose all the money" not in shown
    assert as_customer.post(reverse(FOLLOW), {**chosen, **BOXES}).status_code == 422
    world.trade("m1", 100_000)
    assert len(world.run()) == 1  # what runs already goes on
    done = as_customer.post(reverse(FOLLOW), {**chosen, "accept_terms_2": "on"})
    assert done.status_code == 302 and CopySubscription.objects.count() == 2


def test_the_service_refuses_without_the_texts_whoever_asks(
    world: CopyWorld, customer: User, stranger: User, account: TradingAccount
) -> None:
    with pytest.raises(TermsNotAccepted, match="the risk disclosure and the terms of copying"):
        api.follow(actor=customer, master=world.master, account=account)
    with pytest.raises(NotPermitted):
        api.follow(actor=stranger, master=world.master, account=account)
    assert not CopySubscription.objects.exists()
