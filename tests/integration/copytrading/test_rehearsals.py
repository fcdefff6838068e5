"""Would it have worked on my account? From stored deals to what the form shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.selectors import product_config
from apps.analytics.selectors import MoneyThen
from apps.copytrading.domain.codes import Code
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.models import CopySubscription
from apps.copytrading.rehearsals import Rehearsed, rehearse_changed, rehearse_new
from apps.copytrading.services import rehearsing
from apps.execution.models import Deal
from apps.platforms.models import TradingAccount
from tests.factories.copytrading import CopyWorld, fund, quote, symbol
from tests.factories.past import BEGIN, deal, round_trips
from tests.factories.platforms import AccountFactory, ConnectionFactory

pytestmark = pytest.mark.django_db

#: 18 that a tenth of can be traded, and 6 that are too small for that.
SIZES = [100_000] * 18 + [5_000] * 6


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


@pytest.fixture
def account(world: CopyWorld) -> TradingAccount:
    account = AccountFactory(connection=world.connection)
    fund(account, 1_000)
    return account


def nothing_recorded(_: int, moments: Sequence[datetime]) -> list[MoneyThen | None]:
    return [None] * len(moments)


def asked(
    world: CopyWorld, account: TradingAccount, money_at: Any = None, **settings: Any
) -> Rehearsed:
    values = {"volume_mode": "equity_ratio", "max_slippage": Decimal(0)} | settings
    fresh = TradingAccount.objects.select_related("state", "group").get(pk=account.pk)
    money_at = money_at or nothing_recorded
    return rehearse_new(world.master, fresh, values, money_at=money_at, now=timezone.now())


def test_trades_are_counted_with_reasons_and_what_would_change_them(
    world: CopyWorld, account: TradingAccount
) -> None:
    round_trips(world.account_id, SIZES)

    found = asked(world, account)

    made = found.made
    assert made is not None and not found.problem and found.telling
    assert (found.trades, made.opens, made.copied, made.skipped) == (48, 24, 18, 6)
    (reason,) = found.reasons
    assert (reason.code, reason.count, reason.copied) == (Code.BELOW_MINIMUM, 6, False)
    assert ("below_minimum", "When the volume is below the smallest that can be traded") in (
        reason.settings
    )
    slippage = (Decimal("1.1") + Decimal("1.101")) * 10_000 * Decimal("0.00005")
    # The sizes follow the equity, which grows a little.
    assert Decimal(10) * 18 <= made.result + made.friction <= Decimal(11) * 18
    assert slippage * 18 <= made.friction <= slippage * 20
    assert found.smallest is not None and 1_600 < found.smallest < 2_000
    assert (found.guessed, found.measured, found.commission) == (48, 0, 0)
    assert found.since == BEGIN and found.until == BEGIN + timedelta(hours=47)


def test_settings_of_the_form_decide(world: CopyWorld, account: TradingAccount) -> None:
    round_trips(world.account_id, SIZES)

    up = asked(world, account, below_minimum="round_up")
    assert up.made is not None and (up.made.skipped, up.made.rounded_up) == (0, 6)
    assert up.reasons[0].copied
    left_out = asked(world, account, symbols_mode="exclude", symbols="EURUSD")
    assert left_out.made is not None and left_out.made.reasons == {Code.SYMBOL_FILTERED: 24}
    assert left_out.smallest is None
    closes = asked(world, account, copy_mode="close_only")
    assert closes.made is not None and closes.made.reasons == {Code.CLOSES_ONLY: 24}
    limited = asked(world, account, reverse_direction=True, loss_limit=Decimal(50))
    assert limited.made is not None and limited.made.loss_limit_at is not None
    with pytest.raises(InvalidSettings):
        asked(world, account, volume_mode="fixed")


def test_guards_of_the_account_hold_in_it(world: CopyWorld) -> None:
    copy = world.follow(equity=1_000)
    copy.follower.min_equity = Decimal(2_000)
    copy.follower.save()
    round_trips(world.account_id, SIZES)

    found = asked(world, copy.follower.account)

    assert found.made is not None and found.made.reasons == {Code.MIN_EQUITY: 24}


def test_the_master_s_money_of_then_sizes(world: CopyWorld, account: TradingAccount) -> None:
    round_trips(world.account_id, [100_000] * 20)

    def recorded(of: int, moments: Sequence[datetime]) -> list[MoneyThen | None]:
        assert of == world.account_id
        money = MoneyThen(Decimal(200_000), Decimal(200_000))
        return [None, None, *[money] * (len(moments) - 2)]

    found = asked(world, account, recorded)

    assert found.guessed == 2
    assert found.made is not None and found.made.reasons == {Code.BELOW_MINIMUM: 20}


def test_positions_from_before_the_last_trades_are_not_begun(
    world: CopyWorld, account: TradingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.copytrading.rehearsals.LAST_EVENTS", 3)
    Deal.objects.bulk_create(
        deal(world.account_id, number, key, "buy", "open", 100_000, "1.1")
        for number, key in enumerate("abab")
    )

    found = asked(world, account)

    assert found.made is not None and found.trades == 3
    # b is opened again within them; a was held before, and is only added to.
    assert found.made.reasons == {Code.COPIED: 2, Code.NOT_LINKED: 1}


def test_without_a_history_or_money_it_says_so(world: CopyWorld, account: TradingAccount) -> None:
    assert "has not traded yet" in asked(world, account).problem
    poor = AccountFactory(connection=world.connection)
    round_trips(world.account_id, [100_000] * 3)
    assert "Nothing is known of this account's money" in asked(world, poor).problem
    cache.clear()

    few = asked(world, account)

    assert not few.telling and few.smallest is None and few.made is not None
    assert few.made.copied == 3


def test_a_symbol_or_a_rate_that_is_missing_is_told(world: CopyWorld) -> None:
    other = ConnectionFactory()
    symbol(other, "GBPUSD")
    elsewhere = AccountFactory(connection=other)
    fund(elsewhere, 10_000)
    round_trips(world.account_id, [100_000] * 20)

    unmapped = asked(world, elsewhere)
    assert unmapped.made is not None and unmapped.made.reasons == {Code.NOT_MAPPED: 20}
    francs = AccountFactory(connection=world.connection, currency="CHF")
    fund(francs, 10_000)
    missing = asked(world, francs, volume_mode="multiplier")
    assert "No price converts USD into CHF" in missing.problem


def test_a_wider_spread_elsewhere_and_commission_cost(world: CopyWorld) -> None:
    other = ConnectionFactory()
    symbol(other, "EURUSD", instrument_id="77")
    own = quote(other, "77", "1.1")
    own.ask += Decimal("0.0003")
    own.save()
    masters = quote(world.connection, "1", "1.1")
    masters.ask += Decimal("0.0001")
    masters.save()
    account = AccountFactory(connection=other)
    fund(account, 10_000)
    deal(
        account.pk, 0, "x", "buy", "open", 200_000, "1.1", instrument_id="77", commission=-6
    ).save()
    round_trips(world.account_id, [100_000] * 20)

    found = asked(world, account, volume_mode="multiplier", risk_multiplier=Decimal("0.1"))

    made = found.made
    assert made is not None and found.commission == 3
    slippage = (Decimal("1.1") + Decimal("1.101")) * 10_000 * Decimal("0.00005")
    spread, commission = Decimal("0.0002") * 10_000, Decimal("0.3") * 2
    assert made.friction == 20 * (slippage + spread + commission)
    assert made.result == 20 * 10 - made.friction


def test_slippage_is_measured_where_the_master_is_copied(
    world: CopyWorld, account: TradingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsing, "FEWEST_MEASURED", 2)
    world.follow()
    for number in range(2):
        world.price = Decimal("1.0")
        world.trade(f"m{number}", 100_000)
        world.work()
        world.price = Decimal("1.001")
        world.run()
    round_trips(world.account_id, [100_000] * 20)

    found = asked(world, account)

    assert (found.measured, found.slippage) == (2, Decimal("0.1"))


def test_a_standing_copy_takes_its_pairs_and_is_not_changed(world: CopyWorld) -> None:
    other = ConnectionFactory()
    symbol(other, "EURO", instrument_id="5", base="EUR", quote="USD")
    copy = world.follow(account={"connection": other}, volume_mode="multiplier", has_pairs=True)
    copy.pairs.create(master_symbol="EURUSD", follower_symbol="EURO")
    round_trips(world.account_id, [100_000] * 20)
    asked_for = {"risk_multiplier": Decimal("0.5")}

    found = rehearse_changed(copy, asked_for, money_at=nothing_recorded, now=timezone.now())

    assert found.made is not None and found.made.copied == 20
    assert CopySubscription.objects.get().risk_multiplier == 1


def test_what_is_loaded_once_serves_all_changes_of_the_form(
    world: CopyWorld, account: TradingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_trips(world.account_id, [100_000] * 5)
    fresh = TradingAccount.objects.select_related("state", "group").get(pk=account.pk)
    stranger = AccountFactory(connection=world.connection)
    fund(stranger, 1_000)
    strangers = TradingAccount.objects.select_related("state", "group").get(pk=stranger.pk)

    def counted(of: TradingAccount, **settings: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            rehearse_new(world.master, of, settings, money_at=nothing_recorded, now=timezone.now())
        return len(captured)

    monkeypatch.setattr("apps.accounts.selectors._CONFIG_AGE_S", 3_600)
    product_config()  # read once, whatever is asked
    first = counted(fresh)
    round_trips(world.account_id, [50_000] * 300, first=100)
    assert counted(fresh, risk_multiplier=Decimal(2)) <= 2
    assert counted(strangers) == first <= 10
