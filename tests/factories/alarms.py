"""Alarms about masters, for tests of who is told of them and what pages show."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.analytics.alarm_models import MasterAlarm
from apps.copytrading.models import CopyMaster


def alarm(master: CopyMaster, kind: str = "drawdown", **values: Any) -> MasterAlarm:
    """One that has just been raised, with a number and a trade that show it."""
    now = timezone.now()
    trade = {
        "what": "Lost", "symbol": "EURUSD", "side": "buy", "lots": "0.5", "price": "1.0921",
        "at": now.isoformat(), "result": "-120.00",
    }  # fmt: skip
    return MasterAlarm.objects.create(
        **{
            "master_id": master.pk,
            "account_id": master.account_id,
            "kind": kind,
            "text": "It is 18.0% below its high.",
            "evidence": {"numbers": [["Below its high now", "18.0%"]], "trades": [trade]},
            "raised_at": now,
            "seen_at": now,
            **values,
        }
    )
