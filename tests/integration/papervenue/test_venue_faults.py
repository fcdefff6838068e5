"""The fault plan does what its rules say, and only that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apps.openapi_wire import messages as m
from apps.openapi_wire.enums import ExecutionType
from apps.openapi_wire.payloads import PayloadType
from apps.papervenue.faults import Fault, FaultPlan, FaultRule
from apps.papervenue.testing import OpenedAccount, TestVenue, running_venue
from tests.integration.papervenue.test_venue_sessions import LOT, buy
from tests.integration.papervenue.trader import Trader

NEW_ORDER = "NEW_ORDER_REQ"


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[TestVenue]:
    async with running_venue() as running:
        yield running


@pytest_asyncio.fixture
async def account(venue: TestVenue) -> OpenedAccount:
    return venue.open_account()


async def ping(trader: Trader) -> None:
    """What the venue had to say before is here when this has been answered."""
    await trader.ask(m.ProtoOAVersionReq())


async def test_a_dropped_order_is_neither_carried_out_nor_answered(
    venue: TestVenue, account: OpenedAccount
) -> None:
    venue.faults.add(Fault.DROP, message=NEW_ORDER, nth=1)
    trader = await Trader.signed_in(venue, account)
    lost, kept = trader.send(buy(account)), trader.send(buy(account))
    await trader.answers(kept, 2)
    assert not [f for f in trader.heard if f.client_msg_id == lost]
    assert len(venue.books(account.account_id)["orders"]) == 1


async def test_a_muted_order_is_carried_out_and_nobody_hears(
    venue: TestVenue, account: OpenedAccount
) -> None:
    venue.faults.add(Fault.MUTE, message=NEW_ORDER, count=1)
    trader = await Trader.signed_in(venue, account)
    trader.send(buy(account, clientOrderId="quiet"))
    await ping(trader)
    kind = PayloadType.PROTO_OA_EXECUTION_EVENT
    assert not [f for f in trader.heard if f.payload_type == kind]
    [order] = venue.books(account.account_id)["orders"]
    assert (order["client_order_id"], order["status"]) == ("quiet", "filled")


async def test_duplicated_events_are_of_one_order(venue: TestVenue, account: OpenedAccount) -> None:
    venue.faults.add(Fault.DUPLICATE, message=NEW_ORDER)
    trader = await Trader.signed_in(venue, account)
    answers = await trader.trade(buy(account), 4)
    assert [a.executionType for a in answers] == [2, 2, 3, 3]
    assert len(venue.books(account.account_id)["deals"]) == 1


async def test_delays_hold_back_the_order_or_its_answer(
    venue: TestVenue, account: OpenedAccount
) -> None:
    trader = await Trader.signed_in(venue, account)
    venue.faults.set(FaultRule(Fault.DELAY, message=NEW_ORDER, delay_ms=80))
    key = trader.send(buy(account))
    await ping(trader)
    assert venue.books(account.account_id)["orders"] == []
    await trader.answers(key, 2)
    venue.faults.set(FaultRule(Fault.DELAY_ANSWER, message=NEW_ORDER, delay_ms=80))
    key = trader.send(buy(account))
    await ping(trader)
    assert len(venue.books(account.account_id)["deals"]) == 2
    assert not [f for f in trader.heard if f.client_msg_id == key]
    await trader.answers(key, 2)


async def test_reordered_events_arrive_last_first(venue: TestVenue, account: OpenedAccount) -> None:
    venue.faults.add(Fault.REORDER, message=NEW_ORDER, nth=1, delay_ms=5_000)
    trader = await Trader.signed_in(venue, account)
    first, second = trader.send(buy(account)), trader.send(buy(account))
    answers = await trader.answers(first, 2)
    assert [a.executionType for a in answers] == [3, 2]
    order = [f.client_msg_id for f in trader.heard if f.client_msg_id in (first, second)]
    assert order == [second, second, first, first]


async def test_orders_are_rejected_before_or_after_they_are_accepted(
    venue: TestVenue, account: OpenedAccount
) -> None:
    trader = await Trader.signed_in(venue, account)
    venue.faults.set(FaultRule(Fault.REJECT, message=NEW_ORDER, code="MARKET_CLOSED"))
    answer = await trader.ask(buy(account))
    assert (answer.DESCRIPTOR.name, answer.errorCode) == (
        "ProtoOAOrderErrorEvent",
        "MARKET_CLOSED",
    )
    venue.faults.set(FaultRule(Fault.REJECT_AFTER_ACCEPT, message=NEW_ORDER, code="NO_QUOTES"))
    accepted, rejected = await trader.trade(buy(account))
    assert accepted.executionType == ExecutionType.ORDER_ACCEPTED
    assert rejected.executionType == ExecutionType.ORDER_REJECTED
    assert rejected.errorCode == "NO_QUOTES"
    assert venue.books(account.account_id)["positions"] == []


async def test_partial_fills_come_in_two_deals_of_one_order(
    venue: TestVenue, account: OpenedAccount
) -> None:
    venue.faults.add(Fault.PARTIAL, message=NEW_ORDER, fraction=0.3, delay_ms=30)
    trader = await Trader.signed_in(venue, account)
    _, partial = await trader.trade(buy(account))
    assert partial.executionType == ExecutionType.ORDER_PARTIAL_FILL
    assert (partial.deal.filledVolume, partial.position.tradeData.volume) == (3_000_000,) * 2
    [rest] = await trader.events(PayloadType.PROTO_OA_EXECUTION_EVENT)
    assert rest.executionType == ExecutionType.ORDER_FILLED
    assert (rest.deal.filledVolume, rest.position.tradeData.volume) == (7_000_000, LOT)
    assert rest.order.executedVolume == LOT


async def test_a_partly_filled_order_can_end_cancelled(
    venue: TestVenue, account: OpenedAccount
) -> None:
    venue.faults.add(Fault.PARTIAL_CANCEL, message=NEW_ORDER, fraction=0.5)
    trader = await Trader.signed_in(venue, account)
    answers = await trader.trade(buy(account), 3)
    assert [a.executionType for a in answers] == [2, 11, 5]
    [position] = venue.books(account.account_id)["positions"]
    assert position["units"] == "50000.00"


async def test_slippage_worsens_the_price(venue: TestVenue, account: OpenedAccount) -> None:
    venue.faults.add(Fault.SLIP, message=NEW_ORDER, points=25)
    trader = await Trader.signed_in(venue, account)
    _, filled = await trader.trade(buy(account))
    assert filled.deal.executionPrice == 1.10035


@pytest.mark.parametrize(("fault", "orders"), [("disconnect", 0), ("disconnect_after", 1)])
async def test_disconnects_before_and_after_carrying_out(
    venue: TestVenue, account: OpenedAccount, fault: str, orders: int
) -> None:
    venue.faults.add(fault, message=NEW_ORDER)
    trader = await Trader.signed_in(venue, account)
    key = trader.send(buy(account))
    await trader.hang_up()
    assert not [f for f in trader.heard if f.client_msg_id == key]
    assert len(venue.books(account.account_id)["orders"]) == orders


async def test_what_happens_later_does_not_answer_a_lost_request(
    venue: TestVenue, account: OpenedAccount
) -> None:
    trader = await Trader.signed_in(venue, account)
    await trader.trade(buy(account, orderType=2, limitPrice=1.05), 1)
    venue.faults.add(Fault.DROP, message=NEW_ORDER)
    lost = trader.send(buy(account))
    await asyncio.sleep(0.05)
    venue.set_price("EURUSD", "1.04990", "1.05000")
    [filled] = await trader.events(PayloadType.PROTO_OA_EXECUTION_EVENT)
    assert filled.order.orderType == 2
    assert not [f for f in trader.heard if f.client_msg_id == lost]


def strikes(rule: FaultRule, count: int = 12) -> list[int]:
    plan = FaultPlan([rule])
    return [number for number in range(1, count + 1) if plan.strike(2106, 1)]


def test_rules_choose_by_count_account_and_chance() -> None:
    assert strikes(FaultRule(Fault.DROP, nth=3)) == [3]
    assert strikes(FaultRule(Fault.DROP, every=4)) == [4, 8, 12]
    assert strikes(FaultRule(Fault.DROP, count=2)) == [1, 2]
    assert strikes(FaultRule(Fault.DROP, account=2)) == []
    assert strikes(FaultRule(Fault.DROP, spare=[1], count=2)) == []
    assert strikes(FaultRule(Fault.DROP, message="CANCEL_ORDER_REQ")) == []
    by_chance = strikes(FaultRule(Fault.DROP, probability=0.5, seed=4), 200)
    assert by_chance == strikes(FaultRule(Fault.DROP, probability=0.5, seed=4), 200)
    assert 60 < len(by_chance) < 140
    with pytest.raises(ValueError, match="NEW_ORDER_REQ"):
        FaultRule(Fault.DROP, message="NONSENSE")


async def test_the_plan_is_set_over_the_admin_channel(venue: TestVenue) -> None:
    venue.ask("faults", rules=[{"action": "drop", "message": NEW_ORDER, "nth": 2}])
    [rule] = venue.faults.rules
    assert (rule.action, rule.nth) == (Fault.DROP, 2)
    with pytest.raises(RuntimeError, match="cannot have these fields"):
        venue.ask("faults", rules=[{"action": "drop", "wrong": 1}])
    venue.ask("faults", rules=[])
    assert not venue.faults
