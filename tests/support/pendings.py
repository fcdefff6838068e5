"""A desk for copies of resting orders: the world as a fixture, and looks at what has become."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.copytrading.models import Outcome, PendingLink, TradeLink
from apps.copytrading.models.ledger import WaitingEvent
from apps.copytrading.tasks import work
from apps.execution.models import AccountEvent, Order, Position
from tests.factories.pending import PendingWorld


@pytest.fixture(autouse=True)
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are not woken; the world works by hand."""
    monkeypatch.setattr(work, "delay", lambda *_: None)


@pytest.fixture
def world() -> PendingWorld:
    return PendingWorld()


def pending() -> PendingLink:
    return PendingLink.objects.get()


def open_link() -> TradeLink:
    return TradeLink.objects.get(state="open")


def codes() -> list[tuple[str, str, str]]:
    rows = Outcome.objects.order_by("event_id", "id")
    return [(row.event_kind, row.state, row.code) for row in rows]


def held() -> Decimal:
    """What all followers hold on their platform."""
    return sum(Position.objects.filter(closed_at=None).values_list("units", flat=True), Decimal(0))


def at_rest() -> bool:
    """Nothing is under way or waits."""
    return not (
        AccountEvent.objects.filter(planned_at=None).exists()
        or WaitingEvent.objects.exists()
        or Order.objects.filter(settled_at=None).exclude(final_at=None).exists()
        or TradeLink.objects.filter(state="open").exclude(in_flight="").exists()
    )
