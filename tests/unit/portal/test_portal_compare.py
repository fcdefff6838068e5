"""Masters side by side: who may be compared, on one chart and in one table."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.analytics.models import EquityDay
from apps.copytrading.models import CopyMaster
from tests.factories.copytrading import switch_copying
from tests.factories.discover import kept_up, listed, three_masters
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
LIST = "/discover/"


@pytest.fixture(autouse=True)
def _copying_is_on(db: None) -> None:
    switch_copying()


def test_a_strangers_private_master_cannot_be_compared(
    as_customer: Client, as_stranger: Client, customer: User
) -> None:
    mine = listed("Mine alone", visibility="private", account={"owner": customer})
    listed("Open")
    address = f"{reverse('portal:compare')}?m={mine.uuid}"

    assert "Mine alone" in as_customer.get(address).content.decode()
    theirs = as_stranger.get(address).content.decode()
    assert "Mine alone" not in theirs and "1 of the masters" in theirs
    assert "Mine alone" not in as_stranger.get(f"{LIST}?m={mine.uuid}").content.decode()


def test_masters_stand_side_by_side(as_customer: Client) -> None:
    three: list[CopyMaster] = three_masters()
    chosen = "&".join(f"m={master.uuid}" for master in three)
    response = as_customer.get(f"{reverse('portal:compare')}?period=30&{chosen}")
    page = response.content.decode()

    chart = response.context["chart"]
    assert [series.name for series in chart.series] == [m.strategy_name for m in three]
    assert {len(series.points) for series in chart.series} == {26, 25, 13}  # from 0 on
    lines = {line.label: line for line in response.context["lines"]}
    assert lines["Return"].cells[2] == "+12.68\u00a0%"
    assert lines["Sharpe ratio"].cells[2].startswith("Not enough history")
    assert lines["Maximum drawdown"].best == [False, False, True]
    for master in three:
        assert f"master={master.uuid}" in page  # to be followed


def test_no_more_than_four_are_compared(as_customer: Client) -> None:
    masters = [listed(f"Master {number}", days=2) for number in range(5)]
    chosen = "&".join(f"m={master.uuid}" for master in masters)
    compared = as_customer.get(f"{reverse('portal:compare')}?{chosen}").context["rows"]
    assert [row.entry.name for row, _ in compared] == [f"Master {n}" for n in range(4)]
    page = as_customer.get(f"{LIST}?{chosen}")
    assert len(page.context["compared"]) == 4 and page.context["full"]


def test_a_master_is_put_beside_others_and_taken_away_by_links(as_customer: Client) -> None:
    first, second = listed("First", days=2), listed("Second", days=2)
    rows = as_customer.get(f"{LIST}?view=table&m={first.uuid}").context["rows"]
    links = {row.entry.name: link for row, link in rows}
    assert links["First"] == "view=table"
    assert links["Second"] == f"view=table&m={first.uuid}&m={second.uuid}"
    # One that is chosen stays chosen while it is on no page.
    other = as_customer.get(f"{LIST}?q=second&m={first.uuid}").content.decode()
    assert f'name="m" value="{first.uuid}"' in other


def test_nothing_to_compare_says_where_to_choose(as_customer: Client) -> None:
    assert "Nothing to compare yet" in as_customer.get(reverse("portal:compare")).content.decode()


def test_more_masters_to_compare_cost_no_more_queries(as_customer: Client) -> None:
    masters = [listed(f"Master {number}", days=3) for number in range(4)]
    kept_up()
    address = reverse("portal:compare")
    one = queries(as_customer, f"{address}?m={masters[0].uuid}")
    four = queries(as_customer, f"{address}?" + "&".join(f"m={m.uuid}" for m in masters))
    assert four == one
    assert EquityDay.objects.count() == 12
