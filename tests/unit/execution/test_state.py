"""Equity from positions and quotes, gates, missed deals: arithmetic without a server."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution.gateway.claims import Gates
from apps.execution.gateway.state import Account, Book
from apps.execution.gateway.sync import positions_after
from apps.execution.intents import Intent, dump, rows_of
from apps.platforms.ports import QuoteUpdate, Snapshot
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import Leg, Side
from apps.trading.positions import AccountState, MarginMode, Position
from apps.trading.symbols import Instrument

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
D = Decimal


def instrument(number: str, base: str, quote: str) -> Instrument:
    return Instrument(
        number, base + quote, base, quote, 5, 4, D(100000), D(1000), D(1000), D(10000000)
    )


def book() -> Book:
    b = Book()
    for i in (instrument("1", "EUR", "USD"), instrument("2", "USD", "JPY")):
        b.instruments[i.instrument_id] = i
    b.quote(QuoteUpdate("1", D("1.1000"), D("1.1002"), NOW))
    return b


def account(currency: str = "EUR") -> Account:
    return Account(1, "a1", currency, D(100), False, NOW, balance=D(1000))


def position(number: str = "1", side: Side = Side.BUY, units: str = "10000") -> Position:
    price = D("1.1010") if number == "1" else D(150)
    return Position(
        "p" + number, number, side, D(units), price, NOW, swap=D("-1"), commission=D("-0.5")
    )


def test_equity_is_balance_and_open_results_in_account_currency() -> None:
    b, a = book(), account("EUR")
    a.positions = {"p1": position(side=Side.BUY)}
    figures, results = b.figures(a, b.factors()) or pytest.fail("no figures")
    # -10 USD at the middle price 1.1001, then swap in account currency; its deal has told the
    # commission, which only the equity has to know of
    assert results == {"p1": D("-10.09")}
    assert figures.equity == D("989.41")
    assert figures.margin_used == D("100.00")
    assert figures.open_positions == 1


def test_a_short_position_closes_at_the_ask() -> None:
    b, a = book(), account("USD")
    a.positions = {"p1": position(side=Side.SELL)}
    figures, _ = b.figures(a, b.factors()) or pytest.fail("no figures")
    assert figures.open_result == D("6.50")


def test_a_missing_price_gives_no_equity_rather_than_a_wrong_one() -> None:
    b, a = book(), account("USD")
    a.positions = {"p2": position("2")}
    assert b.figures(a, b.factors()) is None


def test_few_instruments_are_all_subscribed_and_of_many_the_needed() -> None:
    b = book()
    b.add(account())
    assert b.wanted_quotes() == ["1", "2"]
    assert b.wanted_quotes(few=1) == ["1"]
    next(iter(b.accounts.values())).positions = {"p2": position("2")}
    assert b.wanted_quotes(few=1) == ["1", "2"]


@pytest.mark.parametrize(
    ("gate", "opens", "closes"),
    [
        (("global", "", "reducing"), True, False),
        (("global", "", "halted"), True, True),
        (("platform", "paper", "reducing"), True, False),
        (("connection", "4", "halted"), True, True),
        (("account", "7", "reducing"), True, False),
        (("account", "8", "halted"), False, False),
        (("source", "copy", "reducing"), True, False),
        (("source", "copy:3", "reducing"), True, False),
        (("source", "copy:4", "halted"), False, False),
        (("relation", "sub:1", "halted"), True, True),
        (("relation", "sub:2", "halted"), False, False),
    ],
)
def test_gates(gate: tuple[str, str, str], opens: bool, closes: bool) -> None:
    def held(leg: Leg) -> bool:
        intent = Intent("c", 7, "a7", leg, "copy", relation="sub:1", wake_key=3)
        (row,) = rows_of(dump([intent]))
        return Gates([(*gate, "why")]).holding(row) is not None

    assert (held(Leg.OPEN), held(Leg.CLOSE)) == (opens, closes)
    assert held(Leg.PROTECT) == held(Leg.CANCEL) == closes


def deal(number: int, position_id: str, side: Side, units: int, effect: DealEffect) -> Deal:
    return Deal(f"d{number}", f"o{number}", position_id, "1", side, D(units), D("1.2"), effect, NOW)


def test_positions_after_missed_deals_are_found_backwards() -> None:
    left = Position("p1", "1", Side.BUY, D(3000), D("1.15"), NOW, stop_loss=D("1.0"))
    state = AccountState("USD", D(1), D(100), MarginMode.HEDGING, NOW)
    snapshot = Snapshot("a", state, (left,), (), NOW)
    deals = [
        deal(1, "p1", Side.BUY, 5000, DealEffect.OPEN),
        deal(2, "p2", Side.SELL, 1000, DealEffect.OPEN),
        deal(3, "p1", Side.SELL, 2000, DealEffect.CLOSE),
        deal(4, "p2", Side.BUY, 1000, DealEffect.CLOSE),
    ]
    after = [p and (p.side, p.units) for _, p in positions_after(deals, snapshot)]
    assert after == [(Side.BUY, 5000), (Side.SELL, 1000), (Side.BUY, 3000), None]


def test_a_netting_position_that_turned_is_followed() -> None:
    left = Position("p1", "1", Side.SELL, D(1000), D("1.15"), NOW)
    state = AccountState("USD", D(1), D(100), MarginMode.NETTING, NOW)
    deals = [
        deal(1, "p1", Side.BUY, 2000, DealEffect.OPEN),
        deal(2, "p1", Side.SELL, 3000, DealEffect.REVERSE),
    ]
    after = positions_after(deals, Snapshot("a", state, (left,), (), NOW))
    assert [(p.side, p.units) for _, p in after if p] == [(Side.BUY, 2000), (Side.SELL, 1000)]
