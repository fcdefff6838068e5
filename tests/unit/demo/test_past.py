"""The demo's past: booked to the cent, repeatable, and of clearly different styles."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.analytics.domain.behaviour import (
    Verdict,
    averaging_down,
    growing_after_losses,
    holding_losers,
)
from apps.analytics.domain.trades import ClosedTrade
from apps.demo import plan
from apps.demo.domain.past.book import PastBook, deposited
from apps.demo.domain.past.calendar import DAY, HOUR, Calendar
from apps.demo.past import Past, live_past

TODAY = date(2026, 3, 4)
DAYS = 45


@pytest.fixture(scope="module")
def past() -> Past:
    return live_past(TODAY, DAYS)


def master(past: Past, character: str) -> PastBook:
    (key,) = [m.account.key for m in plan.MASTERS if m.character == character]
    return past.books[key]


def test_steps_are_business_days_before_today() -> None:
    calendar = Calendar(TODAY, 3)
    assert calendar.days == [date(2026, 2, 27), date(2026, 3, 2), date(2026, 3, 3)]
    assert calendar.at(DAY + 2 * HOUR, 1.5) == datetime(2026, 3, 2, 2, 0, 1, 500_000, UTC)


def test_the_same_past_comes_again_and_another_today_only_moves_it(past: Past) -> None:
    again = live_past(TODAY + timedelta(days=7), DAYS)
    for key, book in past.books.items():
        other = again.books[key]
        assert [fill[3:] for fill in book.fills] == [fill[3:] for fill in other.fills]
        assert book.balance == other.balance
    assert again.calendar.days != past.calendar.days


def test_every_balance_is_what_came_in_and_what_was_booked(past: Past) -> None:
    for key, book in past.books.items():
        booked = sum((f.profit + f.commission + f.swap for f in book.fills), Decimal(0))
        assert book.balance == deposited(book.flows) + booked, key
        assert book.balance > 0
        assert not book.open, "nothing is open where the live account begins"
        assert all(h.units == 0 and h.closed_at is not None for h in book.holdings)
        assert book.samples[-1].equity == book.samples[-1].balance == book.balance


def test_balances_after_deals_follow_one_another(past: Past) -> None:
    for book in past.books.values():
        news = [(f.at, None, f.balance) for f in book.fills if f.balance is not None]
        news += [(flow.at, flow.amount, flow.balance) for flow in book.flows]
        balance = Decimal(0)
        for _, amount, after in sorted(news, key=lambda told: told[0]):
            if amount is not None:
                assert balance + amount == after
            balance = after
        assert balance == book.balance


def test_copies_add_up_to_what_their_accounts_earned(past: Past) -> None:
    for account in plan.FOLLOWERS:
        book = past.books[account.key]
        results = [copy.result for (key, _), copy in past.copies.items() if key == account.key]
        assert sum(results, Decimal(0)) == book.balance - deposited(book.flows)


def test_days_of_copies_add_up_to_their_result(past: Past) -> None:
    for key, copy in past.copies.items():
        assert sum((day.gained for day in copy.days), Decimal(0)) == copy.result, key
        assert bool(copy.days) == bool(copy.links)
        if not copy.days:
            continue
        assert [day.step for day in copy.days] == sorted({day.step for day in copy.days})
        assert copy.days[-1].result == copy.result and copy.days[-1].floating == 0
        assert all(day.money > 0 for day in copy.days)
    assert any(day.floating for copy in past.copies.values() for day in copy.days)


def test_copies_come_after_their_master_and_hold_no_more_than_they_may(past: Past) -> None:
    settings = {(copy.account, copy.master): copy for copy in plan.COPIES}
    links = 0
    for key, copy in past.copies.items():
        most = settings[key].max_volume * 100_000
        for link in copy.links.values():
            links += 1
            assert link.copied.opened_at < link.held.opened_at
            assert link.held.opened_at - link.copied.opened_at < timedelta(seconds=1)
            assert link.held.side is link.copied.side
        fills = past.books[key[0]].fills
        units = [fills[place].units_after for place in copy.causes]
        assert not most or max(units, default=Decimal(0)) <= most
    assert links > 100


def test_a_paused_copy_opens_nothing_more(past: Past) -> None:
    (paused,) = [copy for copy in plan.COPIES if copy.paused]
    copy = past.copies[paused.account, paused.master]
    opened = [link.held.step for link in copy.links.values()]
    assert opened and max(opened) < copy.paused < past.calendar.steps


def test_masters_have_the_habits_that_they_are_there_to_show(past: Past) -> None:
    assert len(master(past, "quickstep").holdings) > 3 * len(master(past, "harbour").holdings)
    young = master(past, "flashpoint")
    assert len({sample.at.date() for sample in young.samples}) < 20
    night = [h.opened_at.hour for h in master(past, "nightjar").holdings]
    assert all(hour >= 20 or hour < 4 for hour in night)
    assert master(past, "tradewind").balance > 0
    swaps = sum(f.swap for f in master(past, "tradewind").fills)
    assert swaps > 0, "carry earns interest"
    assert averaging_down(trades(master(past, "stairway"))).verdict is Verdict.FOUND
    assert growing_after_losses(trades(master(past, "phoenix"))).verdict is Verdict.FOUND
    assert holding_losers(trades(master(past, "breakwater"))).verdict is Verdict.FOUND
    assert averaging_down(trades(master(past, "harbour"))).verdict is Verdict.NOT_FOUND


def test_no_day_of_past_is_none() -> None:
    none = live_past(TODAY, 0)
    assert not none.books and not none.copies
    assert none.deposit(plan.MASTERS[0].account) == plan.MASTERS[0].account.deposit


def trades(book: PastBook) -> list[ClosedTrade]:
    return [
        ClosedTrade(
            f.holding.symbol, f.holding.side, f.units, f.holding.opened_at, f.at,
            f.holding.price, f.price, f.profit, f.commission, f.swap,
        )
        for f in book.fills
        if f.balance is not None
    ]  # fmt: skip
