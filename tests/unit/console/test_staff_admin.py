"""The staff admin shows what there is, and lets nobody change what the engine owns."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import CompositePrimaryKey
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts import staff_admin
from apps.accounts.api import create_customer, create_staff
from apps.accounts.models import AuditEntry
from apps.accounts.roles import Role
from apps.accounts.staff_admin import EstimatingPaginator, StaffAdmin
from apps.copytrading.models import Outcome
from tests.factories.accounts import CustomerFactory, staff
from tests.factories.copytrading import CopyWorld, MasterFactory, quote, symbol
from tests.factories.platforms import AccountFactory


@pytest.fixture
def world(db: None) -> CopyWorld:
    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    return world


#: What the house writes itself.
WRITTEN = {reverse("admin:accounts_legaltext_changelist")}


def lists() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]


def test_owners_see_every_list_and_add_nothing_by_hand(world: CopyWorld) -> None:
    owner = create_staff(
        actor=None, email="ida@example.org", password="pw", name="Ida", role=Role.OWNER
    )
    client = Client()
    client.force_login(owner)

    for address in lists():
        assert client.get(address).status_code == 200, address
        expected = 200 if address in WRITTEN else 403
        assert client.get(f"{address}add/").status_code == expected, address


def test_customers_do_not_get_in(world: CopyWorld) -> None:
    customer = create_customer(actor=None, email="mara@example.org", password="pw", name="Mara")
    client = Client()
    client.force_login(customer)

    for address in lists():
        assert client.get(address).status_code == 302, address


def test_credentials_are_never_shown(world: CopyWorld) -> None:
    owner = create_staff(
        actor=None, email="ida@example.org", password="pw", name="Ida", role=Role.OWNER
    )
    world.connection.credentials = {"access_token": "very-secret"}
    world.connection.save()
    client = Client()
    client.force_login(owner)

    page = client.get(reverse("admin:platforms_connection_change", args=[world.connection.pk]))

    assert page.status_code == 200
    assert "very-secret" not in page.content.decode()


def client_of(role: Role) -> Client:
    client = Client()
    client.force_login(staff(role))
    return client


def test_every_model_of_ours_is_there() -> None:
    ours = {
        model
        for config in apps.get_app_configs()
        if config.name.startswith("apps.")
        for model in config.get_models()
        if not isinstance(model._meta.pk, CompositePrimaryKey)
    }
    assert ours <= set(admin.site._registry)


def test_lists_can_be_searched_and_changed_by_nobody(world: CopyWorld) -> None:
    rows_of_one = {"RollUp", "ExecutionRollup", "ProductConfig", "House", "ReturnDay", "FigureBook"}
    rows_of_one |= {"DealsSeen", "LegalText"}
    for model, shown in admin.site._registry.items():
        if model.__name__ not in rows_of_one | {"DemoInstallation"}:
            assert shown.search_fields, model
        assert isinstance(shown, StaffAdmin), model


def test_queries_of_no_list_grow_with_its_rows(world: CopyWorld) -> None:
    client = client_of(Role.OWNER)

    def counted() -> dict[str, int]:
        found = {}
        for address in lists():
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200, address
            found[address] = len(captured)
        return found

    before = counted()
    for number in range(2):
        customer = CustomerFactory()
        world.follow(account={"owner": customer.user})
        AccountFactory(owner=customer.user, connection=world.connection)
        MasterFactory()
        quote(world.connection, str(number + 10), "1.1")
        symbol(world.connection, f"GBP{number}", instrument_id=str(number + 10))
        world.trade(f"q{number}", 100_000)
    world.run()
    after = counted()
    # What is a choice of a filter is read once more for itself, never for each row.
    assert {a: (n, after[a]) for a, n in before.items() if after[a] > n} == {}
    assert max(after.values()) <= 12


def test_actions_go_through_the_services(world: CopyWorld) -> None:
    address = reverse("admin:copytrading_copymaster_changelist")
    chosen = {"action": "pause_masters", "_selected_action": [str(world.master.pk)]}

    client_of(Role.SUPPORT).post(address, {**chosen, "reason": "News"})
    world.master.refresh_from_db()
    assert world.master.status == "active"
    client_of(Role.RISK).post(address, {**chosen, "reason": ""})
    world.master.refresh_from_db()
    assert world.master.status == "active"
    client_of(Role.RISK).post(address, {**chosen, "reason": "News"})
    world.master.refresh_from_db()
    assert world.master.status == "paused"
    entry = AuditEntry.objects.get(action="master.paused")
    assert entry.reason == "News"


def test_large_tables_are_estimated(world: CopyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE copytrading_outcome")
    monkeypatch.setattr(staff_admin, "_COUNTED", -1)
    with CaptureQueriesContext(connection) as captured:
        assert EstimatingPaginator(Outcome.objects.order_by("id"), 50).count == 1
    assert "count(" not in captured[0]["sql"].lower() and len(captured) == 1
    narrowed = Outcome.objects.filter(symbol="none").order_by("id")
    assert EstimatingPaginator(narrowed, 50).count == 0
