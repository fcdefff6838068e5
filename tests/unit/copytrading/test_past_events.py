"""Stored deals as the events that would have been copied."""

from __future__ import annotations

from decimal import Decimal

from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.past import events_of
from apps.execution.past_deals import PastDeal
from apps.trading.deals import DealEffect
from apps.trading.orders import Side
from tests.factories.copying import EURUSD
from tests.factories.past import BEGIN

BUY, SELL = Side.BUY, Side.SELL
OPEN, CLOSE, REVERSE = DealEffect.OPEN, DealEffect.CLOSE, DealEffect.REVERSE


def events(
    *deals: tuple[Side, DealEffect, int], before: dict[str, Decimal] | None = None
) -> list[MasterEvent]:
    rows = [
        PastDeal(str(n), "p", "1", side, effect, Decimal(units), Decimal("1.1"), BEGIN)
        for n, (side, effect, units) in enumerate(deals)
    ]
    return events_of(rows, before or {}, {"1": EURUSD})


def told(found: list[MasterEvent]) -> list[tuple[EventKind, Side, int, int]]:
    return [(e.kind, e.side, int(e.units_before), int(e.units_after)) for e in found]


def test_a_position_from_its_opening_to_its_end() -> None:
    found = events((BUY, OPEN, 10), (BUY, OPEN, 5), (SELL, CLOSE, 6), (SELL, CLOSE, 9))

    assert told(found) == [
        (EventKind.OPENED, BUY, 0, 10),
        (EventKind.INCREASED, BUY, 10, 15),
        (EventKind.REDUCED, BUY, 15, 9),
        (EventKind.CLOSED, BUY, 9, 0),
    ]
    assert [event.id for event in found] == [1, 2, 3, 4]
    assert {event.symbol for event in found} == {"EURUSD"}
    assert all(event.received_at == event.happened_at == BEGIN for event in found)


def test_a_reversal_trades_through() -> None:
    found = events((BUY, OPEN, 10), (SELL, REVERSE, 25), (BUY, CLOSE, 15))

    assert told(found) == [
        (EventKind.OPENED, BUY, 0, 10),
        (EventKind.REVERSED, SELL, 10, 15),
        (EventKind.CLOSED, SELL, 15, 0),
    ]


def test_what_was_held_before_counts() -> None:
    sold = {"p": Decimal(-10)}

    assert told(events((SELL, OPEN, 5), before=sold)) == [(EventKind.INCREASED, SELL, 10, 15)]
    assert told(events((BUY, CLOSE, 4), before=sold)) == [(EventKind.REDUCED, SELL, 10, 6)]


def test_what_was_opened_before_anything_is_known() -> None:
    assert told(events((SELL, CLOSE, 4))) == [(EventKind.CLOSED, BUY, 4, 0)]
    assert told(events((SELL, REVERSE, 4))) == [(EventKind.OPENED, SELL, 0, 4)]


def test_a_symbol_that_is_gone_has_no_name() -> None:
    row = PastDeal("1", "p", "9", BUY, OPEN, Decimal(1), Decimal(2), BEGIN)

    assert events_of([row], {}, {"1": EURUSD})[0].symbol == ""
