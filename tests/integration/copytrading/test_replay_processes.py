"""A long real run, through gateway, worker and paper venue, replays to the same outcomes."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.copytrading.models import Outcome, OutcomeSeal
from apps.copytrading.services.replay import replay_subscription
from apps.copytrading.services.sealing import seal_all
from apps.copytrading.services.verifying import verify
from apps.copytrading.services.versions import record_versions
from apps.execution.models import AccountEvent
from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderType as WireType
from apps.openapi_wire.enums import TradeSide
from tests.integration.copytrading.test_pending_processes import Copying
from tests.integration.execution.test_processes import Bench, bench

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["bench"]


def trade_at_random(c: Copying, rng: random.Random, rounds: int) -> None:
    """The master opens, adds, sets stops, closes parts and wholes; several at a time."""
    for number_of_round in range(rounds):
        before = AccountEvent.objects.count()
        requests = []
        for position in c.book(0)["positions"]:
            roll, units = rng.random(), Decimal(position["units"])
            number, key = c.number, int(position["position_id"])
            if roll < 0.3:
                part = units if roll < 0.1 else max(Decimal(1_000), units // 2000 * 1000)
                requests.append(
                    messages.ProtoOAClosePositionReq(
                        ctidTraderAccountId=number, positionId=key, volume=int(part * 100)
                    )
                )
            elif roll < 0.6:
                requests.append(
                    messages.ProtoOAAmendPositionSLTPReq(
                        ctidTraderAccountId=number,
                        positionId=key,
                        stopLoss=round(0.5 + rng.randrange(1000) / 10000, 5),
                    )
                )
        requests.append(
            messages.ProtoOANewOrderReq(
                ctidTraderAccountId=c.number,
                symbolId=1,
                orderType=WireType.MARKET,
                tradeSide=TradeSide.BUY,
                volume=rng.randrange(1, 40) * 1_000 * 100,
            )
        )
        c.hand(*requests)
        if number_of_round % 3:  # every third round follows on the one before at once
            c.wait(lambda: AccountEvent.objects.count() > before and c.at_rest(), "rest")  # noqa: B023


def test_a_long_run_replays_to_identical_outcomes(bench: Callable[..., Bench]) -> None:
    settings = [
        {"risk_multiplier": Decimal("0.37")},
        {"volume_mode": "equity_ratio", "max_positions": 3},
        {"max_volume": Decimal("0.1"), "copy_partial_close": False, "reverse_direction": True},
    ]
    c = Copying(bench(accounts=4), *settings)
    ids = [copy.pk for copy in c.copies]
    record_versions(ids, timezone.now())
    trade_at_random(c, random.Random(7), 14)
    c.close_all()

    c.wait(c.at_rest, "every outcome", 60)
    for pk in ids:
        found = replay_subscription(pk)
        assert [(x.event, x.recorded, x.replayed) for x in found.differing] == []
        assert len(found.lines) > 20 and not found.left_out
    codes = set(Outcome.objects.values_list("code", flat=True))
    assert {"COPIED", "PARTIAL_CLOSE_OFF"} <= codes
    out = StringIO()
    call_command("replay", "--master", str(c.master.uuid), stdout=out)
    assert out.getvalue().count("identical: all") == len(ids)
    seal_all(seconds=20)
    assert OutcomeSeal.objects.count() == Outcome.objects.count()
    assert all([*verify(pk)][-1].finding is None for pk in ids)
