"""Submitting, withdrawing and gating on a real database and Redis."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.db import connection, transaction

from apps.common.database import Query
from apps.execution import api, journal, selectors, streams
from apps.execution.intents import Intent, client_order_id, load
from apps.execution.models import AccountEvent, Batch, Gate, Order, Withdrawal
from apps.trading.deals import DealEffect
from apps.trading.orders import Leg, Side

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def intent(n: int, leg: Leg = Leg.OPEN, account: int = 1) -> Intent:
    return Intent(
        client_order_id=client_order_id("t", n),
        account_id=account,
        platform_account=f"p{account}",
        leg=leg,
        source="copy",
        relation=f"sub:{n}",
        wake_key=7,
        instrument_id="1",
        side=Side.BUY,
        units=Decimal("1000"),
        position_id="9" if leg is Leg.CLOSE else "",
    )


@pytest.mark.django_db(transaction=True)
def test_submit_groups_by_connection_and_leg_and_slices(live_redis_url: str) -> None:
    intents = [intent(n, account=1 + n % 2) for n in range(600)] + [intent(999, Leg.CLOSE)]
    with transaction.atomic():
        batches = api.submit(intents, connection_ids={1: 10, 2: 20}, now=NOW)
        client = redis.Redis.from_url(live_redis_url)
        assert client.xlen(streams.stream_name(10)) == 0, "nothing travels before the commit"
    sizes = [(b.connection_id, b.leg, len(b.client_order_ids)) for b in batches]
    assert sizes == [
        (10, Leg.CLOSE, 1),
        (10, Leg.OPEN, 250),
        (10, Leg.OPEN, 50),
        (20, Leg.OPEN, 250),
        (20, Leg.OPEN, 50),
    ]
    for batch in batches:
        row = Batch.objects.get(pk=batch.batch_id)
        assert (row.connection_id, row.leg) == (batch.connection_id, batch.leg)
        assert tuple(i.client_order_id for i in load(row.items)) == batch.client_order_ids
    sent = [fields for _, fields in client.xrange(streams.stream_name(10))]
    assert [int(f[b"b"]) for f in sent] == [b.batch_id for b in batches[:3]]
    assert load(sent[0][b"i"]) == [intent(999, Leg.CLOSE)]


@pytest.mark.django_db(transaction=True)
def test_submit_survives_a_redis_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = redis.Redis(port=1, socket_connect_timeout=0.2, retry=None)
    monkeypatch.setattr(streams, "_client", lambda: dead)
    api.submit([intent(1)], connection_ids={1: 10}, now=NOW)
    assert Batch.objects.count() == 1


@pytest.mark.django_db
def test_only_what_is_not_claimed_can_be_withdrawn() -> None:
    intents = [intent(n) for n in range(4)]
    (batch,) = api.submit(intents, connection_ids={1: 10}, now=NOW)
    Batch.objects.filter(pk=batch.batch_id).update(claimed=2)
    ids = [i.client_order_id for i in intents]
    assert api.withdraw([*ids, "cunknown"], reason="paused", now=NOW) == set(ids[2:])
    assert set(Withdrawal.objects.values_list("client_order_id", flat=True)) == set(ids[2:])
    assert api.withdraw(ids, reason="paused", now=NOW) == set(ids[2:])


@pytest.mark.django_db
def test_gates_are_idempotent() -> None:
    arguments = {"scope": Gate.Scope.RELATION, "key": "sub:5"}
    reducing = {"state": Gate.State.REDUCING, "actor": "someone", "now": NOW}
    assert api.set_gate(**arguments, **reducing)
    assert not api.set_gate(**arguments, **reducing)
    assert api.set_gate(**arguments, **reducing | {"state": Gate.State.HALTED})
    assert [g.state for g in selectors.gates()] == [Gate.State.HALTED]
    assert api.clear_gate(**arguments)
    assert not api.clear_gate(**arguments)


@pytest.mark.django_db
def test_events_wait_until_planned_and_orders_until_settled() -> None:
    payload = journal.DealPayload(
        deal_id="d1",
        platform_order_id="o1",
        client_order_id="",
        position_id="p1",
        instrument_id="1",
        symbol="EURUSD",
        side=Side.BUY,
        units=Decimal("1000.00"),
        price=Decimal("1.09215"),
        effect=DealEffect.OPEN,
        position_units=Decimal(1000),
        position_side=Side.BUY,
        position_price=Decimal("1.09215"),
        stop_loss=None,
        take_profit=Decimal("1.1"),
    )
    assert journal.load(journal.dump(payload)) == payload
    import json

    event = AccountEvent.objects.create(
        account_id=1,
        connection_id=10,
        kind="deal",
        dedupe_key="deal:d1",
        position_id="p1",
        payload=json.loads(journal.dump(payload)),
        trace_id="t",
        ts_event=NOW,
        received_at=NOW,
    )
    (waiting,) = selectors.unplanned_events(1)
    assert waiting.payload == payload
    assert selectors.events_by_id([event.pk]) == {event.pk: waiting}
    api.mark_planned([event.pk], NOW)
    assert selectors.unplanned_events(1) == []

    common = {"account_id": 1, "connection_id": 10, "source": "copy", "wake_key": 7}
    common |= {"leg": "open", "side": "buy", "units": 1000, "committed_at": NOW}
    Order.objects.create(client_order_id="c1", state="sent", **common)
    done = Order.objects.create(client_order_id="c2", state="rejected", code="NO", **common)
    (result,) = selectors.unsettled_orders("copy", 7)
    assert (result.client_order_id, result.code, result.profit) == ("c2", "NO", 0)
    assert set(selectors.orders_by_client_id(["c1", "c2"])) == {"c1", "c2"}
    api.mark_settled([done.pk], NOW)
    assert selectors.unsettled_orders("copy", 7) == []


def submit_behind(fence: api.Fence, *intents: Intent) -> list[api.SubmittedBatch]:
    """Submit as planning does: written out before, with notes, passing a fence."""
    written = api.write_out(intents, {1: 10}, lambda chunk: f"{len(chunk)} of them")
    return api.submit_written(written, now=NOW, fence=fence)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("together", [False, True])
def test_what_may_be_planned_anew_does_not_wait_for_the_disk(
    monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    """Unless it is committed with what must: the setting holds for a whole transaction."""
    asked: list[str] = []
    ask = Query.ask

    def heard(query: Query[Any]) -> Any:
        asked.append(query.statement)
        return ask(query)

    fence = api.read_fence("copy", 7)
    monkeypatch.setattr(Query, "ask", heard)
    with transaction.atomic() if together else nullcontext():
        submit_behind(fence, intent(1))
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)
    api.submit([intent(2)], connection_ids={1: 10}, now=NOW)
    hurried = ["synchronous_commit" in statement for statement in asked]
    assert hurried == [not together, False]
    assert Batch.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_work_on_a_key_only_one_can_submit() -> None:
    mine, other = api.read_fence("copy", 7), api.read_fence("copy", 7)
    submit_behind(mine, intent(1))
    with pytest.raises(api.Overtaken):
        submit_behind(other, intent(2))
    assert Batch.objects.count() == 1
    submit_behind(mine, intent(3), intent(4, Leg.CLOSE))
    with pytest.raises(api.Overtaken), transaction.atomic():
        api.pass_fence(other)
    api.pass_fence(mine)
    assert api.read_fence("copy", 7) == mine
    assert api.read_fence("copy", 8).value == 0


@pytest.mark.django_db
def test_notes_are_found_until_they_are_taken_over() -> None:
    fence = api.read_fence("copy", 7)
    batches = submit_behind(fence, *(intent(n) for n in range(300)))
    pending = selectors.pending_batches("copy", 7)
    assert [(p.id, p.notes) for p in pending] == [
        (batches[0].batch_id, "250 of them"),
        (batches[1].batch_id, "50 of them"),
    ]
    assert len(load(pending[1].items)) == 50
    assert selectors.pending_batches("copy", 8) == []
    api.take_over([batches[0].batch_id])
    assert [p.id for p in selectors.pending_batches("copy", 7)] == [batches[1].batch_id]
