"""What is recorded yields the same outcomes again; with other settings it says what if."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.copytrading import api
from apps.copytrading.domain.codes import Code
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.models import CopySubscription, Outcome, TradeLink
from apps.copytrading.services.foreign import masters_concerned
from apps.copytrading.services.replay import (
    Replayed,
    replay_subscription,
    settings_from,
)
from apps.copytrading.services.versions import record_version
from apps.copytrading.services.work import look_after
from apps.execution.intents import Intent
from apps.execution.models import Position
from apps.platforms.models import AccountState
from apps.trading.orders import OrderState
from tests.factories.copytrading import CopyWorld
from tests.integration.copytrading.test_sealing import unguarded

pytestmark = pytest.mark.django_db(transaction=True)
Mode = CopySubscription.VolumeMode


@pytest.fixture
def world() -> CopyWorld:
    return CopyWorld()


def follow(world: CopyWorld, **settings: Any) -> CopySubscription:
    copy = world.follow(**settings)
    record_version(copy, timezone.now())
    return copy


def identical(copy: CopySubscription) -> Replayed:
    found = replay_subscription(copy.pk)
    assert [
        (
            x.event.id,
            x.event.kind.value,
            x.event.position_key,
            x.recorded[1:5],
            x.replayed and x.replayed[1:5],
        )
        for x in found.differing
    ] == []
    assert len(found.lines) == Outcome.objects.filter(subscription_id=copy.pk).count()
    return found


def told(found: Replayed) -> list[tuple[str, str, int]]:
    return [
        (line.recorded.code.value, line.replayed.code.value, int(line.replayed.units))
        for line in found.lines
        if line.replayed is not None
    ]


def test_opens_increases_reductions_and_closes(world: CopyWorld) -> None:
    copies = [
        follow(world, equity=2_431, volume_mode=Mode.EQUITY_RATIO),
        follow(world, risk_multiplier=Decimal("0.1")),
        follow(world, volume_mode=Mode.FIXED, fixed_volume=Decimal("0.3")),
        follow(world, max_volume=Decimal("0.5")),
        follow(world, min_volume=Decimal("2"), below_minimum="round_up"),
        follow(world, reverse_direction=True, copy_partial_close=False),
        follow(world, symbols_mode="exclude", symbols="EURUSD"),
        follow(world, copy_sl=False, copy_tp=False),
        follow(world, max_positions=1),
        follow(world, copy_mode="open_only"),
    ]
    for number in range(3):
        world.trade(f"m{number}", 100_000, stops=(Decimal("1.05"), None))
        world.run()
        world.trade(f"m{number}", 3_000)
        world.protect(f"m{number}", Decimal("1.06"), Decimal("1.2"))
        world.run()
        world.trade(f"m{number}", -50_000)
        world.run()
    world.trade("m0", -53_000)
    world.run()
    for copy in copies:
        assert len(identical(copy).lines) == 13


def test_what_waited_and_what_was_overtaken(world: CopyWorld) -> None:
    copy = follow(world)
    world.trade("m1", 100_000)
    world.work()
    world.trade("m1", 50_000)
    world.trade("m1", -75_000)
    world.protect("m1", Decimal("1.05"))
    world.work()
    world.run()
    world.trade("m2", 10_000)
    world.trade("m2", 20_000)
    world.trade("m2", -30_000)
    world.run()
    codes = [line.recorded.code for line in identical(copy).lines]
    assert Code.SUPERSEDED in codes and Code.COPIED in codes


def test_refusals_partial_fills_and_lost_orders(world: CopyWorld) -> None:
    copy = follow(world)
    answers = iter(
        [
            {"state": OrderState.REJECTED, "code": "NOT_ENOUGH_MONEY", "message": "margin"},
            {"state": OrderState.CANCELLED, "filled_units": Decimal(40_000)},
            {"state": OrderState.NOT_DELIVERED},
            {},
        ]
    )

    def change(intent: Intent) -> dict[str, Any]:
        return next(answers, {})

    for number in range(4):
        world.trade(f"m{number}", 100_000)
        world.run(change)
    for number in range(4):
        world.trade(f"m{number}", -50_000)
        world.trade(f"m{number}", -50_000)
    world.run()
    states = {line.recorded.state.value for line in identical(copy).lines}
    assert {"copied", "partial", "rejected", "failed", "skipped", "superseded"} <= states


def test_a_reversal_with_both_halves(world: CopyWorld) -> None:
    copy = follow(world)
    world.trade("EURUSD", 100_000)
    world.run()
    world.reverse("EURUSD", 40_000)
    world.run()
    world.trade("EURUSD", -40_000)
    world.run()
    assert len(identical(copy).lines) == 3


def test_pauses_and_changed_settings(world: CopyWorld) -> None:
    copy = follow(world, risk_multiplier=Decimal(1))
    world.trade("m1", 100_000)
    world.run()
    api.pause(actor=None, subscription=copy)
    world.trade("m2", 100_000)
    world.trade("m1", 100_000)
    world.run()
    api.resume(actor=None, subscription=copy)
    api.update_subscription(actor=None, subscription=copy, risk_multiplier=Decimal("0.5"))
    world.trade("m3", 100_000)
    world.trade("m1", -100_000)
    world.run()
    api.update_subscription(actor=None, subscription=copy, max_delay_s=1)
    world.trade("m4", 100_000, ago=timedelta(seconds=5))
    world.run()
    codes = [line.recorded.code for line in identical(copy).lines]
    assert codes.count(Code.PAUSED) == 2 and codes[-1] is Code.TOO_LATE

    never_paused = replay_subscription(copy.pk, settings=settings_from(["status=active"]))
    assert [t[1:] for t in told(never_paused)][1:3] == [("COPIED", 100_000), ("COPIED", 100_000)]
    assert all(line.replayed.assumed for line in never_paused.lines[1:3] if line.replayed)


def test_positions_that_somebody_else_closed(world: CopyWorld) -> None:
    copy = follow(world)
    world.trade("m1", 100_000)
    world.trade("m2", 100_000)
    world.run()
    world.close_by_hand(copy, 0, Decimal(60_000))
    world.close_by_hand(copy, 1, Decimal(100_000))
    for account_id in masters_concerned():
        look_after(account_id)
    world.trade("m1", -50_000)
    world.trade("m2", -50_000)
    world.trade("m2", 50_000)
    world.run()
    codes = [line.recorded.code for line in identical(copy).lines]
    assert codes.count(Code.POSITION_GONE) == 2


def test_a_stop_that_closes(world: CopyWorld) -> None:
    copy = follow(world)
    world.trade("m1", 100_000)
    world.run()
    api.stop(actor=None, subscription=copy, close_positions=True)
    world.run()
    world.trade("m1", -100_000)
    world.trade("m2", 100_000)
    world.run()
    assert [line.recorded.code for line in identical(copy).lines][1:] == [
        Code.NOT_LINKED,
        Code.STOPPED,
    ]


def test_margin_and_equity_guards(world: CopyWorld) -> None:
    copy = follow(world, min_margin_level=Decimal(300), min_equity=Decimal(900))
    world.trade("m1", 100_000)
    world.run()
    account_id = copy.follower.account_id
    AccountState.objects.filter(account_id=account_id).update(equity=Decimal(800))
    world.trade("m2", 100_000)
    world.run()
    AccountState.objects.filter(account_id=account_id).update(
        equity=Decimal(950), margin_used=Decimal(900)
    )
    world.trade("m3", 100_000)
    world.run()
    assert len(identical(copy).lines) == 3
    lower = replay_subscription(copy.pk, settings=settings_from(["min_equity=0"]))
    assert told(lower)[1][0] == "MIN_EQUITY" and told(lower)[1][1] != "MIN_EQUITY"


def test_what_if_another_size(world: CopyWorld) -> None:
    copy = follow(world, equity=5_000, volume_mode=Mode.EQUITY_RATIO)
    world.trade("m1", 1_000)
    world.trade("m2", 100_000)
    world.run()
    world.trade("m2", -50_000)
    world.run()
    identical(copy)
    double = replay_subscription(copy.pk, settings=settings_from(["risk_multiplier=2"]))
    assert told(double) == [
        ("BELOW_MINIMUM", "COPIED", 1_000),
        ("COPIED", "COPIED", 100_000),
        ("COPIED", "COPIED", 50_000),
    ]
    assert [line.replayed.assumed for line in double.lines if line.replayed] == [
        True,
        False,
        False,
    ]
    other = replay_subscription(
        copy.pk, settings=settings_from(["volume_mode=fixed", "fixed_volume=0.07"])
    )
    assert [t[2] for t in told(other)] == [7_000, 7_000, 4_000]


def test_a_part_of_the_tape(world: CopyWorld) -> None:
    copy = follow(world)
    ids = []
    for number in range(4):
        ids.append(world.trade(f"m{number}", 100_000))
        world.run()
    found = replay_subscription(copy.pk, first=ids[1], last=ids[2])
    assert [line.event.id for line in found.lines] == ids[1:3] and not found.differing


def test_a_tampered_outcome_differs(world: CopyWorld) -> None:
    copy = follow(world)
    world.trade("m1", 100_000)
    world.run()
    with unguarded():
        Outcome.objects.update(units=Decimal(90_000))
    (line,) = replay_subscription(copy.pk).differing
    assert (line.recorded.units, line.replayed and line.replayed.units) == (90_000, 100_000)


@pytest.mark.parametrize(
    "pair", ["nonsense=1", "risk_multiplier", "risk_multiplier=x", "revision=2", "max_slippage=101"]
)
def test_settings_that_are_none_are_refused(pair: str) -> None:
    with pytest.raises(InvalidSettings):
        settings_from([pair])


@pytest.mark.parametrize("seed", range(6))
def test_random_runs_replay_to_the_same(world: CopyWorld, seed: int) -> None:
    """Interleavings of events, pauses, answers and foreign closes, with several settings."""
    rng = random.Random(seed)
    modes: list[dict[str, Any]] = [
        {},
        {"risk_multiplier": Decimal("0.37")},
        {"volume_mode": Mode.EQUITY_RATIO, "equity": 3_333},
        {"volume_mode": Mode.FIXED, "fixed_volume": Decimal("0.05"), "reverse_direction": True},
        {"max_volume": Decimal("0.4"), "copy_partial_close": False, "max_positions": 2},
    ]
    copies = [follow(world, **rng.choice(modes)) for _ in range(3)]
    states = [OrderState.REJECTED, OrderState.NOT_DELIVERED, OrderState.CANCELLED]

    def change(intent: Intent) -> dict[str, Any]:
        if rng.random() < 0.8:
            return {}
        values: dict[str, Any] = {"state": rng.choice(states), "code": "X"}
        if rng.random() < 0.5 and intent.leg.value != "protect":
            values["filled_units"] = Decimal(rng.randrange(1, 10)) * intent.units / 10
        return values

    for step in range(40):
        key = f"m{rng.randrange(4)}"
        held = world.positions.get(key, (None, Decimal(0)))[1]
        roll = rng.random()
        if held <= 0 or roll < 0.35:
            world.trade(key, rng.randrange(1, 90) * 1_000, stops=(Decimal("1.01"), None))
        elif roll < 0.55:
            world.trade(key, -Decimal(rng.randrange(1, int(held / 1000) + 1) * 1_000))
        elif roll < 0.7:
            world.protect(key, Decimal("1.0") + Decimal(step) / 1000)
        elif roll < 0.8:
            copy = rng.choice(copies)
            copy.refresh_from_db()
            act = api.resume if copy.status == "paused" else api.pause
            act(actor=None, subscription=copy)
        else:
            world.trade(key, -held)
        if rng.random() < 0.6:
            world.work()
        if rng.random() < 0.5:
            world.deliver(change)
    world.run()
    for copy in copies:
        identical(copy)
    assert Position.objects.exists()


def test_the_command_says_identical_or_what_would_have_been(
    world: CopyWorld, tmp_path: Path
) -> None:
    copy = follow(world, equity=5_000, volume_mode=Mode.EQUITY_RATIO)
    world.trade("m1", 1_000)
    world.trade("m2", 100_000)
    world.run()
    out, file = StringIO(), tmp_path / "told.json"
    call_command("replay", "--subscription", str(copy.uuid), "--json", str(file), stdout=out)
    assert "identical: all 2 outcomes" in out.getvalue()
    (told,) = json.loads(file.read_text())["copies"]
    assert (told["events"], told["identical"]) == (2, 2)
    assert told["lines"][1]["recorded"]["units"] == "50000"

    what_if = StringIO()
    call_command(
        "replay", "--master", str(copy.master.uuid), "--set", "risk_multiplier=2", stdout=what_if
    )
    text = what_if.getvalue()
    assert (
        "skipped BELOW_MINIMUM; would be copied COPIED 0.01 lots (filled at the master's price)"
        in text
    )
    assert "would be: 2 copied; 1.01 lots traded" in text
    assert "recorded: 1 copied, 1 skipped; 0.50 lots traded" in text


def test_the_command_ends_with_an_error_where_something_differs(world: CopyWorld) -> None:
    copy = follow(world)
    world.trade("m1", 100_000)
    world.run()
    with unguarded():
        Outcome.objects.update(code="CAPPED")
    with pytest.raises(CommandError, match="1 outcomes differ"):
        call_command("replay", "--subscription", str(copy.uuid), stdout=StringIO())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--subscription", "0a0b0c0d-0000-4000-8000-000000000000"],
        ["--master", "0a0b0c0d-0000-4000-8000-000000000000"],
    ],
)
def test_the_command_refuses_what_it_does_not_know(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="no such"):
        call_command("replay", *arguments)


def test_a_position_that_was_detached(world: CopyWorld) -> None:
    copy = follow(world)
    world.trade("m1", 100_000)
    world.trade("m2", 100_000)
    world.run()
    link = TradeLink.objects.get(subscription_id=copy.pk, position_key="m1")
    api.detach_position(actor=None, link_id=link.pk)
    world.trade("m1", 50_000)
    world.trade("m2", -100_000)
    world.run()
    world.trade("m1", -150_000)
    world.run()
    codes = [line.recorded.code for line in identical(copy).lines]
    assert codes.count(Code.DETACHED) == 2
