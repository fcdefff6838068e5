"""Closes that are worked out for many copies at once are those of each copy alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.closings import Closings
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.plan import plan
from apps.copytrading.domain.rows import Row, Rules
from apps.trading.orders import Leg, Side
from tests.factories.copying import event, market, row


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([*[usual] * 8, *others])


UNITS = mostly(Decimal(24_000), Decimal(0), Decimal(1_000))
STOPS = st.sampled_from([None, Decimal("1.08123")])
LINKS = st.builds(
    Link,
    link_id=st.integers(1, 9),
    position_key=mostly("p1", "p2"),
    side=st.sampled_from(Side),
    symbol=st.just("EURUSD"),
    instrument_id=st.just("1"),
    ratio=st.sampled_from([Decimal("0.2431"), Decimal(1)]),
    grows=st.booleans(),
    master_units=st.sampled_from([Decimal(100_000), Decimal(0)]),
    target=st.sampled_from([Decimal("24310"), Decimal(0)]),
    held=UNITS,
    stop_loss=STOPS,
    take_profit=STOPS,
    master_price=st.just(Decimal("1.09")),
    position_id=st.just("f1"),
    shown_sl=STOPS,
    shown_tp=STOPS,
    in_flight=mostly("", "c1"),
    close_cause=mostly("", "person:1", "rest:7"),
    opened_event_id=st.just(1),
    last_event_id=st.just(1),
    state=mostly(LinkState.OPEN, *LinkState),
)
ROWS = st.builds(
    row,
    subscription_id=st.integers(1, 9),
    connection_id=mostly(1, 2),
    netting=st.booleans(),
    hold=mostly(None, Code.PAUSED, Code.STOPPED),
    rules=st.builds(Rules, opens_only=mostly(False, True), partial_close=st.booleans()),
    min_volume=mostly(Decimal(0), Decimal(1)),
    max_volume=mostly(Decimal(0), Decimal(1)),
    revision=st.integers(1, 3),
    links=st.lists(LINKS, max_size=2).map(
        lambda links: {link.position_key: link for link in links}
    ),
)


def end(**changes: Any) -> MasterEvent:
    return event(EventKind.CLOSED, 100_000, 0, **({"id": 5} | changes))


@given(st.lists(ROWS, min_size=1, max_size=8), st.sampled_from([end(), end(side=Side.SELL)]))
def test_a_close_is_the_same_alone_and_among_many(rows: list[Row], closed: MasterEvent) -> None:
    around = market()
    closings = Closings.among([closed], around)
    assert closings is not None
    for each in rows:
        made = closings.of(each)
        step = advance(each, each.links.get("p1"), [closed], around)
        if made is not None:
            assert (step.links, step.order) == ((made[0],), made[1])
            assert not (step.endings or step.waiting or step.pendings)
        else:
            assert step.order is None


@given(st.lists(ROWS, min_size=1, max_size=8))
def test_each_copy_is_ordered_for_once_or_ends(rows: list[Row]) -> None:
    made = plan([end()], rows, market())
    assert len(made.orders) + len(made.endings) + len(made.waits) == len(rows)
    assert all(planned.order.leg is Leg.CLOSE for planned in made.orders)


def test_other_events_are_not_for_many() -> None:
    around = market()
    assert Closings.among([end(), end(id=6)], around) is None
    assert Closings.among([end(only=7)], around) is None
    assert Closings.among([event(EventKind.REDUCED, 100_000, 50_000)], around) is None
    assert Closings.among([event(EventKind.REVERSED, 100_000, 50_000)], around) is None
