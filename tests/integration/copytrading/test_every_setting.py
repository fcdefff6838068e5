"""Settings as they are stored, obeyed by the worker that plans."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.product_models import ProductConfig
from apps.accounts.selectors import forget_product_config
from apps.copytrading.ledger import outcomes_of
from apps.copytrading.models import CopySubscription, Outcome, SymbolHold, SymbolPair, TradeLink
from apps.copytrading.services import existing
from apps.execution.models import Gate, Position
from apps.platforms.models import Quote, Symbol, TradingAccount
from apps.trading.orders import Leg, OrderState, Side
from tests.factories.copytrading import CopyWorld, SubscriptionFactory, fund, quote, symbol
from tests.factories.platforms import AccountFactory, ConnectionFactory

pytestmark = pytest.mark.django_db(transaction=True)
LOT = 100_000


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def code(subscription: CopySubscription) -> str:
    return Outcome.objects.filter(subscription_id=subscription.pk).latest("event_id").code


def product(**defaults: Any) -> None:
    ProductConfig.objects.filter(pk=1).update(**defaults)
    forget_product_config()


GUARDS: list[tuple[str, dict[str, Any], str]] = [
    ("max_positions", {"max_positions": 1}, "MAX_POSITIONS"),
    ("min_equity", {"min_equity": 20_000}, "MIN_EQUITY"),
    ("max_slippage", {"max_slippage": Decimal("0.05")}, "SLIPPAGE"),
    ("min_margin_level", {"min_margin_level": 950}, "MARGIN"),
    ("loss_limit", {"loss_limit": 100}, "LOSS_LIMIT"),
    ("max_delay_s", {"max_delay_s": 2}, "TOO_LATE"),
]


@pytest.mark.parametrize("holder", ["product", "follower", "subscription"])
@pytest.mark.parametrize(("name", "values", "expected"), GUARDS, ids=[g[0] for g in GUARDS])
def test_the_strictest_of_three_holds(
    world: CopyWorld, holder: str, name: str, values: dict[str, Any], expected: str
) -> None:
    quote(world.connection, "1", "1.0929")  # 0.07 percent above the master's price
    copy = world.follow()
    TradingAccount.objects.filter(pk=copy.follower.account_id).update(leverage=100)
    world.trade("p1", LOT)
    world.run()
    assert code(copy) == "COPIED"
    CopySubscription.objects.filter(pk=copy.pk).update(result=-100)
    if holder == "product":
        product(**values)
    else:
        owner = copy if holder == "subscription" else copy.follower
        type(owner).objects.filter(pk=owner.pk).update(**values)
    world.trade("p2", LOT, ago=timedelta(seconds=5))
    world.run()
    assert code(copy) == expected
    world.trade("p1", -LOT)  # what is held follows its master to the end
    (close,) = world.run()
    assert close.leg is Leg.CLOSE


@pytest.mark.parametrize("scope", ["global", "platform", "account"])
@pytest.mark.parametrize("state", ["reducing", "halted"])
def test_a_kill_switch_holds_opens_when_they_are_planned(
    world: CopyWorld, scope: str, state: str
) -> None:
    copy, other = world.follow(), world.follow()
    account = copy.follower.account
    key = {"global": "", "platform": account.platform, "account": str(account.pk)}[scope]
    Gate.objects.create(scope=scope, key=key, state=state, at=timezone.now())
    world.trade("p1", LOT)
    world.run()
    assert code(copy) == "KILL_SWITCH"
    assert code(other) == ("COPIED" if scope == "account" else "KILL_SWITCH")


def test_what_must_hold_when_it_is_sent_travels_with_the_open(world: CopyWorld) -> None:
    world.follow(min_equity=500, min_margin_level=200)
    world.trade("p1", LOT)
    (sent,) = world.run()
    assert sent.guards is not None
    assert sent.guards.limit_price == world.price * Decimal("1.001")
    assert (sent.guards.min_equity, sent.guards.min_margin_level) == (500, 200)
    world.trade("p1", -LOT)
    (close,) = world.run()
    assert close.guards is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"symbols_mode": "include", "symbols": " gbpusd , usdjpy"}, "SYMBOL_FILTERED"),
        ({"symbols_mode": "include", "symbols": ""}, "SYMBOL_FILTERED"),
        ({"symbols_mode": "include", "symbols": "GBPUSD, eurusd "}, "COPIED"),
        ({"symbols_mode": "exclude", "symbols": "eurusd"}, "SYMBOL_FILTERED"),
        ({"symbols_mode": "all", "symbols": "GBPUSD"}, "COPIED"),
        ({"copy_mode": "close_only"}, "CLOSES_ONLY"),
        ({"copy_mode": "open_only"}, "COPIED"),
    ],
)
def test_filters_and_modes(world: CopyWorld, settings: dict[str, Any], expected: str) -> None:
    copy = world.follow(**settings)
    world.trade("p1", LOT)
    world.run()
    assert code(copy) == expected


def test_open_only_leaves_closing_to_the_customer(world: CopyWorld) -> None:
    copy = world.follow(copy_mode="open_only")
    world.trade("p1", LOT)
    world.run()
    world.trade("p1", -LOT)
    assert world.run() == []
    assert code(copy) == "OPENS_ONLY"
    link = TradeLink.objects.get(subscription_id=copy.pk)
    assert (link.state, link.held_units) == ("detached", LOT)
    assert link.closed_at is not None


def test_reversed_and_whole_closes_only(world: CopyWorld) -> None:
    world.follow(reverse_direction=True, copy_partial_close=False)
    world.trade("p1", LOT, stops=(Decimal("1.08"), Decimal("1.11")))
    (opened,) = world.run()
    assert (opened.side, opened.stop_loss, opened.take_profit) == (
        Side.SELL,
        Decimal("1.11"),
        Decimal("1.08"),
    )
    world.trade("p1", -LOT // 2)
    assert world.run() == []
    world.trade("p1", -LOT // 2)
    (closed,) = world.run()
    assert (closed.side, closed.units) == (Side.BUY, LOT)


class TestSymbols:
    def test_other_contracts_steps_digits_and_names(self, world: CopyWorld) -> None:
        other = ConnectionFactory()
        symbol(
            other, "EUR/USD.vip", instrument_id="77", folded="EURUSD", digits=3, lot_units=1_000,
            min_units=100, step_units=100, max_units=50_000,
        )  # fmt: skip
        world.follow(account={"connection": other}, risk_multiplier=Decimal("0.12345"))
        world.trade("p1", LOT, stops=(Decimal("1.08765"), None))
        (sent,) = world.run()
        assert (sent.instrument_id, sent.units, sent.stop_loss) == ("77", 12_300, Decimal("1.088"))

    def test_a_pair_is_the_copys_own(self, world: CopyWorld) -> None:
        symbol(world.connection, "EURUSD.m", instrument_id="2", folded="EURUSD.M")
        paired = world.follow(has_pairs=True)
        blank = world.follow(has_pairs=True)
        world.follow()
        SymbolPair.objects.create(
            subscription=paired, master_symbol="eurusd", follower_symbol="EURUSD.m"
        )
        SymbolPair.objects.create(subscription=blank, master_symbol="EURUSD", follower_symbol="")
        world.trade("p1", LOT)
        assert [sent.instrument_id for sent in world.run()] == ["2", "1"]
        assert code(blank) == "NOT_MAPPED"

    def test_a_closed_market_opens_nothing_and_closes(self, world: CopyWorld) -> None:
        copy = world.follow()
        world.trade("p1", LOT)
        world.run()
        yesterday = (timezone.now().weekday() * 86_400, (timezone.now().weekday() + 1) * 86_400)
        Symbol.objects.update(schedule={"hours": [yesterday], "holidays": [], "zone": "UTC"})
        world.trade("p2", LOT)
        assert world.run() == []
        assert code(copy) == "MARKET_CLOSED"
        world.trade("p1", -LOT)
        assert [sent.leg for sent in world.run()] == [Leg.CLOSE]


class TestNetting:
    netting = {"margin_mode": "netting"}

    def test_of_two_masters_at_once_one_gets_the_symbol(self, world: CopyWorld) -> None:
        first = world.follow(account=self.netting)
        other = CopyWorld(connection=ConnectionFactory())
        second = SubscriptionFactory(master=other.master, follower=first.follower)
        worlds = [world, other]
        for each in worlds:
            each.trade("p1", LOT)
        start = threading.Barrier(2)

        def plan(each: CopyWorld) -> None:
            start.wait()
            each.work()
            connection.close()

        threads = [threading.Thread(target=plan, args=(each,)) for each in worlds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        sent = world.deliver()
        for each in worlds:
            each.work()
        assert len(sent) == 1
        assert sorted([code(first), code(second)]) == ["COPIED", "SYMBOL_IN_USE"]
        winner = world if code(first) == "COPIED" else other
        winner.trade("p1", -LOT)
        winner.work()
        world.deliver()
        winner.work()
        assert not SymbolHold.objects.exists()
        loser = other if winner is world else world
        loser.trade("p9", LOT)
        loser.work()
        assert len(world.deliver()) == 1

    def test_a_refused_open_gives_the_symbol_back(self, world: CopyWorld) -> None:
        world.follow(account=self.netting)
        world.trade("p1", LOT)
        world.run(lambda _: {"state": OrderState.REJECTED, "code": "NOT_ENOUGH_MONEY"})
        assert not SymbolHold.objects.exists()

    def test_a_position_that_is_no_copy_keeps_copies_off(self, world: CopyWorld) -> None:
        copy = world.follow(account=self.netting)
        _position(copy.follower.account_id, "by-hand")
        world.trade("p1", LOT)
        assert world.run() == []
        assert code(copy) == "SYMBOL_IN_USE"

    def test_several_positions_of_a_hedging_master_add_up(self, world: CopyWorld) -> None:
        copy = world.follow(account=self.netting)
        world.trade("p1", LOT)
        world.run()
        world.trade("p2", LOT, side=Side.SELL)
        assert world.run() == []
        assert code(copy) == "SYMBOL_IN_USE"
        world.trade("p3", LOT)
        (more,) = world.run()
        assert (more.leg, more.side, more.units) == (Leg.OPEN, Side.BUY, LOT)


class TestExistingPositions:
    def follow(self, world: CopyWorld, **settings: Any) -> CopySubscription:
        copy = world.follow(copy_existing_positions=True, **settings)
        with transaction.atomic():
            existing.request(copy)
        return copy

    def test_open_positions_are_taken_over_once(self, world: CopyWorld) -> None:
        product(max_slippage=Decimal("0.1"))
        quote(world.connection, "1", "1.2000")
        _position(world.account_id, "old", price="1.0000")
        bystander = world.follow()
        copy = self.follow(world)
        (sent,) = world.run()
        assert (sent.units, sent.reference_price) == (LOT, Decimal("1.2000"))
        assert code(copy) == "COPIED"
        assert not Outcome.objects.filter(subscription_id=bystander.pk).exists()
        with transaction.atomic():
            assert existing.request(copy) == 0
        world.positions["old"] = (Side.BUY, Decimal(LOT))
        world.trade("old", -LOT)
        (close,) = world.run()
        assert (close.leg, close.units) == (Leg.CLOSE, LOT)

    def test_what_the_master_did_meanwhile_is_counted_once(self, world: CopyWorld) -> None:
        _position(world.account_id, "old")
        self.follow(world)
        world.positions["old"] = (Side.BUY, Decimal(LOT))
        world.trade("old", LOT)  # journaled with the position after it, not planned yet
        Position.objects.filter(position_id="old").update(units=2 * LOT)
        sent = world.run()
        assert sum(s.units for s in sent) == 2 * LOT

    def test_one_that_was_closed_meanwhile_is_not_opened(self, world: CopyWorld) -> None:
        _position(world.account_id, "old")
        copy = self.follow(world)
        Position.objects.filter(position_id="old").update(closed_at=timezone.now())
        assert world.run() == []
        assert code(copy) == "NOT_LINKED"

    def test_guards_but_delay_and_slippage_hold(self, world: CopyWorld) -> None:
        _position(world.account_id, "old")
        copy = self.follow(world, min_equity=50_000)
        assert world.run() == []
        assert code(copy) == "MIN_EQUITY"


def test_the_same_in_another_currency(world: CopyWorld) -> None:
    account = AccountFactory(connection=world.connection, currency="EUR", leverage=100)
    fund(account, 2_000)
    quote(world.connection, "1", "1.25")
    copy = SubscriptionFactory(
        master=world.master,
        follower=world.follow().follower.__class__.objects.create(account=account),
        volume_mode="equity_ratio",
        max_slippage=Decimal(100),
    )
    product(max_slippage=100)
    world.trade("p1", LOT)
    mine = [sent for sent in world.run() if sent.relation == copy.relation]
    assert [sent.units for sent in mine] == [25_000]  # 2,000 EUR are 2,500 of 10,000 USD
    assert Quote.objects.count() == 1


def _position(account_id: int, position_id: str, price: str = "1.0921") -> None:
    now = timezone.now()
    Position.objects.create(
        account_id=account_id, position_id=position_id, instrument_id="1", side="buy",
        units=LOT, price=Decimal(price), opened_at=now, updated_at=now,
    )  # fmt: skip


def test_what_is_skipped_tells_what_the_master_did(world: CopyWorld) -> None:
    filtered = world.follow(symbols_mode="include", symbols="GBPUSD")
    world.follow(copy_mode="close_only")
    world.trade("p1", 150_000)
    world.trade("p1", -50_000)
    world.trade("p1", -100_000)
    world.run()
    stories = [row.story for row in outcomes_of(subscription_id=filtered.pk).rows]
    assert [story.partition(";")[0] for story in reversed(stories)] == [
        "Master bought 1.50 EURUSD at 1.09210",
        "Master sold 0.50 EURUSD at 1.09210, closing a part",
        "Master sold 1.00 EURUSD at 1.09210, closing the position",
    ]
