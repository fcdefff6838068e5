"""Outside its hours the venue fills nothing of a symbol."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from apps.openapi_wire.enums import OrderType
from apps.papervenue import codec
from apps.papervenue.config import read_hours
from apps.papervenue.engine import Refused
from apps.trading.schedule import ALWAYS, Holiday, make_schedule
from tests.unit.papervenue.venue_desk import BUY, EURUSD, LOT, NOW, USDJPY, Desk, only

# NOW is a Tuesday.
CLOSED = make_schedule([], [Holiday(date(2023, 11, 14))])


def closed(desk: Desk) -> None:
    desk.book.schedules[EURUSD] = CLOSED


def test_orders_and_closes_at_market_are_refused() -> None:
    desk = Desk()
    account = desk.account()
    desk.place(account, BUY, LOT)
    closed(desk)
    for attempt in (lambda: desk.place(account, BUY, LOT), lambda: desk.close(only(account))):
        with pytest.raises(Refused, match="MARKET_CLOSED"):
            attempt()
    desk.place(account, BUY, LOT // 10, symbol=USDJPY)
    del desk.book.schedules[EURUSD]
    desk.close(next(iter(account.positions.values())))
    assert only(account).spec.symbol_id == USDJPY


def test_a_limit_waits_until_it_opens() -> None:
    desk = Desk()
    account = desk.account()
    closed(desk)
    order = desk.place(account, BUY, LOT, type=OrderType.LIMIT, limit_price=120_000)
    assert order.executed == 0 and not account.positions
    desk.engine.amend(order, replace(order, limit_price=121_000), NOW)
    assert order.executed == 0
    del desk.book.schedules[EURUSD]
    desk.price(EURUSD, 110_000, 110_010)
    assert order.executed == LOT


def test_nobody_is_stopped_out_at_a_price_that_is_not_traded() -> None:
    desk = Desk()
    account = desk.account(deposit=150_000)
    desk.place(account, BUY, LOT)
    desk.price(EURUSD, 108_900, 108_910)
    closed(desk)
    desk.engine.sweep(NOW)
    assert account.positions
    del desk.book.schedules[EURUSD]
    desk.engine.sweep(NOW)
    assert not account.positions


def test_hours_are_told_with_the_symbol() -> None:
    desk = Desk()
    always = codec.symbol_message(desk.spec(), ALWAYS)
    assert [(i.startSecond, i.endSecond) for i in always.schedule] == [(0, 604_800)]
    hours = make_schedule(
        [(3600, 7200)], [Holiday(date(2023, 12, 25), recurring=True)], "Asia/Tokyo"
    )
    told = codec.symbol_message(desk.spec(), hours)
    assert [(i.startSecond, i.endSecond) for i in told.schedule] == [(3600, 7200)]
    assert (told.scheduleTimeZone, told.holiday[0].isRecurring) == ("Asia/Tokyo", True)
    assert told.holiday[0].holidayDate == (date(2023, 12, 25) - date(1970, 1, 1)).days


def test_hours_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hours.json"
    path.write_text(json.dumps({"EURUSD": {}, "*": {"hours": [[0, 3600]]}}))
    assert list(read_hours(path)) == ["*", "EURUSD"]
    assert read_hours(path)["EURUSD"] == ALWAYS


@pytest.mark.parametrize("text", ["", "[]", '{"EURUSD": 1}', '{"EURUSD": {"hours": [[5, 1]]}}'])
def test_a_file_that_makes_no_sense_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hours.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        read_hours(path)
