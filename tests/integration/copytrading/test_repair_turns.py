"""Differences that cannot be repaired never keep others from their turn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.copytrading.models import CopySubscription, Drift
from apps.copytrading.services import repairing
from tests.factories.copytrading import CopyWorld

pytestmark = pytest.mark.django_db(transaction=True)


def drift(copy: CopySubscription, key: str, cause: str) -> Drift:
    now = timezone.now()
    return Drift.objects.create(
        account_id=copy.follower.account_id, subscription_id=copy.pk, kind="missing", key=key,
        symbol="EURUSD", instrument_id="1", side="buy", expected_units=1, actual_units=0,
        lot_units=1, first_seen_at=now - timedelta(minutes=5), last_seen_at=now,
        master_account_id=copy.master.account_id, repair_cause=cause,
    )  # fmt: skip


def test_an_attempt_that_was_the_last_takes_nobodys_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = CopyWorld().follow(auto_repair="all")
    monkeypatch.setattr(repairing, "AT_ONCE", 2)
    for number in range(3):
        drift(copy, f"link:{number}", f"repair:{number + 1}:1")
    fresh = drift(copy, "link:9", "")
    sent: list[int] = []

    def send(_: None, ids: list[int], **__: object) -> tuple[list[object], set[int]]:
        sent.extend(ids)
        return [], set()

    monkeypatch.setattr(repairing, "send", send)
    repairing.repair_due(timezone.now())
    assert sent == [fresh.pk]
