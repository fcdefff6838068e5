"""The pages of one's accounts: health, history, names, removal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.api import delete_subscription, remove_account
from apps.copytrading.errors import AccountInUse
from apps.copytrading.models import CopySubscription, TradeLink
from apps.execution.history import deals_page, orders_page
from apps.execution.models import Deal, Order, Position
from apps.platforms.models import ConnectionState, TradingAccount
from apps.platforms.selectors import StateRow
from apps.portal.health import health_of
from tests.factories.copytrading import MasterFactory, fund, symbol
from tests.factories.platforms import AccountFactory, ConnectionFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
D = Decimal
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def account(customer: User) -> TradingAccount:
    found = AccountFactory(owner=customer, name="Main", connection=ConnectionFactory())
    symbol(found.connection)
    fund(found, 5_000)
    return found


def deal(account: TradingAccount, number: int, at: datetime = NOW, **changes: Any) -> Deal:
    values: dict[str, Any] = {
        "deal_id": f"d{number}", "platform_order_id": str(number), "position_id": "p1",
        "instrument_id": "1", "side": "buy", "effect": "close", "units": 10_000, "price": "1.1",
        "profit": "12.5", "commission": "-0.5", "executed_at": at, "received_at": at,
    }  # fmt: skip
    return Deal.objects.create(account_id=account.pk, **(values | changes))


def order(account: TradingAccount, number: int) -> Order:
    return Order.objects.create(
        client_order_id=f"c{number}", account_id=account.pk,
        connection_id=account.connection_id, source="copy", leg="open", instrument_id="1",
        side="sell", type="market", units=20_000, state="rejected", code="NOT_ENOUGH_MONEY",
        committed_at=NOW,
    )  # fmt: skip


def test_history_is_paged_without_gap_or_repetition(account: TradingAccount) -> None:
    for number in range(7):  # several of one moment
        deal(account, number, NOW + timedelta(seconds=number // 3))
    seen: list[str] = []
    mark = ""
    while True:
        page = deals_page(account.pk, account.connection_id, before=mark, limit=2)
        seen += [row.deal_id for row in page.rows]
        if not (mark := page.older):
            break
    assert seen == [f"d{n}" for n in reversed(range(7))]


def test_orders_are_paged_too(account: TradingAccount) -> None:
    for number in range(3):
        order(account, number)
    first = orders_page(account.pk, account.connection_id, limit=2)
    rest = orders_page(account.pk, account.connection_id, before=first.older, limit=2)
    assert [len(first.rows), len(rest.rows), rest.older] == [2, 1, ""]
    assert (first.rows[0].lots, first.rows[0].reason) == (D("0.2"), "NOT_ENOUGH_MONEY")


def test_the_pages_show_deals_and_orders(as_customer: Client, account: TradingAccount) -> None:
    deal(account, 1, client_order_id="c1")
    order(account, 1)
    here = reverse("portal:account_history", args=[account.uuid])
    deals, orders = (as_customer.get(a).content.decode() for a in (here, f"{here}?show=orders"))
    assert "+12.00" in deals and "EURUSD" in deals and "0.10" in deals
    assert "NOT_ENOUGH_MONEY" in orders
    detail = as_customer.get(reverse("portal:account", args=[account.uuid])).content.decode()
    assert "+12.00" in detail


@pytest.mark.parametrize(
    "before", ["x", "-", "1-", "-1", "9" * 40, "1-" + "9" * 40, "99999999999999999999-1"]
)
def test_a_mark_that_is_none_begins_at_the_newest(
    as_customer: Client, account: TradingAccount, before: str
) -> None:
    deal(account, 1)
    for show in ("deals", "orders"):
        address = reverse("portal:account_history", args=[account.uuid])
        assert as_customer.get(address, {"before": before, "show": show}).status_code == 200


def test_more_history_costs_no_more_queries(as_customer: Client, account: TradingAccount) -> None:
    pages = [
        reverse("portal:account", args=[account.uuid]),
        reverse("portal:account_history", args=[account.uuid]),
        reverse("portal:account_history", args=[account.uuid]) + "?show=orders",
    ]
    deal(account, 1)
    order(account, 1)
    before = [queries(as_customer, page) for page in pages]
    for number in range(2, 30):
        deal(account, number)
        order(account, number)
    after = [queries(as_customer, page) for page in pages]
    assert all(now <= then for now, then in zip(after, before, strict=True))
    assert max(before) <= 20


def state(synced: bool = True) -> StateRow:
    return StateRow(1, "USD", D(1), D(1), D(0), D(0), synced, NOW)


def seen_account(*, own: bool = False, enabled: bool = True, **changes: Any) -> Any:
    values = {"status_at": NOW, "error": "", "reconnects": 0, "last_event_at": None} | changes
    return SimpleNamespace(
        created_at=NOW - timedelta(hours=1),
        connection=SimpleNamespace(
            owner_id=7 if own else None, enabled=enabled, state=ConnectionState(**values)
        ),
    )


@pytest.mark.parametrize(
    ("account", "row", "tone", "said"),
    [
        (seen_account(status="live"), state(), "good", ""),
        (seen_account(status="live"), None, "bad", "tells nothing of this account"),
        (seen_account(status="live"), state(False), "bad", "tells nothing of this account"),
        (seen_account(status="syncing"), None, "warn", "in a moment"),
        (seen_account(status="down", error="boom"), state(), "bad", "tried again all the time"),
        (seen_account(status="refused", error="boom"), state(), "bad", "ask our staff"),
        (seen_account(status="refused", error="gone", own=True), state(), "bad", "gone. Give"),
        (seen_account(status="live", enabled=False), state(), "bad", "switched off"),
        (seen_account(status="down", status_at=None), None, "warn", "just wait"),
    ],
)
def test_health_in_words(account: Any, row: StateRow | None, tone: str, said: str) -> None:
    health = health_of(account, row, NOW)
    assert health.tone == tone and said in health.advice
    assert health.renewable == (account.connection.owner_id is not None and tone == "bad")
    assert "boom" not in health.advice  # what a connection of the house suffers is not told


def test_a_new_account_is_being_read() -> None:
    account = seen_account(status="live")
    account.created_at = NOW - timedelta(seconds=20)
    assert health_of(account, None, NOW).label == "Being read"


def test_a_name_is_saved_and_bounded(as_customer: Client, account: TradingAccount) -> None:
    here = reverse("portal:rename_account", args=[account.uuid])
    as_customer.post(here, {"name": "  Swing  "})
    account.refresh_from_db()
    assert account.name == "Swing"
    as_customer.post(here, {"name": "x" * 65})
    account.refresh_from_db()
    assert account.name == "Swing"


def test_an_idle_account_is_removed_and_kept_on_record(
    as_customer: Client, account: TradingAccount
) -> None:
    Position.objects.create(
        account_id=account.pk, position_id="p1", instrument_id="1", side="buy", units=1_000,
        price="1.1", open_result="-31.20", opened_at=NOW, updated_at=NOW,
    )  # fmt: skip
    here = reverse("portal:remove_account", args=[account.uuid])
    asked = as_customer.get(here).content.decode()
    assert "1 position stands open" in asked and "−31.20" in asked

    assert as_customer.post(here).url == reverse("portal:accounts")

    account.refresh_from_db()
    assert not account.active and account.archived_at is not None
    assert as_customer.get(reverse("portal:account", args=[account.uuid])).status_code == 404
    assert "Removed accounts (1)" in as_customer.get(reverse("portal:accounts")).content.decode()


def test_an_account_on_which_a_copy_runs_stays(
    as_customer: Client, copied: CopySubscription
) -> None:
    account = copied.follower.account
    here = reverse("portal:remove_account", args=[account.uuid])
    assert "One copy runs on it" in as_customer.get(here).content.decode()
    as_customer.post(here)
    account.refresh_from_db()
    assert account.active

    delete_subscription(actor=account.owner, subscription=copied)
    link = TradeLink.objects.create(
        subscription_id=copied.pk, master_account_id=copied.master.account_id,
        account_id=account.pk, position_key="m", symbol="EURUSD", instrument_id="1", side="buy",
        ratio=1, grows=True, master_units=1_000, target_units=1_000, held_units=1_000,
        opened_event_id=1, last_event_id=1, opened_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(AccountInUse, match="One copied position is open"):
        remove_account(actor=account.owner, account=account)
    TradeLink.objects.filter(pk=link.pk).update(state="closed", held_units=0)
    remove_account(actor=account.owner, account=account)
    account.refresh_from_db()
    assert not account.active


def test_a_master_is_deleted_first(account: TradingAccount) -> None:
    MasterFactory(account=account, strategy_name="Harbour")
    with pytest.raises(AccountInUse, match="the master Harbour"):
        remove_account(actor=account.owner, account=account)
