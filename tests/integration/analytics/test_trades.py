"""Closed trades of masters and their sums, kept up from deals as they come."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from apps.analytics import api, selectors, trade_sums, trades
from apps.analytics.domain.behaviour import Verdict
from apps.analytics.domain.standing import Standing
from apps.analytics.domain.trade_figures import trade_figures_of
from apps.analytics.domain.trades import ClosedTrade
from apps.analytics.trade_models import (
    AccountTrades,
    DealsSeen,
    HeldPosition,
    TradePart,
    TradeRecord,
)
from apps.copytrading.models import CopyMaster
from apps.execution.models import Deal, Position
from apps.trading.orders import Side
from tests.factories.equity import at_hour, master_account
from tests.factories.platforms import AccountFactory
from tests.integration.analytics.test_records import MONDAY

pytestmark = pytest.mark.django_db
NOW = at_hour(MONDAY, 12)
_numbers = itertools.count()


def deal(
    account_id: int, position: str, effect: str, minute: float, *,
    units: int = 100, profit: object = 0, side: str = "buy", instrument: str = "1",
    commission: object = 0,
) -> Deal:  # fmt: skip
    number = next(_numbers)
    at = at_hour(MONDAY, 8) + timedelta(minutes=minute)
    return Deal.objects.create(
        account_id=account_id, deal_id=str(1000 + number), platform_order_id=str(number),
        position_id=position, instrument_id=instrument, side=side, effect=effect, units=units,
        price=1, profit=D(str(profit)), commission=D(str(commission)), executed_at=at,
        received_at=at,
    )  # fmt: skip


def traded(account_id: int, position: str, minute: float, profit: object, **more: Any) -> None:
    deal(account_id, position, "open", minute, **more)
    deal(account_id, position, "close", minute + 1, profit=profit, **more | {"side": "sell"})


def everything() -> list[Any]:
    """All that is stored, in comparable form."""
    models = (TradeRecord, HeldPosition, AccountTrades, TradePart)
    return [sorted(model.objects.values_list()) for model in models]


def as_trades(records: Iterable[TradeRecord]) -> list[ClosedTrade]:
    return [
        ClosedTrade(
            r.instrument_id, Side(r.side), r.units, r.opened_at, r.closed_at, r.open_price,
            r.close_price, r.profit, r.commission, r.swap,
        )
        for r in records
    ]  # fmt: skip


def test_deals_of_masters_become_trades_and_figures() -> None:
    account, other = master_account(), AccountFactory().pk
    traded(account, "1", 0, 10, commission=-1)
    traded(account, "2", 2, -4, instrument="7")
    traded(other, "1", 0, 99)
    assert api.keep_trades(now=NOW) == 4
    assert [r.result for r in TradeRecord.objects.order_by("id")] == [D(8), D(-4)]
    stored = AccountTrades.objects.get()
    assert (stored.account_id, stored.trades, stored.wins, stored.result) == (account, 2, 1, D(4))
    assert (stored.win_rate, stored.profit_factor, stored.expectancy) == (0.5, 2.0, 2.0)
    parts = {(p.kind, p.key): p.result for p in TradePart.objects.all()}
    assert parts == {
        ("symbol", "1"): D(8), ("symbol", "7"): D(-4), ("side", "buy"): D(4),
        ("weekday", "0"): D(4), ("hour", "8"): D(4),
    }  # fmt: skip


def test_repeating_takes_nothing_twice() -> None:
    account = master_account()
    traded(account, "1", 0, 10)
    api.keep_trades(now=NOW)
    traded(account, "2", 5, -3)
    assert api.keep_trades(now=NOW) == 2
    before = everything()
    for minutes in range(0, 25, 5):  # the floor moves meanwhile
        assert api.keep_trades(now=NOW + timedelta(minutes=minutes)) == 0
    assert everything() == before
    assert DealsSeen.objects.get().taken == []


def test_a_deal_that_appears_after_one_with_a_greater_id_is_found() -> None:
    account = master_account()
    traded(account, "1", 0, 10)
    api.keep_trades(now=NOW)
    early = deal(account, "2", "open", 3)
    Deal.objects.filter(pk=early.pk).delete()  # its transaction is not over yet
    deal(account, "3", "open", 4)
    assert api.keep_trades(now=NOW) == 1
    early.save(force_insert=True)
    assert api.keep_trades(now=NOW + timedelta(minutes=4)) == 1
    assert HeldPosition.objects.count() == 2


def test_a_long_lived_position_is_followed_from_where_it_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = master_account()
    deal(account, "1", "open", 0, units=1000, commission=-10)
    api.keep_trades(now=NOW)
    asked: list[Any] = []
    real = trades.traded.deals_of_positions
    monkeypatch.setattr(
        trades.traded, "deals_of_positions", lambda keys: asked.append(list(keys)) or real(keys)
    )
    for minute in (1, 2, 3):
        deal(account, "1", "close", minute, units=100, profit=5, side="sell")
        api.keep_trades(now=NOW)
    assert asked == [[], [], []]
    assert [r.result for r in TradeRecord.objects.all()] == [D(4)] * 3
    assert HeldPosition.objects.get().units == 700


def test_an_opening_that_comes_late_puts_right_what_was_counted_without_it() -> None:
    account = master_account()
    api.keep_trades(now=NOW)
    deal(account, "1", "close", 30, profit=5, side="sell")
    api.keep_trades(now=NOW)
    assert TradeRecord.objects.get().opened_at == at_hour(MONDAY, 8) + timedelta(minutes=30)
    deal(account, "1", "open", 0, commission=-2)
    api.keep_trades(now=NOW)
    record = TradeRecord.objects.get()
    assert (record.opened_at, record.result) == (at_hour(MONDAY, 8), D(3))
    assert AccountTrades.objects.get().result == D(3)
    assert {p.result for p in TradePart.objects.all()} == {D(3)}


def test_the_opening_of_a_position_that_was_there_before_us_is_taken_from_the_position() -> None:
    account = master_account()
    opened = at_hour(MONDAY, 1)
    Position.objects.create(
        account_id=account, position_id="1", instrument_id="1", side="buy", units=100,
        price=D("0.9"), opened_at=opened, updated_at=opened,
    )  # fmt: skip
    deal(account, "1", "close", 30, profit=5, side="sell")
    api.keep_trades(now=NOW)
    record = TradeRecord.objects.get()
    assert (record.opened_at, record.open_price) == (opened, D("0.9"))


def test_an_account_that_becomes_a_master_brings_its_trades() -> None:
    master_account()
    later = AccountFactory()
    traded(later.pk, "1", 0, 7)
    api.keep_trades(now=NOW)
    assert not TradeRecord.objects.exists()
    CopyMaster.objects.create(account=later, strategy_name="Later")
    assert api.keep_trades(now=NOW) == 2
    assert AccountTrades.objects.get(account_id=later.pk).result == D(7)
    assert api.keep_trades(now=NOW) == 0


def test_bit_by_bit_is_as_good_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In any order of arrival, also late, and in pieces."""
    monkeypatch.setattr(trades, "TOGETHER", 7)
    chance = random.Random(7)
    accounts = [master_account(), master_account()]
    made: list[Deal] = []
    for number in range(30):
        account, minute = chance.choice(accounts), 10 * number
        position, side = str(number), chance.choice(("buy", "sell"))
        more = {"instrument": chance.choice("123"), "commission": chance.choice((0, "-0.07"))}
        made.append(deal(account, position, "open", minute, units=3, side=side, **more))
        for part in range(chance.choice((0, 1, 3))):
            profit = chance.choice((-5, "3.21", 0, 8))
            made.append(
                deal(account, position, "close", minute + 1 + 17 * part, profit=profit,
                     side="sell" if side == "buy" else "buy", **more)
            )  # fmt: skip
    api.keep_trades(now=NOW)
    expected = everything()
    for model in (TradeRecord, HeldPosition, AccountTrades, TradePart, DealsSeen):
        model.objects.all().delete()
    Deal.objects.all().delete()
    chance.shuffle(made)
    api.keep_trades(now=NOW)
    while made:
        for one in made[:5]:
            one.save(force_insert=True)
        del made[:5]
        api.keep_trades(now=NOW)
    assert everything() == expected
    stored = AccountTrades.objects.get(account_id=accounts[0])
    records = TradeRecord.objects.filter(account_id=accounts[0])
    figures = trade_figures_of(as_trades(records))
    assert stored.trades == len(records) > 5
    for name, figure in trade_sums.figures_of(stored).items():
        assert figure.value == pytest.approx(figures[name].value), name


def test_an_account_without_trades_says_so() -> None:
    master_account()
    api.keep_trades(now=NOW)
    figures = trade_sums.figures_of(AccountTrades.objects.get())
    assert {figure.standing for name, figure in figures.items() if name != "trades"} == {
        Standing.NO_DATA
    }


def test_pages_read_trades_parts_and_habits(
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    account = master_account()
    for number in range(24):  # every second one loses, and the one after it is twice as large
        lost = number % 2
        traded(account, str(number), 90 * number, -5 if lost else 5, units=100 * (2 - lost))
    api.keep_trades(now=NOW)
    assert (api.keep_habits(now=NOW), api.keep_habits(now=NOW)) == (1, 0)
    newest = selectors.closed_trades(account, limit=20)
    assert newest[0].closed_at > newest[-1].closed_at
    rest = selectors.closed_trades(account, limit=20, before=newest[-1].cursor)
    assert len({row.id for row in [*newest, *rest]}) == 24
    until = at_hour(MONDAY, 12)
    assert all(
        r.closed_at <= until for r in selectors.closed_trades(account, limit=99, until=until)
    )
    with django_assert_max_num_queries(4):
        parts = selectors.trade_parts(account)
        habits = selectors.habits_of(account)
        stats = selectors.trade_stats([account])[account]
    assert sum(p.result for p in parts.weekdays) == sum(p.result for p in parts.hours) == 0
    assert (parts.sides[Side.BUY].trades, parts.symbols["1"].wins, stats.trades) == (24, 12, 24)
    growing = habits[1]
    assert growing.verdict is Verdict.FOUND and growing.numbers["after_losses"] == pytest.approx(2)
    assert len(growing.examples) == 3


def test_who_goes_on_trading_is_judged_again_after_an_hour() -> None:
    account = master_account()
    traded(account, "1", 0, 10)
    api.keep_trades(now=NOW)
    api.keep_habits(now=NOW)
    traded(account, "2", 5, 10)
    api.keep_trades(now=NOW)
    assert api.keep_habits(now=NOW + timedelta(minutes=59)) == 0
    assert api.keep_habits(now=NOW + timedelta(minutes=60)) == 1


def test_nothing_new_costs_a_handful_of_queries(
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    for number in range(4):
        traded(master_account(), str(number), number, 1)
    api.keep_trades(now=NOW)
    with django_assert_max_num_queries(12):
        api.keep_trades(now=NOW)
