"""A customer's ledger: only one's own, by filter and page, one outcome in full, and as a file."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.urls import reverse

from apps.accounts.models import User
from apps.common.csv_files import harmless
from apps.copytrading.domain.codes import Code
from apps.copytrading.models import CopySubscription, Outcome
from apps.copytrading.services.sealing import seal_all
from apps.trading.orders import OrderState
from tests.factories.copytrading import CopyWorld
from tests.support.queries import queries

LIST = "portal:outcomes"


@pytest.fixture
def traded(world: CopyWorld, copied: CopySubscription) -> Outcome:
    """One outcome of the customer, and one of somebody else for the same event."""
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    return Outcome.objects.get(subscription_id=copied.pk)


def page(client: Client, **params: str) -> str:
    response = client.get(reverse(LIST), params)
    assert response.status_code == 200
    return response.content.decode()


def test_only_ones_own_outcomes_are_shown(
    as_customer: Client, as_stranger: Client, traded: Outcome
) -> None:
    mine = page(as_customer)
    assert mine.count("Copied in full") == 2  # the filter's choice and the row
    assert reverse("portal:outcome", args=[traded.pk]) in mine
    assert "Nothing has happened yet" in page(as_stranger)


def test_a_stranger_reaches_nothing(
    as_stranger: Client, traded: Outcome, copied: CopySubscription
) -> None:
    assert as_stranger.get(reverse("portal:outcome", args=[traded.pk])).status_code == 404
    address = reverse("portal:check_chain", args=[copied.uuid])
    assert as_stranger.post(address).status_code == 404
    hidden = page(as_stranger, copy=str(copied.uuid))
    assert str(copied.follower.account.login) not in hidden


@pytest.mark.parametrize("view", ["portal:outcomes", "portal:outcomes_csv"])
def test_signing_in_comes_first(client: Client, db: None, view: str) -> None:
    assert client.get(reverse(view)).status_code == 302


def test_filters_narrow_and_nonsense_is_said(
    as_customer: Client, traded: Outcome, copied: CopySubscription
) -> None:
    story = reverse("portal:outcome", args=[traded.pk])
    day = f"{traded.received_at:%Y-%m-%d}"
    assert story in page(as_customer, state="copied", code="COPIED", kind="opened")
    assert story in page(as_customer, symbol="eurusd", since=day, until=day)
    assert story in page(as_customer, copy=str(copied.uuid), text=traded.trace_id)
    assert "No outcome fits" in page(as_customer, state="failed")
    assert "No outcome fits" in page(as_customer, until="2001-01-01")
    wrong = page(as_customer, since="yesterday", code="NONSENSE", before="x-y")
    assert "Give a day like" in wrong and "There is no such choice" in wrong
    assert "Give a day like" in page(as_customer, since="0001-01-01")
    assert "Give a day like" in page(as_customer, until="9999-12-31")
    assert as_customer.get(reverse(LIST), {"text": "\x00"}).status_code == 200


def test_pages_keep_the_filter(
    as_customer: Client, world: CopyWorld, copied: CopySubscription
) -> None:
    for number in range(28):
        world.trade(f"m{number}", 20_000)
    world.run()
    first = page(as_customer, state="copied")
    assert first.count("<details") == 26  # 25 rows and the account menu
    event = Outcome.objects.order_by("-event_id")[24].event_id
    older = f"?state=copied&amp;before={event}-{copied.pk}"
    assert older in first
    second = page(as_customer, state="copied", before=f"{event}-{copied.pk}")
    assert second.count("<details") == 4
    assert 'rel="prev"' in second and 'rel="next"' not in second


def test_query_counts_do_not_grow(
    as_customer: Client, world: CopyWorld, copied: CopySubscription, traded: Outcome
) -> None:
    addresses = [
        reverse(LIST),
        f"{reverse(LIST)}?state=skipped&symbol=EURUSD",
        reverse("portal:outcome", args=[traded.pk]),
    ]
    before = [queries(as_customer, address) for address in addresses]
    for number in range(6):
        world.trade(f"m{number}", 20_000)
    world.trade("p1", -50_000)
    world.run()
    world.trade("p1", -50_000)
    world.work()
    after = [queries(as_customer, address) for address in addresses]
    assert after[:2] == before[:2]
    assert after[2] <= before[2] + 1  # related outcomes are there now
    assert max(after) <= 9


def test_an_outcome_is_told_with_everything_around_it(
    as_customer: Client, world: CopyWorld, copied: CopySubscription, traded: Outcome
) -> None:
    world.trade("p1", -50_000)
    world.run()
    seal_all(seconds=5)
    text = as_customer.get(reverse("portal:outcome", args=[traded.pk])).content.decode()
    assert "Master bought 1.00 EURUSD at 1.09210." in text
    assert "Your equity 5,000.00 USD against 10,000.00 USD gives 0.50 lots." in text
    assert "Your units for one of the master&#x27;s" in text
    for hop in ("Master&#x27;s deal", "Received", "Planned", "Sent", "Accepted", "Filled"):
        assert hop in text
    other = Outcome.objects.get(subscription_id=copied.pk, event_kind="reduced")
    assert reverse("portal:outcome", args=[other.pk]) in text
    assert "Number <span" in text and "of 2 in the chain" in text
    assert traded.client_order_id in text


def test_a_skip_links_to_the_setting_that_would_have_changed_it(
    as_customer: Client, world: CopyWorld, copied: CopySubscription
) -> None:
    world.trade("p1", 1_000)
    world.run()
    skipped = Outcome.objects.get()
    assert skipped.code == "BELOW_MINIMUM"
    text = as_customer.get(reverse("portal:outcome", args=[skipped.pk])).content.decode()
    form = reverse("portal:edit_copy", args=[copied.uuid])
    assert f'href="{form}#id_below_minimum"' in text
    assert "Not sealed yet" in text
    fields = as_customer.get(form).content.decode()
    for name in ("below_minimum", "min_volume", "risk_multiplier", "allocated_capital"):
        assert f'id="id_{name}' in fields


def test_what_is_under_way_is_shown(
    as_customer: Client, as_stranger: Client, world: CopyWorld, copied: CopySubscription
) -> None:
    world.trade("p1", 100_000)
    world.work()
    assert "Committed" in page(as_customer)
    world.trade("p1", -50_000)
    world.work()
    text = page(as_customer)
    assert "Waits for the order in flight" in text
    assert "Under way" not in page(as_stranger)
    world.deliver(lambda _: {"state": OrderState.UNKNOWN})
    assert "Unknown" in page(as_customer)


def test_the_button_checks_the_chain(
    as_customer: Client, copied: CopySubscription, traded: Outcome
) -> None:
    seal_all(seconds=5)
    address = reverse("portal:check_chain", args=[copied.uuid])
    whole = as_customer.post(address).content.decode()
    assert "All 1 sealed outcomes hold." in whole and "<html" in whole
    part = as_customer.post(
        address, {"after": "x"}, headers={"HX-Request": "true", "HX-Target": "chain-check"}
    ).content.decode()
    assert part.strip().startswith('<div id="chain-check"')
    assert as_customer.get(address).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_the_file_has_the_filtered_rows(
    customer: User, world: CopyWorld, copied: CopySubscription
) -> None:
    world.trade("p1", 100_000)
    world.trade("p2", 1_000)
    copied.master.strategy_name = "=HYPERLINK(1)"
    copied.master.save()
    world.run()
    seal_all(seconds=5)

    @async_to_sync
    async def read(query: str) -> list[dict[str, str]]:
        client = AsyncClient()
        await client.aforce_login(customer)
        response = await client.get(f"{reverse('portal:outcomes_csv')}?{query}")
        assert response["Content-Type"].startswith("text/csv")
        text = b"".join([part async for part in response.streaming_content])
        return list(csv.DictReader(io.StringIO(text.decode())))

    rows = read("")
    assert [row["code"] for row in rows] == ["BELOW_MINIMUM", "COPIED"]
    assert rows[1]["filled_lots"] == "0.5" and rows[1]["seal_number"] == "1"
    assert len(rows[1]["seal_digest"]) == 64
    assert {row["master"] for row in rows} == {"'=HYPERLINK(1)"}
    assert [row["code"] for row in read("code=COPIED")] == ["COPIED"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", " =1", "＝1"])
def test_cells_are_never_formulas(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("EURUSD - 1") == "EURUSD - 1"


@pytest.mark.parametrize("code", list(Code))
def test_every_reason_has_a_page(
    as_customer: Client, traded: Outcome, copied: CopySubscription, code: Code
) -> None:
    fields = {f.attname: getattr(traded, f.attname) for f in Outcome._meta.concrete_fields}
    made = Outcome.objects.create(
        **fields
        | {
            "id": None,
            "event_id": traded.event_id + 1,
            "code": code.value,
            "state": "skipped",
            "units": Decimal(0),
            "numbers": {},
        }
    )
    text = as_customer.get(reverse("portal:outcome", args=[made.pk])).content.decode()
    assert code.label.split("'")[0] in text
