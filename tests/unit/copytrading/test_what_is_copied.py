"""What a subscription copies: sides, filters, partial closes, modes, positions taken over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState, Reply, answered
from apps.copytrading.domain.plan import plan
from apps.copytrading.domain.rows import Quote, Row, Rules
from apps.copytrading.domain.steps import Step
from apps.trading.orders import Leg, Side
from tests.factories.copying import EURUSD, LOT, event, market, opened, row

SL, TP = Decimal("1.0900"), Decimal("1.1000")


def with_rules(**rules: Any) -> Row:
    return row(rules=Rules(**rules))


def held(mine: Row, first: MasterEvent | None = None) -> Link:
    """The link of a lot that was opened and filled."""
    step = advance(mine, None, [first or opened(LOT)], market())
    assert step.order is not None
    return answered(step.links[-1], Reply(Leg.OPEN, step.order.units, step.order.units, "f1"))


def code_of(step: Step) -> Code:
    (ending,) = step.endings
    assert step.order is None
    return ending.code


class TestReverse:
    def test_the_other_side_with_stop_and_target_swapped(self) -> None:
        mine = with_rules(reverse=True)
        step = advance(mine, None, [opened(LOT, stop_loss=SL, take_profit=TP)], market())
        assert step.order is not None
        assert (step.order.side, step.links[-1].side) == (Side.SELL, Side.SELL)
        assert (step.order.stop_loss, step.order.take_profit) == (TP, SL)

    def test_stop_changes_are_swapped_for_the_link_whatever_the_setting_is_now(self) -> None:
        link = held(with_rules(reverse=True))
        change = event(EventKind.PROTECTION, LOT, LOT, id=2, stop_loss=SL)
        step = advance(row(), link, [change], market())
        assert step.order is not None
        assert (step.order.leg, step.order.stop_loss, step.order.take_profit) == (
            Leg.PROTECT,
            None,
            SL,
        )

    def test_only_the_masters_stop_is_copied(self) -> None:
        mine = row(copy_tp=False, rules=Rules(reverse=True))
        step = advance(mine, None, [opened(LOT, stop_loss=SL, take_profit=TP)], market())
        assert step.order is not None
        assert (step.order.stop_loss, step.order.take_profit) == (None, SL)

    def test_closes_close_what_is_held(self) -> None:
        mine = with_rules(reverse=True)
        step = advance(mine, held(mine), [event(EventKind.CLOSED, LOT, 0, id=2)], market())
        assert step.order is not None
        assert (step.order.leg, step.order.side) == (Leg.CLOSE, Side.BUY)


class TestPartialCloseOff:
    mine = with_rules(partial_close=False)

    def test_a_part_is_ignored_until_the_whole_is_closed(self) -> None:
        part = advance(self.mine, held(self.mine), [_reduced(2)], market())
        assert code_of(part) is Code.PARTIAL_CLOSE_OFF
        (link,) = part.links
        assert (link.held, link.target, link.master_units) == (LOT, LOT, LOT / 2)
        whole = advance(self.mine, link, [event(EventKind.CLOSED, LOT / 2, 0, id=3)], market())
        assert whole.order is not None
        assert (whole.order.leg, whole.order.units) == (Leg.CLOSE, LOT)

    def test_increases_still_add(self) -> None:
        (link,) = advance(self.mine, held(self.mine), [_reduced(2)], market()).links
        more = event(EventKind.INCREASED, LOT / 2, LOT, id=3)
        step = advance(self.mine, link, [more], market())
        assert step.order is not None
        assert (step.order.leg, step.order.units) == (Leg.OPEN, LOT / 2)


class TestOpensOnly:
    mine = with_rules(opens_only=True)

    @pytest.mark.parametrize("kind", [EventKind.REDUCED, EventKind.PROTECTION])
    def test_later_changes_are_not_followed(self, kind: EventKind) -> None:
        after = LOT / 2 if kind is EventKind.REDUCED else LOT
        change = event(kind, LOT, after, id=2, stop_loss=SL)
        step = advance(self.mine, held(self.mine), [change], market())
        assert code_of(step) is Code.OPENS_ONLY

    def test_the_customer_closes(self) -> None:
        close = event(EventKind.CLOSED, LOT, 0, id=2)
        step = advance(self.mine, held(self.mine), [close], market())
        assert code_of(step) is Code.OPENS_ONLY
        (link,) = step.links
        assert (link.state, link.held) == (LinkState.DETACHED, LOT)

    def test_a_reversal_leaves_the_old_side_and_opens_the_new(self) -> None:
        turn = event(EventKind.REVERSED, LOT, LOT, id=2, side=Side.SELL)
        step = advance(self.mine, held(self.mine), [turn], market())
        assert step.order is not None
        assert (step.order.leg, step.order.side, step.order.units) == (Leg.OPEN, Side.SELL, LOT)
        assert [link.state for link in step.links] == [LinkState.DETACHED, LinkState.OPEN]

    def test_increases_are_copied(self) -> None:
        more = event(EventKind.INCREASED, LOT, 2 * LOT, id=2)
        step = advance(self.mine, held(self.mine), [more], market())
        assert step.order is not None
        assert step.order.units == LOT


class TestSymbols:
    @pytest.mark.parametrize(
        ("rules", "copied"),
        [
            (Rules(include=frozenset({"EURUSD", "GBPUSD"})), True),
            (Rules(include=frozenset({"GBPUSD"})), False),
            (Rules(include=frozenset()), False),
            (Rules(exclude=frozenset({"EURUSD"})), False),
            (Rules(exclude=frozenset({"GBPUSD"})), True),
        ],
    )
    def test_filters(self, rules: Rules, copied: bool) -> None:
        step = advance(row(rules=rules), None, [opened(LOT, symbol="EurUsd")], market())
        assert (step.order is not None) is copied
        assert copied or code_of(step) is Code.SYMBOL_FILTERED

    def test_a_filter_holds_back_increases_but_never_a_close(self) -> None:
        link, mine = held(row()), with_rules(exclude=frozenset({"EURUSD"}))
        more = event(EventKind.INCREASED, LOT, 2 * LOT, id=2)
        step = advance(mine, link, [more], market())
        assert code_of(step) is Code.SYMBOL_FILTERED
        close = event(EventKind.CLOSED, 2 * LOT, 0, id=3)
        last = advance(mine, step.links[-1], [close], market())
        assert last.order is not None
        assert last.order.units == LOT

    def test_a_pair_names_the_symbol_or_says_none(self) -> None:
        other = EURUSD._replace(instrument_id="9", name="EURUSD.m")
        named = advance(row(), None, [opened(LOT)], market(pairs={(7, "1"): other}))
        assert named.links[-1].symbol == "EURUSD.m"
        none = advance(row(), None, [opened(LOT)], market(pairs={(7, "1"): None}))
        assert code_of(none) is Code.NOT_MAPPED
        another = advance(row(), None, [opened(LOT)], market(pairs={(8, "1"): None}))
        assert another.order is not None


class TestExisting:
    def test_it_is_opened_at_the_current_price_however_old_it_is(self) -> None:
        old = _existing(LOT, happened_at=market().now - timedelta(days=30))
        mine = with_rules(max_slippage=Decimal("0.1"))
        around = market(quotes={(1, "1"): _quote("1.2000")})
        step = advance(mine, None, [old], around)
        assert step.order is not None
        assert (step.order.units, step.order.limit_price) == (LOT, None)
        assert step.order.reference_price == Decimal("1.2000")
        assert step.order.not_after == around.now + mine.max_delay

    def test_one_that_is_linked_is_left_as_it_is(self) -> None:
        assert code_of(advance(row(), held(row()), [_existing(LOT)], market())) is (
            Code.ALREADY_LINKED
        )

    def test_one_that_was_closed_meanwhile_is_not_opened(self) -> None:
        assert code_of(advance(row(), None, [_existing(Decimal(0))], market())) is Code.NOT_LINKED

    def test_it_concerns_one_subscription_only(self) -> None:
        made = plan([_existing(LOT, only=8)], [row(), row(subscription_id=8, key="8")], market())
        assert [planned.row.subscription_id for planned in made.orders] == [8]
        assert not made.endings


def _reduced(number: int) -> MasterEvent:
    return event(EventKind.REDUCED, LOT, LOT / 2, id=number)


def _existing(units: Decimal, **changes: Any) -> MasterEvent:
    return event(EventKind.EXISTING, 0, units, **({"only": 7} | changes))


def _quote(price: str) -> Quote:
    return Quote(Decimal(price), Decimal(price))
