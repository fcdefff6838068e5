"""Pending orders below a gateway: ours rest for days, a watched account's are journaled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from apps.execution import api, selectors
from apps.execution.gateway import resolve
from apps.execution.intents import Intent
from apps.execution.journal import DealPayload, OrderPayload
from apps.execution.models import AccountEvent, Batch, Order, Position, RestingOrder
from apps.platforms.models import TradingAccount
from apps.trading.orders import Leg, OrderRequest, OrderState, OrderType, Side
from tests.integration.execution.test_session import bench, live, run, running, told, until

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
__all__ = ["bench", "told"]


def limit(b: Any, n: int = 0, units: str = "4000", **values: Any) -> Intent:
    terms = {"type": OrderType.LIMIT, "price": D("1.05"), "units": D(units)}
    intent: Intent = b.intent(n, **terms | values)
    return intent


def stranger(units: str = "4000", **values: Any) -> OrderRequest:
    """What somebody orders by hand on a watched account."""
    terms = {"type": OrderType.LIMIT, "price": D("1.05"), **values}
    return OrderRequest("", "1", Side.BUY, D(units), **terms)


def rests(cid: str) -> bool:
    order = Order.objects.filter(client_order_id=cid).first()
    return order is not None and order.rested_at is not None and order.final_at is None


def settled() -> bool:
    return not Batch.objects.filter(settled=False).exists()


def events(account_id: int) -> list[Any]:
    return [event.payload for event in selectors.unplanned_events(account_id)]


def told_states(account_id: int) -> list[str]:
    return [p.state if isinstance(p, OrderPayload) else "deal" for p in events(account_id)]


def watch(b: Any, n: int = 0) -> Any:
    account = b.accounts[n]
    TradingAccount.objects.filter(pk=account.pk).update(journaled=True)
    return account


# --- our own ---------------------------------------------------------------------------------
def test_an_order_of_ours_rests_is_filled_in_parts_and_told_each_time(
    bench: Any, told: Any
) -> None:
    b = bench()
    intent = limit(b)
    cid = intent.client_order_id

    async def work() -> None:
        async with running() as gateway:
            await until(live)
            await sync_to_async(b.submit)(intent)
            await until(lambda: rests(cid) and settled())
            (row,) = await sync_to_async(selectors.rested_orders)("copy", 77)
            assert (row.state, row.units, row.filled_units) == (OrderState.ACCEPTED, 4000, 0)
            assert row.platform_order_id == "o1"
            (keeper,) = gateway._keepers.values()
            assert keeper._tickets.by_client_id == {}
            await until(lambda: told["orders"] == [77])
            mark = sync_to_async(api.mark_rest_settled)
            await mark({row.id: D(500)}, datetime.now(UTC))  # seen before a part that came since
            assert await sync_to_async(selectors.rested_orders)("copy", 77) == [row]
            await mark({row.id: row.filled_units}, datetime.now(UTC))
            assert await sync_to_async(selectors.rested_orders)("copy", 77) == []
            b.platform.tell("a0", *b.platform.fill("a0", "o1", D(1000)))
            (row,) = await until(lambda: selectors.rested_orders("copy", 77))
            assert (row.state, row.filled_units) == (OrderState.PARTIALLY_FILLED, 1000)
            assert row.position_id == "po1"
            await until(lambda: told["orders"] == [77, 77])
            b.platform.tell("a0", *b.platform.fill("a0", "o1", D(3000)))
            (done,) = await until(lambda: selectors.unsettled_orders("copy", 77))
            assert (done.state, done.filled_units, done.average_price) == ("filled", 4000, D("1.1"))
            assert done.rested_at is not None
            assert await sync_to_async(selectors.rested_orders)("copy", 77) == []
            assert keeper._tickets.resting["a0"] == {}

    run(work())
    assert Order.objects.get().type == "limit"
    assert Position.objects.get().units == 4000


@pytest.mark.parametrize("how", ["cancel", "expire", "elsewhere"])
def test_an_order_of_ours_is_amended_and_ends_unfilled(bench: Any, how: str) -> None:
    b = bench()
    intent = limit(b)
    amend = b.intent(
        1,
        Leg.PROTECT,
        account_id=intent.account_id,
        platform_account="a0",
        platform_order_id="o1",
        units=D(3000),
        price=D("1.04"),
        take_profit=D("1.2"),
    )
    cancel = b.intent(
        2, Leg.CANCEL, account_id=intent.account_id, platform_account="a0", platform_order_id="o1"
    )

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(intent)
            await until(lambda: rests(intent.client_order_id))
            await sync_to_async(b.submit)(amend)
            await until(lambda: Order.objects.filter(units=3000, type="limit").exists())
            (order,) = b.platform.resting("a0")
            assert (order.price, order.take_profit, order.units) == (D("1.04"), D("1.2"), 3000)
            if how == "cancel":
                await sync_to_async(b.submit)(cancel)
            else:
                state = OrderState.EXPIRED if how == "expire" else OrderState.CANCELLED
                b.platform.tell_order("a0", b.platform.change("a0", "o1", state=state))
            await until(lambda: Order.objects.get(type="limit").final_at)
            await until(settled)

    run(work())
    states = dict(Order.objects.values_list("client_order_id", "state"))
    ended = "expired" if how == "expire" else "cancelled"
    assert states[intent.client_order_id] == ended
    assert states[amend.client_order_id] == "filled"
    assert how != "cancel" or states[cancel.client_order_id] == "filled"


MEANWHILE = {
    "nothing": ("accepted", "0"),
    "filled": ("filled", "4000"),
    "part": ("partially_filled", "1000"),
    "part, then cancelled": ("cancelled", "1000"),
    "cancelled": ("cancelled", "0"),
    "expired": ("expired", "0"),
    "filled and closed": ("filled", "4000"),
}


def happens(platform: Any, what: str) -> None:
    """To order o1 of account a0, with nobody listening."""
    if what.startswith("part"):
        platform.fill("a0", "o1", D(1000))
    if what.startswith("filled"):
        platform.fill("a0", "o1", D(4000))
    if what == "filled and closed":
        platform.close("a0", "po1", D(4000))
    if what.endswith("cancelled"):
        platform.change("a0", "o1", state=OrderState.CANCELLED)
    if what == "expired":
        platform.change("a0", "o1", state=OrderState.EXPIRED)


@pytest.mark.parametrize("gap", ["restart", "cut"])
@pytest.mark.parametrize("what", list(MEANWHILE))
def test_what_happens_to_an_order_of_ours_unheard_is_found(bench: Any, what: str, gap: str) -> None:
    b = bench()
    intent = limit(b)
    state, filled = MEANWHILE[what]

    def found() -> bool:
        order = Order.objects.get()
        return (order.state, order.filled_units) == (state, D(filled))

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(intent)
            await until(lambda: rests(intent.client_order_id) and settled())
            if gap == "cut":
                (connector,) = b.connectors
                connector.cut()
                await until(lambda: not live())
                happens(b.platform, what)
                connector.mend()
                await until(lambda: live() and found())
        if gap == "restart":
            happens(b.platform, what)
        async with running():
            await until(live)
            await until(found)

    run(work())
    order = Order.objects.get()
    assert found()
    assert (order.position_id, order.average_price) == (
        ("po1", D("1.1")) if D(filled) else ("", None)
    )
    assert (order.final_at is None) == (state in {"accepted", "partially_filled"})
    assert settled()
    assert len(b.platform.sent) == 1


@pytest.mark.parametrize("then", ["filled", "cancelled"])
def test_a_part_counted_before_a_restart_counts_once(bench: Any, then: str) -> None:
    b = bench()
    intent = limit(b)

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(intent)
            await until(lambda: rests(intent.client_order_id))
            b.platform.tell("a0", *b.platform.fill("a0", "o1", D(1000)))
            await until(lambda: Order.objects.get().filled_units == 1000)
        b.platform.fill("a0", "o1", D(2000))
        if then == "cancelled":  # the platform is asked then, and shows all its deals
            b.platform.change("a0", "o1", state=OrderState.CANCELLED)
        async with running():
            await until(lambda: Order.objects.get().filled_units == 3000)
            if then == "filled":
                b.platform.tell("a0", *b.platform.fill("a0", "o1", D(1000)))
            await until(lambda: Order.objects.get().state == then)

    run(work())
    assert Order.objects.get().filled_units == (4000 if then == "filled" else 3000)


@pytest.mark.parametrize("what", ["nothing", "filled", "cancelled", "lost"])
def test_a_placement_without_an_answer_is_asked_for(
    bench: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(seconds=0.2))
    b = bench()
    b.platform.silent, b.platform.deaf = True, what == "lost"
    state = "not_delivered" if what == "lost" else MEANWHILE[what][0]

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(limit(b))
            await until(lambda: b.platform.sent)
            if what != "lost":
                happens(b.platform, what)
            await until(lambda: Order.objects.filter(state=state).exists() and settled())

    run(work())
    assert len(b.platform.sent) == 1


@pytest.mark.parametrize("done", [True, False])
def test_an_amendment_without_an_answer_is_judged_by_what_stands(
    bench: Any, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(seconds=0.2))
    b = bench()
    intent = limit(b)
    amend = intent._replace(
        client_order_id="c-amend", leg=Leg.PROTECT, platform_order_id="o1", price=D("1.04")
    )

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(intent)
            await until(lambda: rests(intent.client_order_id))
            b.platform.silent, b.platform.deaf = done, not done
            await sync_to_async(b.submit)(amend)
            await until(lambda: Order.objects.filter(leg="protect").exclude(final_at=None).exists())

    run(work())
    expected = "filled" if done else "not_delivered"
    assert Order.objects.get(leg="protect").state == expected


@pytest.mark.parametrize("how", ["not answered", "refused"])
def test_a_cancellation_brings_to_light_what_nobody_told(
    bench: Any, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_GRACE", timedelta(seconds=0.2))
    b = bench()
    intent = limit(b)
    cancel = intent._replace(
        client_order_id="c-cancel", leg=Leg.CANCEL, platform_order_id="o1", type=OrderType.MARKET
    )

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(intent)
            await until(lambda: rests(intent.client_order_id))
            if how == "refused":
                b.platform.change("a0", "o1", state=OrderState.EXPIRED)
            b.platform.silent = how == "not answered"
            await sync_to_async(b.submit)(cancel)
            await until(lambda: Order.objects.exclude(final_at=None).count() == 2 and settled())

    run(work())
    states = dict(Order.objects.values_list("leg", "state"))
    ended = ("expired", "rejected") if how == "refused" else ("cancelled", "filled")
    assert (states["open"], states["cancel"]) == ended


# --- of watched accounts -----------------------------------------------------------------------
def test_orders_of_a_watched_account_are_journaled_in_order(bench: Any) -> None:
    b = bench()
    master = watch(b)

    async def work() -> None:
        async with running():
            await until(live)
            p = b.platform
            order = p.rest("a0", stranger(stop_loss=D("1.0")))
            p.tell_order("a0", order)
            p.tell_order("a0", order)  # told twice
            await until(lambda: told_states(master.pk) == ["accepted"])
            for price in ("1.06", "1.05"):  # there and back again
                p.tell_order("a0", p.change("a0", "o1", price=D(price)))
            await until(lambda: len(events(master.pk)) == 3)
            p.tell("a0", *p.fill("a0", "o1", D(1000)))
            p.tell_order("a0", p.change("a0", "o1", state=OrderState.CANCELLED))
            p.tell("a0", *p.open("a0", Side.BUY, D(1000)))
            await until(lambda: len(events(master.pk)) == 6)

    run(work())
    placed, up, down, deal, cancelled, _ = events(master.pk)
    assert placed == OrderPayload(
        *("o1", "", "1", "EURUSD", Side.BUY, OrderType.LIMIT, D(4000), D(0)),
        *(OrderState.ACCEPTED, D("1.05"), None, D("1.0"), None, None),
    )
    assert (up.price, down.price) == (D("1.06"), D("1.05"))
    assert isinstance(deal, DealPayload)
    assert (deal.platform_order_id, deal.units) == ("o1", 1000)
    assert (cancelled.state, cancelled.filled_units) == (OrderState.CANCELLED, 1000)
    keys = AccountEvent.objects.filter(kind="order").order_by("id")
    assert [e.dedupe_key for e in keys] == [f"order:o1:{n}" for n in (1, 2, 3, 4)]
    row = RestingOrder.objects.get()
    assert (row.state, row.filled_units, row.changes) == ("cancelled", 1000, 4)
    assert row.ended_at is not None


def test_a_fill_is_told_as_a_deal_alone(bench: Any) -> None:
    b = bench()
    master = watch(b)

    async def work() -> None:
        async with running():
            await until(live)
            b.platform.tell_order("a0", b.platform.rest("a0", stranger()))
            b.platform.tell("a0", *b.platform.fill("a0", "o1", D(4000)))
            await until(lambda: RestingOrder.objects.filter(state="filled").exists())

    run(work())
    assert told_states(master.pk) == ["accepted", "deal"]
    assert selectors.resting_orders([master.pk]) == {}


GAPS = {
    "nothing": [],
    "filled": ["deal"],
    "part": ["deal"],
    "part, then cancelled": ["deal", "cancelled"],
    "cancelled": ["cancelled"],
    "expired": ["expired"],
}


@pytest.mark.parametrize("gap", ["restart", "cut"])
@pytest.mark.parametrize("what", list(GAPS))
def test_what_a_watched_account_does_unheard_is_journaled(bench: Any, what: str, gap: str) -> None:
    b = bench()
    master = watch(b)
    expiry = datetime.now(UTC) if what == "expired" else None
    expected = ["accepted", "accepted", "accepted", *GAPS[what]]

    def unheard() -> None:
        b.platform.change("a0", "o2", price=D("1.04"))
        b.platform.rest("a0", stranger("2000"))
        happens(b.platform, what)

    async def work() -> None:
        async with running():
            await until(live)
            b.platform.tell_order("a0", b.platform.rest("a0", stranger(expires_at=expiry)))
            await until(lambda: len(events(master.pk)) == 1)
            b.platform.tell_order("a0", b.platform.rest("a0", stranger("1000")))
            await until(lambda: len(events(master.pk)) == 2)
            if gap == "cut":
                (connector,) = b.connectors
                connector.cut()
                await until(lambda: not live())
                unheard()
                connector.mend()
                await until(live)
        if gap == "restart":
            unheard()
        async with running():
            await until(live)
        async with running():  # and nothing of it twice
            await until(live)

    run(work())
    made = told_states(master.pk)
    assert sorted(made) == sorted([*expected, "accepted"])
    amended, new = (p for p in events(master.pk)[2:] if getattr(p, "state", "") == "accepted")
    assert {amended.units, new.units} == {1000, 2000}
    assert [s for s in made[2:] if s != "accepted"] == GAPS[what]


def test_an_order_placed_and_filled_in_part_unheard_is_told_before_its_deal(bench: Any) -> None:
    b = bench()
    master = watch(b)

    async def work() -> None:
        async with running():
            await until(live)
        b.platform.rest("a0", stranger())
        b.platform.fill("a0", "o1", D(1000))
        async with running():
            await until(live)
            await until(lambda: len(events(master.pk)) == 2)

    run(work())
    placed, deal = events(master.pk)
    assert (placed.filled_units, placed.state) == (0, OrderState.ACCEPTED)
    assert (deal.platform_order_id, deal.units) == ("o1", 1000)
    assert [r.filled_units for r in selectors.resting_orders([master.pk])[master.pk]] == [1000]


def test_orders_of_before_an_account_was_watched_are_no_news(bench: Any) -> None:
    b = bench()
    b.platform.rest("a0", stranger())
    account = b.accounts[0]

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(api.set_journaled)([account.pk], True)
            await until(lambda: selectors.resting_orders([account.pk]))
            b.platform.tell_order("a0", b.platform.change("a0", "o1", price=D("1.06")))
            await until(lambda: len(events(account.pk)) == 1)
        async with running():
            await until(live)

    run(work())
    (amended,) = events(account.pk)
    assert amended.price == D("1.06")


def test_a_copied_order_on_a_watched_account_is_told_as_ours(bench: Any) -> None:
    b = bench()
    account = watch(b)
    intent = limit(b)

    async def work() -> None:
        async with running():
            await until(live)
            await sync_to_async(b.submit)(intent)
            await until(lambda: rests(intent.client_order_id))
            await until(lambda: len(events(account.pk)) == 1)
            b.platform.tell("a0", *b.platform.fill("a0", "o1", D(1000)))
            b.platform.tell_order("a0", b.platform.change("a0", "o1", state=OrderState.CANCELLED))
            await until(lambda: len(events(account.pk)) == 3)

    run(work())
    placed, deal, cancelled = events(account.pk)
    assert placed.own and deal.own and cancelled.own
    assert (placed.client_order_id, deal.client_order_id) == (intent.client_order_id,) * 2
    assert (cancelled.state, cancelled.filled_units) == (OrderState.CANCELLED, 1000)
