"""Guards, kill switches and closed markets at a running gateway."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from apps.accounts.models import AuditEntry
from apps.execution import api, receivers
from apps.execution.intents import SendGuards
from apps.execution.models import Batch, Gate, Order
from apps.execution.waiting_closes import ClosesHold, waiting_closes
from apps.platforms.models import Symbol
from apps.platforms.ports import InstrumentsChanged, QuoteUpdate
from apps.trading.orders import Leg, Side
from apps.trading.schedule import ALWAYS, Holiday, make_schedule
from tests.integration.execution.test_session import (
    Bench,
    bench,
    live,
    run,
    running,
    told,
    until,
)

__all__ = ["bench", "told"]
pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


def ends() -> dict[str, tuple[str, str]]:
    rows = Order.objects.values_list("client_order_id", "state", "code")
    return {cid: (state, code) for cid, state, code in rows}


def settled() -> bool:
    return not Batch.objects.filter(settled=False).exists()


def closed_now() -> Any:
    today = datetime.now(UTC).date()
    return make_schedule([], [Holiday(today + timedelta(days=n)) for n in (-1, 0, 1)])


async def price(b: Bench, bid: str, ask: str) -> None:
    b.platform.push([QuoteUpdate("1", D(bid), D(ask), datetime.now(UTC))])
    await asyncio.sleep(0.1)


def test_each_guard_has_its_code_and_its_numbers(bench: Any) -> None:
    b = bench()  # 10,000 USD on each account, EURUSD at 1.1, leverage 100
    free = b.intent(0, guards=SendGuards(D("1.1"), D(9_999), D(150)))
    dear = b.intent(1, guards=SendGuards(limit_price=D("1.0999")))
    cheap = b.intent(2, side=Side.SELL, guards=SendGuards(limit_price=D("1.1001")))
    poor = b.intent(3, guards=SendGuards(min_equity=D(10_001)))
    # 1,000,000 EUR need 11,000 USD of margin
    large = b.intent(4, units=D(1_000_000), guards=SendGuards(min_margin_level=D(91)))

    async def work() -> None:
        async with running():
            await until(live)
            await price(b, "1.1", "1.1")
            await sync_to_async(b.submit)(free, dear, cheap, poor, large)
            await until(settled)

    run(work())
    assert ends() == {
        free.client_order_id: ("filled", ""),
        dear.client_order_id: ("withheld", "SLIPPAGE"),
        cheap.client_order_id: ("withheld", "SLIPPAGE"),
        poor.client_order_id: ("withheld", "MIN_EQUITY"),
        large.client_order_id: ("withheld", "MARGIN"),
    }
    said = Order.objects.get(client_order_id=poor.client_order_id).message
    assert said == "equity is 10000.00 USD, below the minimum of 10001"
    assert len(b.platform.sent) == 1


def test_margin_is_reserved_over_several_masters_of_one_account(bench: Any) -> None:
    b = bench(accounts=1)
    guards = SendGuards(min_margin_level=D(150))
    # 200,000 EUR need 2,200 USD each; 10,000 USD carry three of them at 150 %
    intents = [
        b.intent(n, units=D(200_000), wake_key=n, relation=f"sub:{n}", guards=guards)
        for n in range(6)
    ]

    async def work() -> None:
        async with running():
            await until(live)
            await price(b, "1.1", "1.1")
            await asyncio.gather(*(sync_to_async(b.submit)(one) for one in intents))
            await until(settled)

    run(work())
    codes = sorted(code for _, code in ends().values())
    assert codes == ["", "", "", "MARGIN", "MARGIN", "MARGIN"]
    assert len(b.platform.sent) == 3


def test_kill_switches_and_pauses_have_codes_of_their_own(bench: Any) -> None:
    b = bench()
    now = timezone.now()
    api.set_kill_switch(
        actor=None, scope="account", key=str(b.accounts[0].pk), state="reducing", reason="audit"
    )
    api.set_gate(
        scope=Gate.Scope.RELATION, key="sub:1", state=Gate.State.REDUCING, actor="x", now=now
    )
    killed, paused, free = (b.intent(n) for n in range(3))
    close = b.intent(0, Leg.CLOSE, position_id="gone")
    b.submit(killed, paused, free, close)

    async def work() -> None:
        async with running():
            await until(settled)

    run(work())
    assert ends() == {
        killed.client_order_id: ("withheld", "KILL_SWITCH"),
        paused.client_order_id: ("withheld", "GATED"),
        free.client_order_id: ("filled", ""),
        close.client_order_id: ("rejected", "POSITION_NOT_FOUND"),
    }
    said = Order.objects.get(client_order_id=killed.client_order_id).message
    assert said == "the kill switch on the account is reducing: audit"


def test_halted_closes_leave_one_by_one_as_staff_confirm_them(bench: Any) -> None:
    b = bench()
    positions = [b.platform.open(f"a{n}", Side.BUY, D(1000))[1] for n in range(3)]
    closes = [b.intent(n, Leg.CLOSE, position_id=p.position_id) for n, p in enumerate(positions)]
    api.set_kill_switch(actor=None, scope="global", state="halted", reason="prices look wrong")
    b.submit(*closes)
    ids = [close.client_order_id for close in closes]

    def held() -> dict[str, tuple[ClosesHold, bool]]:
        found = waiting_closes(timezone.now())
        return {c.client_order_id: (c.hold, c.confirmed) for c in found}

    async def work() -> None:
        async with running():
            await until(live)
            assert await sync_to_async(held)() == dict.fromkeys(
                ids, (ClosesHold.KILL_SWITCH, False)
            )
            await asyncio.sleep(1.5)
            assert b.platform.sent == []
            confirmed = await sync_to_async(api.confirm_held_closes)(
                actor=None, client_order_ids=[ids[1], "unknown"], reason="checked by phone"
            )
            assert confirmed == [ids[1]]
            await until(lambda: ends() == {ids[1]: ("filled", "")})
            assert set(await sync_to_async(held)()) == {ids[0], ids[2]}
            await sync_to_async(api.set_kill_switch)(
                actor=None, scope="global", state="active", reason="prices are right again"
            )
            await until(settled)

    run(work())
    assert set(ends().values()) == {("filled", "")}
    actions = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "reason"))
    assert actions == [
        ("kill_switch.halted", "system", "prices look wrong"),
        ("kill_switch.confirm_closes", "system", "checked by phone"),
        ("kill_switch.active", "system", "prices are right again"),
    ]


def test_held_closes_take_nothing_of_the_rate_limit_from_others(bench: Any) -> None:
    b = bench(accounts=2, rate=5)
    key = str(b.accounts[0].pk)
    api.set_kill_switch(actor=None, scope="account", key=key, state="halted", reason="stop")
    held = [b.intent(0, Leg.CLOSE, client_order_id=f"h{n}", position_id="p") for n in range(50)]
    late = timezone.now() + timedelta(seconds=4)
    opens = [b.intent(1, client_order_id=f"o{n}", not_after=late) for n in range(5)]

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(*held)
            await asyncio.sleep(0.5)
            await sync_to_async(b.submit)(*opens)
            await until(lambda: len(ends()) == 5)

    run(work())
    assert set(ends().values()) == {("filled", "")}


def test_what_is_halted_waits_if_it_takes_a_risk_away(bench: Any) -> None:
    b = bench()
    key = str(b.accounts[0].pk)
    api.set_kill_switch(actor=None, scope="account", key=key, state="halted", reason="stop")
    cancel = b.intent(0, Leg.CANCEL, platform_order_id="o1")
    protect = b.intent(0, Leg.PROTECT, position_id="p1")
    b.submit(cancel, protect)

    async def work() -> None:
        async with running():
            await until(lambda: ends() == {protect.client_order_id: ("withheld", "KILL_SWITCH")})
            await asyncio.sleep(1.2)
            assert len(await sync_to_async(ends)()) == 1
            await sync_to_async(api.set_kill_switch)(
                actor=None, scope="account", key=key, state="active", reason="go on"
            )
            await until(lambda: cancel.client_order_id in ends())

    run(work())
    assert [r.client_order_id for r in b.platform.sent] == [cancel.client_order_id]


def test_a_close_waits_for_its_market_and_an_open_does_not(bench: Any) -> None:
    b = bench()
    _, position = b.platform.open("a0", Side.BUY, D(1000))
    b.platform.schedule = closed_now()
    close = b.intent(0, Leg.CLOSE, position_id=position.position_id)
    other = b.intent(1, Leg.CLOSE, position_id="gone", instrument_id="2")
    opens = b.intent(2, guards=SendGuards())

    async def work() -> None:
        async with running():
            await until(live)
            assert (await until(lambda: Symbol.objects.first())).schedule != {}
            await sync_to_async(b.submit)(close, other, opens)
            await until(lambda: len(ends()) == 2)
            (waiting,) = await sync_to_async(waiting_closes)(timezone.now())
            assert (waiting.client_order_id, waiting.hold) == (
                close.client_order_id,
                ClosesHold.MARKET,
            )
            assert "EURUSD is closed until" in waiting.why
            b.platform.schedule = ALWAYS
            b.platform.push([InstrumentsChanged(("1",), timezone.now())])
            await until(settled)

    run(work())
    assert ends() == {
        close.client_order_id: ("filled", ""),
        other.client_order_id: ("rejected", "POSITION_NOT_FOUND"),
        opens.client_order_id: ("withheld", "MARKET_CLOSED"),
    }


def test_a_close_refused_by_a_closed_market_is_sent_again_under_its_id(bench: Any) -> None:
    b = bench()
    _, position = b.platform.open("a0", Side.BUY, D(1000))
    b.platform.refusal = "MARKET_CLOSED"
    close = b.intent(0, Leg.CLOSE, position_id=position.position_id)
    opens = b.intent(1)
    account = str(b.accounts[0].pk)

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(close, opens)
            await until(
                lambda: (
                    ends()
                    == {
                        close.client_order_id: ("sent", "MARKET_CLOSED"),
                        opens.client_order_id: ("rejected", "MARKET_CLOSED"),
                    }
                )
            )
            await until(lambda: len(b.platform.sent) == 3)
            # What halts closes halts those that are sent again, too.
            switch = sync_to_async(api.set_kill_switch)
            await switch(actor=None, scope="account", key=account, state="halted", reason="x")
            b.platform.refusal = ""
            await asyncio.sleep(3)
            assert len(b.platform.sent) == 3
            await switch(actor=None, scope="account", key=account, state="active", reason="x")
            await until(settled)

    run(work())
    assert ends()[close.client_order_id] == ("filled", "")
    assert [r.client_order_id for r in b.platform.sent].count(close.client_order_id) == 3


def test_receivers_hear_of_time_from_the_gateway_itself(bench: Any) -> None:
    b, ticks = bench(), []
    receivers.register("clock", on_tick=lambda: ticks.append(timezone.now()))
    receivers.register("broken", on_tick=lambda: 1 / 0)

    async def work() -> None:
        async with running():
            await until(lambda: len(ticks) >= 2)

    try:
        run(work())
    finally:
        for name in ("clock", "broken"):
            del receivers._receivers[name]
    assert b.platform.sent == []
    assert ticks[1] - ticks[0] > timedelta(seconds=1.5)


def test_what_waited_for_a_rate_limit_is_judged_as_things_are_then(bench: Any) -> None:
    """Orders wait 20 s for their turn while price, pause and kill switch change."""
    b = bench(accounts=4, rate=1)
    now = timezone.now()
    late = now + timedelta(seconds=90)
    ahead = [b.intent(3, client_order_id=f"ahead{n}", not_after=late) for n in range(20)]
    guards = SendGuards(limit_price=D("1.1010"))
    priced = b.intent(0, client_order_id="priced", guards=guards, not_after=late)
    paused = b.intent(1, client_order_id="paused", guards=guards, not_after=late)
    killed = b.intent(2, client_order_id="killed", not_after=late)
    free = b.intent(3, client_order_id="free", guards=SendGuards(D("1.2")), not_after=late)

    async def work() -> None:
        async with running():
            await until(live)
            await price(b, "1.1", "1.1")
            await sync_to_async(b.submit)(*ahead)
            await sync_to_async(b.submit)(priced, paused, killed, free)
            await until(lambda: len(b.platform.sent) >= 2)
            await price(b, "1.1019", "1.1020")
            await sync_to_async(api.set_gate)(
                scope=Gate.Scope.RELATION,
                key="sub:1",
                state=Gate.State.REDUCING,
                actor="x",
                now=timezone.now(),
            )
            await sync_to_async(api.set_kill_switch)(
                actor=None,
                scope="account",
                key=str(b.accounts[2].pk),
                state="halted",
                reason="stop",
            )
            await until(settled, seconds=40)

    run(work())
    found = ends()
    assert {cid: found[cid] for cid in ("priced", "paused", "killed", "free")} == {
        "priced": ("withheld", "SLIPPAGE"),
        "paused": ("withheld", "GATED"),
        "killed": ("withheld", "KILL_SWITCH"),
        "free": ("filled", ""),
    }
    waited = Order.objects.get(client_order_id="free")
    assert waited.sent_at is not None
    assert waited.sent_at - waited.committed_at > timedelta(seconds=18)
