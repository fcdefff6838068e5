"""Connections that stay away are told once, and that they are back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.notifications.connection_watch import watch_connections
from apps.notifications.models import Notification
from apps.platforms.models import ConnectionState
from tests.factories.accounts import UserFactory
from tests.factories.platforms import AccountFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> User:
    user: User = UserFactory()
    account = AccountFactory(owner=user)
    AccountFactory(owner=user, connection=account.connection)
    AccountFactory(owner=UserFactory())
    return user


def stands(user: User, status: str, now: datetime) -> None:
    """How the connections stand, as a gateway writes it."""
    states = ConnectionState.objects.filter(connection__accounts__owner=user)
    ConnectionState.objects.update(status="live", live_at=now + timedelta(days=1))
    states.update(status=status, live_at=now if status == "live" else None)


def watch(user: User, status: str, start: datetime, until: int, step: int = 10) -> None:
    for second in range(0, until + 1, step):
        stands(user, status, start + timedelta(seconds=second))
        watch_connections(start + timedelta(seconds=second))


def texts(user: User) -> list[str]:
    return [n.text for n in Notification.objects.filter(user=user).order_by("id")]


def test_a_short_break_is_no_news(mara: User) -> None:
    now = timezone.now()
    watch(mara, "connecting", now, 50)
    watch(mara, "live", now + timedelta(seconds=60), 20)
    watch(mara, "down", now + timedelta(seconds=90), 50)
    assert not Notification.objects.exists()


def test_a_long_one_is_told_once_and_so_is_its_end(mara: User) -> None:
    now = timezone.now()
    watch(mara, "down", now, 300)
    assert len(texts(mara)) == 1
    assert "has not answered for a minute" in texts(mara)[0]
    assert Notification.objects.count() == 1  # nobody else's connection was concerned

    watch(mara, "live", now + timedelta(seconds=310), 30)
    (notice,) = Notification.objects.filter(user=mara)
    assert (notice.count, notice.text.split(" is ")[1]) == (2, "connected again.")


def test_a_refusal_is_told_sooner_and_after_a_loss_as_well(mara: User) -> None:
    now = timezone.now()
    watch(mara, "refused", now, 20)
    assert "refuses the sign-in" in texts(mara)[0]

    Notification.objects.all().delete()
    later = now + timedelta(hours=1)
    watch(mara, "live", later, 10)
    Notification.objects.all().delete()
    watch(mara, "down", later + timedelta(seconds=20), 60)
    watch(mara, "refused", later + timedelta(seconds=90), 20)
    assert "refuses" in texts(mara)[-1]


def test_a_product_that_starts_up_reports_nothing_that_it_has_not_watched(mara: User) -> None:
    now = timezone.now()
    watch(mara, "down", now, 30)
    # Stopped for a night; at the start everything is still as it was left.
    watch(mara, "down", now + timedelta(hours=9), 30)
    assert not Notification.objects.exists()
