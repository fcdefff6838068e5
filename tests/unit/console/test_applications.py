"""Staff decide applications, beside the rules, with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import Role
from apps.common.events import listen
from apps.copytrading.api import APPLICATION_DECIDED, decide_application
from apps.copytrading.errors import InvalidSettings, NotPermitted
from apps.copytrading.models import CopyMaster
from tests.factories.accounts import UserFactory, staff
from tests.factories.copytrading import MasterFactory, fund, switch_copying
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
LIST = "console:applications"


@pytest.fixture
def applied() -> CopyMaster:
    switch_copying()
    return application("Harbour")


def application(name: str) -> CopyMaster:
    account = AccountFactory(owner=UserFactory())
    fund(account, 5_000)
    return MasterFactory(
        account=account, strategy_name=name, visibility="public", status="pending",
        applied_at=timezone.now(),
    )  # fmt: skip


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def decide(master: CopyMaster, decision: str) -> str:
    return reverse("console:decide_application", args=[master.uuid, decision])


def test_the_queue_shows_rules_beside_figures(applied: CopyMaster) -> None:
    page = signed_in(staff(Role.RISK)).get(reverse(LIST)).content.decode()
    for shown in ("Harbour", "Known for at least 30 days", "Not met", "Approve", "Reject"):
        assert shown in page


@pytest.mark.parametrize(("decision", "status"), [("approve", "active"), ("reject", "rejected")])
def test_a_decision_is_told_and_audited(
    applied: CopyMaster,
    decision: str,
    status: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[Any] = []
    listen(APPLICATION_DECIDED, told.append)
    client = signed_in(staff(Role.RISK))
    assert client.post(decide(applied, decision), {"reason": ""}).status_code == 422

    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(decide(applied, decision), {"reason": "Looks so"}).status_code == 302

    applied.refresh_from_db()
    assert (applied.status, applied.status_reason) == (status, "Looks so")
    assert applied.decided_at is not None
    event = told[-1]
    assert (event["approved"], event["reason"]) == (decision == "approve", "Looks so")
    assert event["owner_id"] == applied.account.owner_id
    entry = AuditEntry.objects.get(action=f"master.{decision}")
    assert (entry.reason, entry.object_id) == ("Looks so", str(applied.uuid))
    assert client.get(decide(applied, decision)).status_code == 404


def test_who_may_decide(applied: CopyMaster) -> None:
    support, customer = signed_in(staff(Role.SUPPORT)), signed_in(UserFactory())
    assert "Approve" not in support.get(reverse(LIST)).content.decode()
    for address in (decide(applied, "approve"), decide(applied, "reject")):
        assert support.post(address, {"reason": "x"}).status_code == 403
        assert customer.post(address, {"reason": "x"}).status_code == 404
        assert Client().post(address, {"reason": "x"}).status_code == 302
    assert customer.get(reverse(LIST)).status_code == 404
    with pytest.raises(NotPermitted):
        decide_application(actor=UserFactory(), master=applied, approve=True, reason="x")
    applied.refresh_from_db()
    assert applied.status == "pending"


def test_nobody_decides_about_oneself(applied: CopyMaster) -> None:
    owner = staff(Role.OWNER)
    applied.account.owner = owner
    applied.account.save()
    with pytest.raises(NotPermitted, match="Somebody else"):
        decide_application(actor=owner, master=applied, approve=True, reason="x")
    with pytest.raises(InvalidSettings, match="Say why"):
        decide_application(actor=owner, master=applied, approve=True, reason=" ")


def test_a_module_that_is_off_has_no_queue(applied: CopyMaster) -> None:
    switch_copying(False)
    client = signed_in(staff(Role.OWNER))
    assert client.get(reverse(LIST)).status_code == 404
    assert client.get(decide(applied, "approve")).status_code == 404


def test_more_applications_cost_no_more_queries(applied: CopyMaster) -> None:
    client = signed_in(staff(Role.RISK))
    before = queries(client, reverse(LIST))
    for number in range(5):
        application(f"More {number}")
    # One more at most: what is read once a second for all pages.
    assert queries(client, reverse(LIST)) <= before + 1 <= 17


def rules(**changes: str) -> dict[str, str]:
    return {
        "master_min_age_days": "60", "master_min_trades": "5", "master_min_equity": "250.5",
        "master_max_drawdown": "12.5", "max_paper_accounts": "2", "reason": "new house rules",
    } | changes  # fmt: skip


def test_rules_are_edited_on_the_product_page() -> None:
    client = signed_in(staff(Role.ADMIN))
    assert client.post(reverse("console:rules"), rules()).status_code == 302
    config = ProductConfig.objects.get()
    assert (config.master_min_age_days, config.master_rules_bind) == (60, False)
    assert (config.master_max_drawdown, config.max_paper_accounts) == (12.5, 2)
    page = client.get(reverse("console:product")).content.decode()
    assert "Rules must be met on to off" in page and "Closed trades 20 to 5" in page
    wrong = client.post(reverse("console:rules"), rules(master_max_drawdown="101"))
    assert wrong.status_code == 422


def test_rules_need_the_permission() -> None:
    for role in (Role.RISK, Role.SUPPORT):
        client = signed_in(staff(role))
        assert client.post(reverse("console:rules"), rules()).status_code == 403
        assert client.get(reverse("console:product")).status_code == 200
