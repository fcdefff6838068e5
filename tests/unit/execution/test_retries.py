"""Closes that wait for their market, as a session keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.execution.gateway import retries
from apps.execution.gateway.guards import Guards
from apps.execution.gateway.retries import Retries
from apps.execution.gateway.state import Book
from apps.execution.gateway.tickets import Ticket, Tickets, ticket_of
from apps.execution.intents import Intent, dump, rows_of
from apps.platforms.ports import Answer, SubmitResult
from apps.trading.orders import Leg, OrderState
from apps.trading.schedule import Holiday, make_schedule
from tests.support.memory_platform import EURUSD

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
CLOSED = SubmitResult("c", Answer.REJECTED, code="MARKET_CLOSED", message="come back later")


def ticket(leg: Leg = Leg.CLOSE) -> Ticket:
    intent = Intent(
        "c", 7, "a7", leg, "copy", instrument_id="1", units=Decimal(1000), position_id="p1"
    )
    (row,) = rows_of(dump([intent]))
    return ticket_of(row, 1, 0, NOW)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(retries.time, "monotonic", lambda: self.now)


def test_only_closes_wait_and_only_for_their_market() -> None:
    close, opens, other = ticket(), ticket(Leg.OPEN), ticket()
    for one in (close, opens):
        one.answer(CLOSED, NOW)
    other.answer(SubmitResult("c", Answer.REJECTED, code="NOT_ENOUGH_MONEY"), NOW)
    assert (close.waits, close.final, close.code) == (True, False, "MARKET_CLOSED")
    assert (opens.waits, opens.state) == (False, OrderState.REJECTED)
    assert (other.waits, other.state) == (False, OrderState.REJECTED)
    close.again()
    assert (close.waits, close.code) == (False, "")


def test_the_pauses_grow_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, one = Clock(monkeypatch), ticket()
    waiting = Retries(Tickets(), Guards(Book(), Tickets()))
    assert not waiting
    pauses = []
    for _ in range(8):
        waiting.add(one)
        begun = clock.now
        while not waiting.due():
            clock.now += 1
        pauses.append(clock.now - begun)
        waiting.taken([one])
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    waiting.ended(one)
    waiting.add(one)
    clock.now += 1
    assert waiting.due() == [one]


def test_one_whose_market_is_known_to_be_closed_is_not_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, one, book = Clock(monkeypatch), ticket(), Book()
    closed = make_schedule([], [Holiday(datetime.now(UTC).date())])
    book.instruments["1"] = replace(EURUSD, schedule=closed)
    waiting = Retries(Tickets(), Guards(book, Tickets()))
    waiting.add(one)
    clock.now += 100
    assert waiting.due() == []
    book.instruments.clear()
    assert waiting.due() == [one]


def test_what_waited_in_the_session_before_is_taken_up() -> None:
    tickets, one = Tickets(), ticket()
    tickets.add(one)
    one.answer(CLOSED, NOW)
    assert Retries(tickets, Guards(Book(), tickets))
