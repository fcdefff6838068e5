"""From deals to closed trades, position by position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from apps.analytics.domain.closing import Held, Known, after, followed
from apps.trading.deals import DealEffect
from apps.trading.orders import Side

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
OPEN, CLOSE, REVERSE = DealEffect


@dataclass(frozen=True)
class Dealt:
    effect: DealEffect
    units: D
    price: D
    minute: int
    side: Side = Side.BUY
    commission: D = D(0)
    swap: D = D(0)
    profit: D = D(0)
    instrument_id: str = "1"

    @property
    def executed_at(self) -> datetime:
        return START + timedelta(minutes=self.minute)


def test_a_close_takes_its_share_of_what_the_openings_cost() -> None:
    held, closed = followed(
        None,
        [
            Dealt(OPEN, D(100), D("1.10"), 0, commission=D("-1.00")),
            Dealt(OPEN, D(300), D("1.30"), 1, commission=D("-2.00")),
            Dealt(CLOSE, D(100), D("1.40"), 2, Side.SELL, D("-0.5"), D("-0.1"), D(15)),
        ],
    )
    trade = closed[2]
    assert closed[:2] == [None, None] and trade is not None
    assert (trade.side, trade.volume, trade.open_price) == (Side.BUY, 100, D("1.25"))
    assert (trade.opened_at, trade.closed_at) == (START, START + timedelta(minutes=2))
    assert trade.commission == D("-0.5") - D("0.75") and trade.swap == D("-0.1")
    assert trade.result == D(15) - D("1.25") - D("0.1")
    assert held == Held(Side.BUY, D(300), D("1.25"), START, D("-2.25"))


def test_the_last_close_takes_what_is_left() -> None:
    deals = [Dealt(OPEN, D(3), D(1), 0, commission=D("-1.00"))]
    deals += [Dealt(CLOSE, D(1), D(1), minute, Side.SELL) for minute in (1, 2, 3)]
    held, closed = followed(None, deals)
    assert held is None
    assert sum((t.commission for t in closed if t), D(0)) == D("-1.00")


def test_a_reversal_closes_and_opens_the_rest() -> None:
    held, trade = after(
        Held(Side.BUY, D(100), D("1.10"), START, D("-1")),
        Dealt(REVERSE, D(250), D("1.20"), 5, Side.SELL, D("-5"), profit=D(10)),
    )
    assert trade is not None and trade.volume == 100
    assert trade.commission == D(-1) - D(2)
    assert held == Held(Side.SELL, D(150), D("1.20"), START + timedelta(minutes=5), D("-3"))


def test_a_close_without_its_opening_counts_with_its_result() -> None:
    close = Dealt(CLOSE, D(100), D("1.20"), 5, Side.SELL, profit=D(10))
    held, trade = after(None, close)
    assert held is None and trade is not None
    assert (trade.side, trade.result) == (Side.BUY, D(10))
    assert trade.opened_at == trade.closed_at
    _, trade = after(None, close, Known(D("1.10"), START))
    assert trade is not None and (trade.open_price, trade.opened_at) == (D("1.10"), START)


def test_closing_more_than_is_held_closes_what_is_held() -> None:
    held, trade = after(Held(Side.SELL, D(50), D(1), START), Dealt(CLOSE, D(80), D(1), 1))
    assert held is None and trade is not None and (trade.volume, trade.side) == (50, Side.SELL)
