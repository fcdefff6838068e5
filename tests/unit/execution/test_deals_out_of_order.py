"""Deals of one position that a platform tells in another order than it made them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.platforms.ports import DealDone
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import Side
from apps.trading.positions import Position
from tests.unit.execution.test_reading_accounts import Desk, own_open, run

D = Decimal
Told = tuple[Deal, Position | None]


def grown(desk: Desk) -> list[Told]:
    """Two fills of one moment on one shared position, the second with a longer id."""
    deal, position = desk.platform.open("a0", Side.BUY, D(95_000), "c1")
    first = replace(deal, deal_id="9")
    second = replace(
        deal, deal_id="10", platform_order_id="o2", client_order_id="c2", units=D(89_000)
    )
    return [(first, position), (second, replace(position, units=D(184_000)))]


def ended(desk: Desk) -> list[Told]:
    """Two closes: what the first leaves, the second takes."""
    deal, position = desk.platform.open("a0", Side.BUY, D(95_000))
    close = replace(deal, effect=DealEffect.CLOSE, side=Side.SELL, units=D(50_000))
    first = replace(close, deal_id="d8", balance=D(1008))
    second = replace(close, deal_id="d9", units=D(45_000), balance=D(1009))
    desk.account.positions = {position.position_id: position}
    return [(first, replace(position, units=D(45_000))), (second, None)]


def own(desk: Desk) -> None:
    own_open(desk, "c1")
    own_open(desk, "c2")


async def tell(desk: Desk, told: list[Told], together: bool) -> None:
    events = [DealDone("a0", deal, left, datetime.now(UTC)) for deal, left in told]
    for group in [events] if together else [[event] for event in events]:
        await desk.events.take(group)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("ours", [True, False])
def test_a_position_keeps_what_its_latest_deal_left(ours: bool, together: bool, late: bool) -> None:
    """Else one of two copies on it would seem to have been taken away by somebody."""

    async def work() -> None:
        desk = Desk()
        await desk.read()
        if ours:
            own(desk)
        told = grown(desk)
        await tell(desk, told[::-1] if late else told, together)
        (position,) = desk.account.positions.values()
        assert position.units == D(184_000)
        assert desk.written.units == {position.position_id: D(184_000)}
        assert {deal_id for deal_id, _ in desk.written.deal_ids} == {"9", "10"}

    run(work())


@pytest.mark.parametrize("late", [True, False])
def test_fills_while_the_account_is_read_store_what_the_latest_left(late: bool) -> None:
    async def work() -> None:
        desk = Desk()
        own(desk)
        told = grown(desk)
        await tell(desk, told[::-1] if late else told, together=False)
        assert set(desk.written.units.values()) == {D(184_000)}
        await desk.events.replay(desk.account)
        assert [p.units for p in desk.account.positions.values()] == [D(184_000)]

    run(work())


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_a_closed_position_does_not_come_back(together: bool, late: bool) -> None:
    async def work() -> None:
        desk = Desk()
        await desk.read()
        told = ended(desk)
        await tell(desk, told[::-1] if late else told, together)
        assert desk.account.positions == {}
        (closed_at,) = desk.written.positions.values()
        assert closed_at is not None
        assert desk.account.balance == D(1009)

    run(work())


@pytest.mark.parametrize("synced", [True, False])
def test_an_open_and_its_close_told_together_leave_a_closed_position(synced: bool) -> None:
    async def work() -> None:
        desk = Desk()
        if synced:
            await desk.read()
        own(desk)
        deal, position = desk.platform.open("a0", Side.BUY, D(1000), "c1")
        close, left = desk.platform.close("a0", position.position_id, D(1000))
        await tell(desk, [(deal, position), (close, left)], together=True)
        await desk.events.replay(desk.account)
        assert desk.account.positions == {}
        assert desk.written.positions[position.position_id] is not None

    run(work())


def test_a_deal_that_history_tells_again_brings_no_old_volume_back() -> None:
    """It was told before the session broke, and its order stored; of a later one only history
    tells. What is stored is what the later one left, at every moment."""
    stored: list[Decimal] = []

    async def work() -> None:
        desk = Desk()
        write = desk.written.position

        def note(account_id: int, position: Position, *times: Any) -> None:
            stored.append(position.units)
            write(account_id, position, *times)

        desk.written.position = note  # type: ignore[method-assign]
        own(desk)
        (first, position), (second, after) = grown(desk)
        await tell(desk, [(first, position)], together=False)  # parked
        desk.tickets.stored([desk.tickets.by_client_id["c1"]])
        desk.events.interrupt()
        assert after is not None
        desk.platform.deals["a0"] = [first, second]
        desk.platform.positions["a0"] = {after.position_id: after}
        await desk.read()
        assert desk.tickets.by_client_id["c2"].final

    run(work())
    assert stored[0] == D(95_000)
    assert set(stored[1:]) == {D(184_000)}


def test_fills_that_wait_for_a_reading_are_stored_as_the_last_left_the_position() -> None:
    """The first of them must not be stored alone once more, when it is taken up."""
    stored: list[Decimal] = []

    async def work() -> None:
        desk = Desk()
        own(desk)
        told = grown(desk)
        await tell(desk, told, together=False)  # parked
        write = desk.written.position

        def note(account_id: int, position: Position, *times: Any) -> None:
            stored.append(position.units)
            write(account_id, position, *times)

        desk.written.position = note  # type: ignore[method-assign]
        await desk.events.replay(desk.account)
        assert [p.units for p in desk.account.positions.values()] == [D(184_000)]

    run(work())
    assert set(stored) == {D(184_000)}
