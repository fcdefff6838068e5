"""Past events of a master, copied on paper."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind
from apps.copytrading.domain.rehearsal import Friction, rehearse
from apps.copytrading.domain.rehearsal_balance import smallest_balance
from apps.copytrading.domain.rows import Rules
from apps.copytrading.domain.volume import VolumeMode
from apps.trading.errors import NoConversionRate
from apps.trading.money import Rates
from apps.trading.orders import Side
from tests.factories.copying import EURUSD, NOW, funds, sizing
from tests.factories.rehearsing import History, terms

BUY, SELL = Side.BUY, Side.SELL


def once(thousands: int = 100) -> History:
    return History().trade("p", thousands, "1.1000").trade("p", 0, "1.1100")


def half(**changes: Any) -> Any:
    return sizing(VolumeMode.MULTIPLIER, risk_multiplier=Decimal("0.5"), **changes)


def test_a_trade_is_copied_at_the_master_s_prices() -> None:
    made = rehearse(once().items, terms())
    assert (made.events, made.opens, made.copied, made.skipped) == (2, 1, 1, 0)
    assert made.result == 1_000 and made.friction == 0
    assert made.reasons == {Code.COPIED: 1} and made.copied_share == 1
    assert made.peak_margin == Decimal("1100") and made.lowest_equity == 10_000
    assert made.worst_margin_level == pytest.approx(Decimal(10_000) / 11)


def test_nothing_at_all() -> None:
    made = rehearse([], terms())
    assert (made.opens, made.copied_share, made.worst_margin_level, made.result) == (
        0,
        None,
        None,
        0,
    )


def test_increases_partial_closes_and_reversals_are_followed() -> None:
    history = History().trade("p", 100, "1.1000").trade("p", 200, "1.1100")
    history.trade("p", 100, "1.1200").trade("p", 50, "1.1000", SELL).trade("p", 0, "1.0900", SELL)
    made = rehearse(history.items, terms())
    assert (made.opens, made.copied) == (3, 3)
    assert made.result == 100 * 15 - 100 * 5 + 50 * 10  # thousands of units × tenths of a cent


def test_what_is_still_open_counts_at_its_latest_price() -> None:
    history = History().trade("p", 100, "1.1000").mark("1.0950")
    made = rehearse(history.items, terms())
    assert made.result == -500 and made.lowest_equity == 9_500


def test_a_reversed_copy_earns_the_opposite() -> None:
    made = rehearse(once().items, terms(rules=Rules(reverse=True)))
    assert made.result == -1_000


def test_friction_is_what_it_costs() -> None:
    friction = Friction(Decimal("0.01"), {"1": Decimal("0.0002")}, Decimal(3))
    made = rehearse(once().items, terms(friction=friction))
    slippage = (Decimal("1.1") + Decimal("1.11")) * 10  # 0.01 % of each price, 100,000 units
    assert made.friction == slippage + 20 + 6
    assert made.result == 1_000 - made.friction


def test_volumes_below_the_minimum_are_skipped_or_rounded_up() -> None:
    history = History()
    for number, thousands in enumerate((1, 1, 4)):
        history.trade(f"p{number}", thousands, "1.1")
    skipping = rehearse(history.items, terms(sizing=half()))
    assert skipping.reasons == {Code.BELOW_MINIMUM: 2, Code.COPIED: 1}
    assert skipping.copied_share == Decimal(1) / 3
    rounding = rehearse(history.items, terms(sizing=half(), round_up=True))
    assert (rounding.rounded_up, rounding.copied, rounding.skipped) == (2, 3, 0)


def test_caps_filters_and_limits_are_those_of_the_settings() -> None:
    history = History().trade("a", 100, "1.1").trade("b", 100, "1.1").trade("c", 10, "1.1")
    assert rehearse(history.items, terms(max_volume=Decimal("0.5"))).capped == 2
    assert rehearse(history.items, terms(rules=Rules(max_positions=2))).reasons == {
        Code.COPIED: 2,
        Code.MAX_POSITIONS: 1,
    }
    assert rehearse(history.items, terms(rules=Rules(exclude=frozenset({"EURUSD"})))).reasons == {
        Code.SYMBOL_FILTERED: 3
    }
    assert rehearse(history.items, terms(symbols={"1": None})).reasons == {Code.NOT_MAPPED: 3}
    margin = terms(rules=Rules(min_margin_level=Decimal(500)))
    assert rehearse(history.items, margin).reasons == {Code.COPIED: 2, Code.MARGIN: 1}


def test_the_account_s_equity_of_the_moment_decides_the_size() -> None:
    """Twice the money after the first trade: twice the size of the second."""
    history = once().trade("q", 100, "1.1000").trade("q", 0, "1.1100")
    made = rehearse(
        history.items, terms(sizing=sizing(VolumeMode.EQUITY_RATIO), funds=funds(1_000))
    )
    assert made.result == 100 + 110
    assert made.copied == 2


def test_a_spread_wider_than_the_tolerance_skips() -> None:
    strict = terms(
        rules=Rules(max_slippage=Decimal("0.01")),
        friction=Friction(spreads={"1": Decimal("0.001")}),
    )
    assert rehearse(once().items, strict).reasons == {Code.SLIPPAGE: 1}


def test_a_netting_account_holds_one_side_of_a_symbol() -> None:
    history = History().trade("a", 100, "1.1").trade("b", 50, "1.1", SELL).trade("a", 0, "1.1")
    history.trade("c", 50, "1.1", SELL)
    assert rehearse(history.items, terms(netting=True)).reasons == {
        Code.COPIED: 2,
        Code.SYMBOL_IN_USE: 1,
    }
    assert rehearse(history.items, terms()).copied == 3


def test_stops_and_resting_orders_ask_for_no_volume() -> None:
    history = History().trade("p", 100, "1.1")
    history.add(EventKind.PROTECTION, 100_000, 100_000, "p", stop_loss=Decimal("1.05"))
    history.add(EventKind.CANCELLED, 0, 100_000, "o")
    made = rehearse(history.trade("p", 0, "1.2").items, terms())
    assert (made.events, made.opens, made.result) == (3, 1, 10_000)


def test_a_stop_out_ends_it_with_what_it_costs() -> None:
    history = History().trade("p", 500, "1.1").mark("1.0820").trade("p", 0, "1.2")
    made = rehearse(history.items, terms())
    assert made.stopped_out_at == NOW + timedelta(hours=2)
    assert made.result == -9_000 and made.events == 1
    assert made.worst_margin_level is not None and made.worst_margin_level < 50
    assert rehearse(history.items, terms(stop_out_level=Decimal(5))).result == 50_000


def test_an_account_in_another_currency() -> None:
    in_euro = terms(funds=funds(10_000, "EUR"))
    made = rehearse(once().items, in_euro)
    assert made.result == pytest.approx(Decimal(1_000) / Decimal("1.11"))
    assert made.peak_margin == pytest.approx(Decimal(1_000))
    in_yen = terms(funds=funds(1_000_000, "JPY"))
    assert rehearse(once().items, in_yen).result == 150_000
    with pytest.raises(NoConversionRate):
        rehearse(once().items, terms(funds=funds(10_000, "CHF"), rates=Rates({})))


def test_the_smallest_balance_copies_and_a_smaller_one_does_not() -> None:
    history = History(funds(100_000))
    for number in range(40):
        history.trade(f"p{number}", 10 + number, "1.1").trade(f"p{number}", 0, "1.1")
    ratio = terms(sizing=sizing(VolumeMode.EQUITY_RATIO), funds=funds(2_000))
    found = smallest_balance(history.items, ratio)
    assert found is not None
    # 1,000 units of the third smallest trade (12,000): the two smaller ones are 5 % of 40.
    assert Decimal(100_000) / 12 <= found <= Decimal(100_000) / 12 * Decimal("1.06")

    def at(balance: Decimal) -> Decimal | None:
        changed = terms(sizing=sizing(VolumeMode.EQUITY_RATIO), funds=funds(balance))
        return rehearse(history.items, changed).copied_share

    assert (at(found) or 0) >= Decimal("0.95") > (at(found * Decimal("0.94")) or 0)


def test_there_may_be_no_balance_that_is_enough() -> None:
    assert smallest_balance(once().items, terms(symbols={"1": None})) is None
    assert smallest_balance([], terms()) == 1
    fixed = terms(sizing=sizing(VolumeMode.FIXED, fixed_volume=Decimal(1)), funds=funds(50_000))
    found = smallest_balance(once().items, fixed)
    assert found is not None and Decimal(550) < found < Decimal(600)  # half of 1,100 USD margin


def test_margin_of_another_symbol_is_valued_at_its_own_price() -> None:
    gold = EURUSD._replace(
        instrument_id="2", name="XAUUSD", folded="XAUUSD", base="XAU", lot_units=Decimal(100),
        min_units=Decimal(1), step_units=Decimal(1),
    )  # fmt: skip
    history = History().add(
        EventKind.OPENED, 0, 10, "g", price=Decimal(2_000), instrument_id="2", symbol="XAUUSD"
    )
    made = rehearse(history.items, terms(symbols={"1": EURUSD, "2": gold}))
    assert made.peak_margin == 200


def test_the_loss_limit_ends_it_with_what_was_lost() -> None:
    history = once().trade("q", 100, "1.1100").mark("1.0900").trade("q", 0, "1.2")
    history.trade("z", 100, "1.2")
    limited = terms(rules=Rules(loss_limit=Decimal(500)))
    made = rehearse(history.items, limited)
    assert made.loss_limit_at == NOW + timedelta(hours=4) and made.ended
    assert (made.result, made.opens) == (-1_000, 2)  # 1,000 won before, 2,000 lost
    assert made.stopped_out_at is None
    patient = terms(rules=Rules(loss_limit=Decimal(1_001)))
    assert rehearse(history.items, patient).loss_limit_at is None
    assert smallest_balance(history.items, limited, made=made) is None


def test_what_was_too_small_is_told_by_how_much() -> None:
    history = History()
    for number, thousands in enumerate((1, 4, 8)):
        history.trade(f"p{number}", thousands, "1.1")
    made = rehearse(history.items, terms(sizing=half(), min_volume=Decimal("0.02")))
    assert made.shortages == [4, 1, Decimal("0.5")]  # of 500, 2,000 and 4,000 units


def test_needed_is_the_balance_that_keeps_the_margin_level() -> None:
    history = History().trade("p", 100, "1.1000").mark("1.0900").trade("p", 0, "1.1000")
    guarded = rehearse(history.items, terms(rules=Rules(min_margin_level=Decimal(200))))
    assert guarded.needs == [2 * 1_100]
    free = rehearse(history.items, terms())
    assert free.needed == Decimal(1_090) / 2 + 1_000  # at the worst price, before a stop-out
    assert rehearse(history.items, terms(funds=funds(free.needed))).stopped_out_at is not None
    assert rehearse(history.items, terms(funds=funds(free.needed + 1))).stopped_out_at is None
