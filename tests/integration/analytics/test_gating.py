"""Masters beyond a rule take no new followers: found for all of them, kept, told and lifted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import AuditEntry, User
from apps.accounts.product_models import ProductConfig
from apps.accounts.selectors import forget_product_config
from apps.analytics.api import gate_masters, roll_up
from apps.analytics.models import AccountFigures
from apps.copytrading import api as copying
from apps.copytrading.domain.master_gates import GateRule
from apps.copytrading.errors import MasterGated, MasterNotAvailable
from apps.copytrading.models import CopyFollower, CopyMaster, MasterGate
from apps.copytrading.selectors import gate_history, gates_of
from apps.execution.models import Position
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import FollowerFactory, MasterFactory, switch_copying, symbol
from tests.factories.equity import at_hour, sampled
from tests.factories.platforms import AccountFactory
from tests.support.telling import gather, told

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _on() -> None:
    switch_copying()


@pytest.fixture
def mara() -> User:
    return UserFactory(email="mara@example.org")


def master(owner: User | None = None, **values: Any) -> CopyMaster:
    return MasterFactory(account=AccountFactory(owner=owner), visibility="public", **values)


def worth(of: CopyMaster, before: int, now: int, flow: int = 0, at: datetime = NOON) -> None:
    """Equity at the end of yesterday and a minute ago, with money that came in meanwhile."""
    samples = {at_hour(TODAY - timedelta(days=1), 23, 59): before, at - timedelta(minutes=1): now}
    sampled(of.account_id, samples, {at - timedelta(minutes=1): flow})
    roll_up(now=at - timedelta(minutes=30), since=at_hour(TODAY - timedelta(days=1), 0))


def followed_by(of: CopyMaster, owner: User | None = None) -> None:
    follower: CopyFollower = FollowerFactory(account=AccountFactory(owner=owner))
    copying.subscribe(actor=None, master=of, follower=follower, volume_mode="multiplier")


def limits(**values: Any) -> None:
    ProductConfig.objects.update(**values)
    forget_product_config()


def test_a_loss_of_the_day_closes_a_master_until_it_has_eased(mara: User) -> None:
    lost, fine = master(mara), master()
    worth(lost, 10_000, 8_800)
    worth(fine, 10_000, 9_500)
    assert gate_masters(now=NOON) == (1, 0)
    assert gate_masters(now=NOON) == (0, 0)

    (gate,) = gates_of([lost.pk, fine.pk])[lost.pk]
    assert (gate.rule, gate.value, gate.most) == (GateRule.DAILY_LOSS, D(12), D(10))
    sentence = "It has lost 12.0 % today; above 10.0 % it takes no new followers."
    assert gate.reason == sentence
    with pytest.raises(MasterGated, match=r"12\.0 % today") as refused:
        followed_by(lost)
    assert isinstance(refused.value, MasterNotAvailable)
    followed_by(lost, owner=mara)  # the owner's own accounts may
    followed_by(fine)
    entry = AuditEntry.objects.get(action="master.gate")
    assert (entry.actor, entry.reason, entry.object_id) == ("system", sentence, str(lost.uuid))
    gather()
    assert told(mara) == [("master_gated", 1)]

    later = NOON + timedelta(hours=1)
    sampled(lost.account_id, {later - timedelta(minutes=1): 9_050})  # within, but not by much
    assert gate_masters(now=later) == (0, 0)
    later += timedelta(hours=1)
    sampled(lost.account_id, {later - timedelta(minutes=1): 9_200})
    assert gate_masters(now=later) == (0, 1)
    assert not gates_of([lost.pk])
    followed_by(lost)
    (past,) = gate_history(lost.pk)
    assert (past.worst, past.lifted_at) == (D(12), later)
    assert past.lifted_why == "It has lost 8.0 % today, which is within the limit again."
    assert AuditEntry.objects.filter(action="master.ungate", actor="system").count() == 1


def test_a_withdrawal_is_no_loss_and_a_deposit_hides_none() -> None:
    withdrawn, topped = master(), master()
    worth(withdrawn, 10_000, 5_000, flow=-5_000)
    worth(topped, 10_000, 13_000, flow=5_000)
    gate_masters(now=NOON)
    assert [gate.master_id for gate in MasterGate.objects.all()] == [topped.pk]
    assert MasterGate.objects.get().value == D("13.33")


@pytest.mark.parametrize(("fall", "now", "beyond"), [(0.2, 8_000, True), (0.2, 9_500, False)])
def test_the_drawdown_counts_what_today_adds(fall: float, now: int, beyond: bool) -> None:
    limits(gate_daily_loss=0)
    fallen = master()
    worth(fallen, 10_000, now)
    roll_up(now=NOON)
    AccountFigures.objects.create(
        account_id=fallen.account_id, day=TODAY - timedelta(days=1), current_drawdown=fall,
        standings=b"",
    )  # fmt: skip
    gate_masters(now=NOON)
    assert bool(gates_of([fallen.pk])) is beyond
    if beyond:  # 1 - 0.8 × 0.8
        assert MasterGate.objects.get().value == D(36)


def test_leverage_is_the_value_of_all_positions_against_equity() -> None:
    bold = master()
    worth(bold, 10_000, 10_000)
    symbol(bold.account.connection)
    for number, side in enumerate(("buy", "sell")):
        Position.objects.create(
            account_id=bold.account_id, position_id=str(number), instrument_id="1", side=side,
            units=200_000, price=D("1.1"), opened_at=NOON, updated_at=NOON,
        )  # fmt: skip
    assert gate_masters(now=NOON) == (1, 0)
    gate = MasterGate.objects.get()
    assert (gate.rule, gate.value) == (GateRule.LEVERAGE, D(44))
    assert "worth 44.0 times its equity" in gate.reason
    Position.objects.update(closed_at=NOON)
    assert gate_masters(now=NOON) == (0, 1)


def test_what_is_not_known_leaves_a_gate_as_it_is() -> None:
    lost = master()
    worth(lost, 10_000, 8_000)
    gate_masters(now=NOON)
    tomorrow = NOON + timedelta(days=1)
    assert gate_masters(now=tomorrow) == (0, 0)
    sampled(lost.account_id, {tomorrow - timedelta(minutes=1): 8_000})
    roll_up(now=NOON + timedelta(hours=20))
    assert gate_masters(now=tomorrow) == (0, 1)  # a new day: nothing is lost yet


def test_a_rule_that_is_switched_off_or_a_master_that_ends_has_no_gate() -> None:
    first, second = master(), master()
    for one in (first, second):
        worth(one, 10_000, 8_000)
    gate_masters(now=NOON)
    copying.set_master_status(actor=None, master=first, status="inactive")
    assert gate_masters(now=NOON) == (0, 1)
    limits(gate_daily_loss=0)
    assert gate_masters(now=NOON) == (0, 1)
    why = MasterGate.objects.order_by("master_id").values_list("lifted_why", flat=True)
    assert list(why) == ["It is no longer a master.", "The rule was switched off."]


def test_a_look_costs_the_same_for_any_number_of_masters() -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            gate_masters(now=NOON)
        return len(captured)

    for _ in range(2):
        worth(master(), 10_000, 9_950)
    few = min(cost() for _ in range(2))
    for _ in range(6):
        worth(master(), 10_000, 9_950)
    assert cost() == few <= 8


def test_customers_see_it_and_why(mara: User) -> None:
    lost = master(mara, strategy_name="Harbour")
    worth(lost, 10_000, 8_800)
    gate_masters(now=NOON)
    stranger, owner = Client(), Client()
    visitor = UserFactory()
    AccountFactory(owner=visitor)
    stranger.force_login(visitor)
    owner.force_login(mara)
    here = reverse("portal:discover_master", args=[lost.uuid])
    text = "It has lost 12.0 % today"
    page = stranger.get(here).content.decode()
    assert "takes no new followers now" in page and text in page and "disabled" in page
    assert "No new followers now" in stranger.get(reverse("portal:discover")).content.decode()
    own = owner.get(here).content.decode()
    assert text in own and "let in again by itself" in own
    assert text in owner.get(reverse("portal:masters")).content.decode()
