"""Guards with real gateway processes on the real paper venue and its rate limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.benchmarks.rig import Rig
from apps.execution import api
from apps.execution.intents import SendGuards
from apps.execution.models import Gate, Order
from apps.platforms.models import Connection, Quote, Symbol
from apps.trading.orders import Leg, Side
from tests.integration.execution.test_processes import Bench

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


class LimitedBench(Bench):
    """A venue that serves three requests a second on a connection."""

    def start_venue(self) -> None:
        self.rig.venue("--prices", "manual", "--rate-limit", "3")
        self.rig.wait_until(self.rig.venue_listens, "the venue", 20)
        self.set_price("1.10000", "1.10010")

    def set_price(self, bid: str, ask: str) -> None:
        self.admin.ask_now("set_price", symbol="EURUSD", bid=bid, ask=ask)


@pytest.fixture
def begin(process_env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    with Rig(tmp_path, process_env) as rig:
        yield lambda kind, accounts: kind(rig, accounts, 1)


def ends() -> dict[str, tuple[str, str]]:
    rows = Order.objects.values_list("client_order_id", "state", "code")
    return {cid: (state, code) for cid, state, code in rows}


def test_orders_that_waited_for_the_venues_limit_end_as_things_are_then(begin: Any) -> None:
    b = begin(LimitedBench, 5)
    Connection.objects.update(requests_per_second=3, history_per_second=1)
    b.rig.gateway("one")
    b.wait(b.live, "the connection live", 60)
    b.wait(lambda: Quote.objects.filter(instrument_id="1").exists(), "a price")
    late = timezone.now() + timedelta(seconds=120)
    ahead = [i._replace(not_after=late) for i in b.intents(48, "ahead")]
    guards = SendGuards(limit_price=D("1.10100"))
    priced, paused, killed, free = (
        intent._replace(relation=f"sub:{n}", not_after=late, guards=guards)
        for n, intent in enumerate(b.intents(4, "behind"))
    )
    paused, killed = paused._replace(guards=None), killed._replace(guards=None)
    free = free._replace(guards=SendGuards(limit_price=D("1.20000")))
    b.submit(ahead)
    b.submit([priced, paused, killed, free])
    b.wait(lambda: len(ends()) > 3, "the first orders sent")
    b.set_price("1.11000", "1.11010")
    api.set_gate(
        scope=Gate.Scope.RELATION,
        key="sub:1",
        state=Gate.State.REDUCING,
        actor="test",
        now=timezone.now(),
    )
    key = str(b.accounts[2].pk)
    api.set_kill_switch(actor=None, scope="account", key=key, state="reducing", reason="x")
    b.wait(b.settled, "all orders ended", 90)

    found = ends()
    assert found[priced.client_order_id] == ("withheld", "SLIPPAGE")
    assert found[paused.client_order_id] == ("withheld", "GATED")
    assert found[killed.client_order_id] == ("withheld", "KILL_SWITCH")
    assert found[free.client_order_id] == ("filled", "")
    assert not [code for _, code in found.values() if "FREQUENCY" in code]
    waited = Order.objects.get(client_order_id=free.client_order_id)
    assert waited.sent_at is not None
    assert waited.sent_at - waited.committed_at > timedelta(seconds=12)
    assert free.client_order_id in b.labels()
    assert priced.client_order_id not in b.labels()


def test_a_close_waits_for_the_venue_to_open(begin: Any) -> None:
    b = begin(Bench, 2)
    b.rig.gateway("one")
    b.wait(b.live, "the connection live", 60)
    (opened,) = b.intents(1, "open")
    b.submit([opened])
    b.wait(b.settled, "the open filled")
    position = Order.objects.get().position_id
    today = datetime.now(UTC).date()
    closed = {"holidays": [{"date": str(today + timedelta(days=n))} for n in (-1, 0, 1)]}
    b.admin.ask_now("set_schedule", symbol="EURUSD", schedule=closed)
    b.wait(lambda: Symbol.objects.get(instrument_id="1").schedule != {}, "the hours known")
    close = opened._replace(
        client_order_id="close", leg=Leg.CLOSE, side=Side.SELL, position_id=position
    )
    late = opened._replace(client_order_id="late", guards=SendGuards())
    b.submit([close])
    b.submit([late])
    b.wait(lambda: "late" in ends(), "the open judged")
    assert ends()["late"] == ("withheld", "MARKET_CLOSED")
    assert "close" not in ends()
    b.admin.ask_now("set_schedule", symbol="EURUSD")
    b.wait(b.settled, "the close sent")
    assert ends()["close"] == ("filled", "")
    assert b.labels() == []
