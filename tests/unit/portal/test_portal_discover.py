"""Discover: who sees which masters, and how the list is narrowed, ordered and written."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics.models import ImportedRecord
from apps.copytrading.models import CopyMaster
from tests.factories.copytrading import fund, quote, switch_copying, symbol
from tests.factories.discover import followed, kept_up, listed, opens, three_masters
from tests.factories.platforms import AccountFactory, ConnectionFactory, GroupFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
LIST = "/discover/"


@pytest.fixture(autouse=True)
def _copying_is_on(db: None) -> None:
    switch_copying()


def names(client: Client, query: str = "") -> list[str]:
    """Names of the masters on a page, in their order."""
    response = client.get(f"{LIST}?{query}", headers={"HX-Request": "true"})
    assert response.status_code == 200, response.headers
    return [row.entry.name for row, _ in response.context["rows"]]


def words(client: Client, query: str = "") -> str:
    """The results as a script gets them, without the form above them."""
    headers = {"HX-Request": "true", "HX-Target": "results"}
    return client.get(f"{LIST}?{query}", headers=headers).content.decode()


# --- who sees what ------------------------------------------------------------------------------
def test_only_masters_that_are_open_to_the_customer_are_listed(
    as_customer: Client, customer: User, stranger: User
) -> None:
    listed("Open")
    listed("Paused", status="paused")
    listed("Mine alone", visibility="private", account={"owner": customer})
    for status in ("pending", "inactive", "rejected"):
        listed(f"Not {status}", status=status)
    listed("Somebody's own", visibility="private", account={"owner": stranger})
    listed("Mine, rejected", status="rejected", account={"owner": customer})
    listed("Deleted", archived_at=timezone.now())

    assert set(names(as_customer, "sort=name")) == {"Open", "Paused", "Mine alone"}


@pytest.mark.parametrize("view", ["cards", "table"])
def test_what_an_owner_wrote_is_text_and_nothing_else(as_customer: Client, view: str) -> None:
    master = listed('<b>Bold</b> & "quoted"')
    shown = words(as_customer, f"view={view}")
    assert "<b>" not in shown
    assert ">&lt;b&gt;Bold&lt;/b&gt; &amp; &quot;quoted&quot;</a>" in shown
    assert f'href="{reverse("portal:discover_master", args=[master.uuid])}"' in shown


@pytest.mark.parametrize("name", ["discover", "compare"])
def test_the_pages_are_gone_while_copying_is_off(as_customer: Client, name: str) -> None:
    switch_copying(False)
    assert as_customer.get(reverse(f"portal:{name}")).status_code == 404


def test_it_stands_first_in_the_navigation(as_customer: Client) -> None:
    nav = as_customer.get(reverse("portal:accounts")).content.decode().split("<nav", 1)[1]
    assert nav.index(">Discover<") < nav.index(">My copying<")


# --- order and filters ------------------------------------------------------------------------
@pytest.fixture
def three(db: None) -> list[CopyMaster]:
    return three_masters()


ORDERS = [
    ("sort=name", ["Calm Harbour", "New Hope", "Wild Bull"]),
    ("sort=followers", ["Calm Harbour", "Wild Bull", "New Hope"]),
    ("sort=drawdown&period=all", ["New Hope", "Calm Harbour", "Wild Bull"]),
    ("sort=return&period=7", ["Wild Bull", "New Hope", "Calm Harbour"]),
    ("sort=age", ["Calm Harbour", "Wild Bull", "New Hope"]),
    # A figure that is none stands last, whatever the direction.
    ("sort=risk", ["Calm Harbour", "Wild Bull", "New Hope"]),
    ("sort=earned", ["Calm Harbour", "New Hope", "Wild Bull"]),
    ("", ["Calm Harbour", "Wild Bull", "New Hope"]),
]


def test_the_order_is_the_one_asked_for(as_customer: Client, three: list[CopyMaster]) -> None:
    figures = {m.strategy_name: m for m in three}
    assert len(figures) == 3
    found = {query: names(as_customer, query) for query, _ in ORDERS}
    week = {
        row.entry.name: row.returned.value
        for row, _ in as_customer.get(f"{LIST}?period=7").context["rows"]
    }
    expected = dict(ORDERS)
    expected["sort=return&period=7"] = sorted(week, key=lambda name: -week[name])
    expected["sort=earned"] = found["sort=earned"]
    assert found == expected
    assert found["sort=earned"][0] == "Calm Harbour"  # the only one with five followers


FILTERS = [
    ("returned=14&period=30", {"Wild Bull"}),
    ("drawdown=5&period=all", {"Calm Harbour", "New Hope"}),
    ("risk=3", {"Calm Harbour"}),
    ("age=30", {"Calm Harbour", "Wild Bull"}),
    ("age=91", {"Calm Harbour"}),
    ("followers=2", {"Calm Harbour", "Wild Bull"}),
    ("followers=3", {"Calm Harbour"}),
    ("symbol=eur/usd", {"Calm Harbour"}),
    ("investment=499", {"Calm Harbour", "Wild Bull"}),
    ("investment=500", {"Calm Harbour", "Wild Bull", "New Hope"}),
    ("mode=real", {"Calm Harbour"}),
    ("mode=demo", {"Wild Bull", "New Hope"}),
    ("platform=paper", {"Calm Harbour", "Wild Bull", "New Hope"}),
    ("q=harb", {"Calm Harbour"}),
    ("q=what+FALLS", {"Wild Bull"}),
    ("q=100%25", set()),
    ("q=_", set()),
    ("mode=demo&age=30&q=wild", {"Wild Bull"}),
    # What makes no sense counts as not given.
    ("risk=99&drawdown=much&age=7&sort=luck&page=x&m=y", {"Calm Harbour", "Wild Bull", "New Hope"}),
]  # fmt: skip


def test_filters_and_search_narrow_the_list(as_customer: Client, three: list[CopyMaster]) -> None:
    assert len(three) == 3
    assert {query: set(names(as_customer, query)) for query, _ in FILTERS} == dict(FILTERS)


def test_what_takes_no_new_followers_can_be_left_out(as_customer: Client, customer: User) -> None:
    listed("Open", max_followers=2)
    full = listed("Crowded", max_followers=1)
    own = listed("Own copies take no place", max_followers=1, account={"owner": customer})
    listed("On holiday", status="paused")
    listed("Switched off", enabled=False)
    followed(full)
    followed(own, account=AccountFactory(owner=customer))
    kept_up()

    assert set(names(as_customer, "free=1")) == {"Open", "Own copies take no place"}
    page = words(as_customer)
    assert page.count(">Full<") == 1 and page.count(">Paused<") == 2
    assert page.count(">You follow<") == 1


def test_the_minimum_investment_is_compared_in_the_accounts_currency(
    as_customer: Client, customer: User
) -> None:
    AccountFactory(owner=customer, currency="EUR")
    master = listed("Dollars", min_investment=Decimal(1_000))
    symbol(master.account.connection)
    quote(master.account.connection, "1", "1.25")
    kept_up()

    assert names(as_customer, "investment=799") == []
    assert names(as_customer, "investment=801") == ["Dollars"]


# --- what is written ----------------------------------------------------------------------------
def test_a_short_record_says_so_in_place_of_a_number(
    as_customer: Client, three: list[CopyMaster]
) -> None:
    page = words(as_customer, "q=hope")
    assert "Not enough history" in page and "+12.68\u00a0%" in page  # 1.01^12
    assert "12 days" in page and "Too few followers" in page


def test_followers_stand_with_their_median_from_five_on(
    as_customer: Client, three: list[CopyMaster]
) -> None:
    calm, wild = words(as_customer, "q=calm"), words(as_customer, "q=wild")
    assert "+1.50\u00a0%" in calm and "median of 6, 67\u00a0% in profit" in calm
    assert "Too few followers (2 of 5)" in wild


def brought_along(account_id: int) -> None:
    """A record of elsewhere that is a part of an account's figures."""
    today = timezone.now().date()
    ImportedRecord.objects.create(
        account_id=account_id,
        format="metatrader_5",
        file_name="statement.html",
        digest="d",
        trades=1,
        first_at=timezone.now(),
        last_at=timezone.now(),
        result=1,
        deposits=1,
        first_day=today - timedelta(days=400),
        last_day=today - timedelta(days=130),
        confirmed_at=timezone.now(),
    )


def test_demo_and_imported_history_are_marked_wherever_figures_stand(
    as_customer: Client, customer: User
) -> None:
    account = {"owner": customer, "group": GroupFactory(mode="demo")}
    master = listed("Mine", account=account)
    brought_along(master.account_id)
    kept_up()
    uuid = str(master.uuid)

    for address in (
        f"{LIST}?view=cards",
        f"{LIST}?view=table",
        f"{reverse('portal:compare')}?m={uuid}",
        reverse("portal:discover_master", args=[uuid]),
        f"{reverse('portal:follow')}?master={uuid}",
        f"{reverse('portal:follow')}?q=mine",
        reverse("portal:masters"),
        reverse("portal:master_profile", args=[uuid]),
    ):
        page = as_customer.get(address).content.decode().partition("<main")[2]
        assert re.search(r'class="badge[^>]*>Imported history<', page), address
        assert re.search(r'class="badge[^>]*>Demo( track record)?<', page), address


def test_demo_and_imported_records_wear_their_badges(
    as_customer: Client, three: list[CopyMaster]
) -> None:
    brought_along(three[0].account_id)
    calm, wild = words(as_customer, "q=calm"), words(as_customer, "q=wild")
    assert ">Imported history<" in calm and ">Real<" in calm and ">Demo<" not in calm
    assert ">Imported history<" not in wild and ">Demo<" in wild


def test_what_the_chosen_account_can_copy_stands_beside_the_master(
    as_customer: Client, customer: User, three: list[CopyMaster]
) -> None:
    connection = ConnectionFactory()
    symbol(connection, "EURUSD")  # and no gold
    small = AccountFactory(owner=customer, connection=connection, name="A small one")
    large = AccountFactory(owner=customer, connection=connection, name="B large one")
    bare = AccountFactory(owner=customer, connection=connection, name="C unread one")
    fund(small, 500)  # 500 of 10,000 wanted: below 1,000
    fund(large, 2_500)  # 2,500 wanted, 2,000 held

    def copies(account: object, query: str) -> str:
        return words(as_customer, f"account={account}&{query}")

    assert "1 of 1 trades too small" in copies("", "q=calm")  # the first account is chosen
    assert "80\u00a0%" in copies(large.uuid, "q=calm")
    assert "1 of 1 not offered" in copies(large.uuid, "q=wild")
    assert "No trades yet" in copies(large.uuid, "q=hope")
    assert "Equity is not known" in copies(bare.uuid, "q=calm")


def test_a_strangers_account_is_not_taken(
    as_customer: Client, stranger: User, three: list[CopyMaster]
) -> None:
    theirs = AccountFactory(owner=stranger, name="Secret name")
    fund(theirs, 500)
    page = words(as_customer, f"account={theirs.uuid}")
    assert str(theirs.uuid) not in page and "You have no account yet" in page
    whole = as_customer.get(f"{LIST}?account={theirs.uuid}").content.decode()
    assert "Secret name" not in whole


def test_a_filter_that_makes_no_sense_is_told_of(
    as_customer: Client, three: list[CopyMaster]
) -> None:
    """Also where a script has only the results sent."""
    headers = {"HX-Request": "true", "HX-Target": "results"}
    part = as_customer.get(f"{LIST}?returned=-200", headers=headers).content.decode()
    assert "Return at least is left out. Give a number from -100 to 100,000." in part
    assert "return and drawdown of 90 days, the others of the whole record" in part
    assert "is left out" not in words(as_customer, "returned=-20")


def test_a_new_installation_says_what_comes(as_customer: Client) -> None:
    assert "No master is open to you yet" in words(as_customer)
    listed("Before anything was computed")
    page = words(as_customer)
    assert "No data yet" in page and "Before anything was computed" in page
    assert "No master fits all of this" in words(as_customer, "q=nobody")


# --- addresses ------------------------------------------------------------------------------------
def test_one_list_has_one_address(as_customer: Client, three: list[CopyMaster]) -> None:
    """A form that was sent without a script brings everything along; most of it says nothing."""
    sent = f"{LIST}?q=&sort=sharpe&period=90&view=table&returned=&mode=demo&m={three[1].uuid}"
    response = as_customer.get(sent)
    assert response.status_code == 302
    assert response.headers["Location"] == f"{LIST}?view=table&mode=demo&m={three[1].uuid}"

    pushed = as_customer.get(sent, headers={"HX-Request": "true"})
    assert pushed.headers["HX-Push-Url"] == response.headers["Location"]


def test_only_the_results_are_sent_to_a_script(
    as_customer: Client, three: list[CopyMaster]
) -> None:
    headers = {"HX-Request": "true", "HX-Target": "results"}
    part = as_customer.get(f"{LIST}?view=table", headers=headers).content.decode()
    assert part.lstrip().startswith('<div class="stack" id="results">') and "<html" not in part
    assert "Calm Harbour" in part and "<table" in part


def test_pages_follow_one_another_and_none_is_beyond_the_last(as_customer: Client) -> None:
    for number in range(20):
        listed(f"Master {number:02}", days=1)
    kept_up()
    first = as_customer.get(f"{LIST}?sort=name")
    assert first.context["older"] == "sort=name&page=2" and first.context["newer"] == ""
    assert names(as_customer, "sort=name&page=2") == ["Master 18", "Master 19"]
    beyond = as_customer.get(f"{LIST}?sort=name&page=900")
    assert beyond.context["page"].number == 2 and beyond.context["newer"] == "sort=name"


def test_more_masters_cost_no_more_queries(as_customer: Client, customer: User) -> None:
    account = AccountFactory(owner=customer)
    fund(account, 1_000)
    opens(listed("First", days=3), 10_000)
    kept_up()
    one = queries(as_customer, LIST), queries(as_customer, f"{LIST}?view=table")
    for number in range(6):
        opens(listed(f"Master {number}", days=3), 10_000, 20_000)
    kept_up()
    assert (queries(as_customer, LIST), queries(as_customer, f"{LIST}?view=table")) == one
    assert max(one) <= 10
