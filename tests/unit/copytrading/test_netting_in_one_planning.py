"""A netting account has one position in a symbol, also for what is planned in one go."""

from __future__ import annotations

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.plan import plan
from apps.copytrading.domain.rows import Decided
from apps.trading.orders import Side
from tests.factories.copying import market, opened, row


def test_the_other_side_is_not_opened_beside_the_first() -> None:
    netting = row(netting=True)
    sold = opened(8_000, side=Side.SELL, id=1, position_key="p1")
    bought = opened(37_000, side=Side.BUY, id=2, position_key="p2")
    more = opened(5_000, side=Side.SELL, id=3, position_key="p3")
    made = plan([sold, bought, more], [netting], market())
    assert [(o.order.event.id, o.order.side) for o in made.orders] == [
        (1, Side.SELL),
        (3, Side.SELL),
    ]
    assert [(e.ending.event.id, e.ending.code) for e in made.endings] == [(2, Code.SYMBOL_IN_USE)]


def test_what_an_interrupted_planning_has_begun_counts() -> None:
    sold = opened(8_000, side=Side.SELL, id=2, position_key="p2")
    begun = plan([sold], [row(netting=True)], market()).orders[0]
    bought = opened(37_000, side=Side.BUY, id=1, position_key="p1")
    resumed = row(netting=True, decided={"p2": Decided(2, begun.link)})
    made = plan([bought, sold], [resumed], market())
    assert made.orders == []
    assert [(e.ending.event.id, e.ending.code) for e in made.endings] == [(1, Code.SYMBOL_IN_USE)]


def test_a_hedging_account_holds_both() -> None:
    events = [
        opened(8_000, side=Side.SELL, id=1, position_key="p1"),
        opened(37_000, side=Side.BUY, id=2, position_key="p2"),
    ]
    assert len(plan(events, [row()], market()).orders) == 2
