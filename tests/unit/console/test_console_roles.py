"""Every role on every address of the console, and strangers on all of them.

The table is checked against the address patterns: who adds an address says here who may use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.accounts.models import AuditEntry, User
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import PERMISSIONS, Permission, Role
from apps.console.forms import DefaultsForm, RulesForm
from apps.console.urls import urlpatterns
from apps.copytrading.models import Outcome
from tests.factories.accounts import CustomerFactory, staff
from tests.factories.alarms import alarm
from tests.factories.copytrading import CopyWorld, MasterFactory
from tests.factories.platforms import AccountFactory
from tests.support.forms import untouched

P = Permission
Data = dict[str, Any]


@dataclass
class Desk:
    """A world with one copy, a customer, and a member of staff besides those who try."""

    world: CopyWorld
    customer: User
    colleague: User
    spare: str
    applicant: Any
    alarm: Any

    @property
    def master(self) -> Any:
        return self.world.master.uuid

    @property
    def copy(self) -> Any:
        return self.world.master.subscriptions.earliest("id").uuid


@dataclass(frozen=True)
class Address:
    """What an address asks of whom: None is a method that it does not know.

    ``audits``: a POST with ``data`` that is allowed leaves a line in the audit trail.
    """

    get: Permission | None = None
    post: Permission | None = None
    args: Callable[[Desk], list[Any]] = field(default=lambda desk: [])
    data: Callable[[Desk], Data] = field(default=lambda desk: {"reason": "Because"})
    audits: bool = False


def acts(permission: Permission, args: Callable[[Desk], list[Any]], **data: Any) -> Address:
    """A dialog: shown and done by the same people, with a reason."""
    return Address(permission, permission, args, lambda desk: {"reason": "Because", **data}, True)


def of_customer(desk: Desk) -> list[Any]:
    return [desk.customer.uuid]


def of_colleague(desk: Desk) -> list[Any]:
    return [desk.colleague.uuid]


def standing(desk: Desk) -> Data:
    from apps.accounts.selectors import product_config

    values = {n: str(v) for n, v in DefaultsForm.standing(product_config()).items()}
    return untouched(DefaultsForm, **{**values, "reason": "Because", "max_delay_s": "7"})


def ruling(desk: Desk) -> Data:
    values = {n: str(v) for n, v in RulesForm.standing(ProductConfig()).items()}
    return {**values, "reason": "Because", "master_min_trades": "3", "master_rules_bind": "on"}


def looks(args: Callable[[Desk], list[Any]] = lambda desk: []) -> Address:
    return Address(P.VIEW, args=args)


def of_connection(desk: Desk) -> list[Any]:
    return [desk.world.connection.uuid]


def new_connection(desk: Desk) -> Data:
    return {
        "platform": "paper",
        "name": "New",
        "server": "S",
        "host": "h",
        "port": "1",
        "requests_per_second": "50",
        "history_per_second": "5",
        "client_id": "a",
        "client_secret": "b",
        "access_token": "c",
    }


def new_account(desk: Desk) -> Data:
    return {
        "connection": str(desk.world.connection.uuid),
        "group": str(desk.world.master.account.group_id),
        "login": "990",
        "platform_account_id": "990",
        "margin_mode": "hedging",
    }


NONE: Callable[[Desk], list[Any]] = lambda desk: []  # noqa: E731
ADDRESSES: dict[str, Address] = {
    **dict.fromkeys(
        (
            "home",
            "live",
            "outcomes",
            "outcomes_csv",
            "masters",
            "masters_csv",
            "drift",
            "kill_switch",
        ),
        looks(),
    ),
    **dict.fromkeys(("quality", "operations", "setup", "groups", "house"), looks()),
    **dict.fromkeys(("platforms", "product", "customers", "audit", "audit_csv"), looks()),
    "outcome": looks(lambda desk: [Outcome.objects.earliest("id").pk]),
    "copy": looks(lambda desk: [desk.copy]),
    "check_chain": Address(P.VIEW, P.VIEW, lambda desk: [desk.copy]),
    **dict.fromkeys(("followers_at_risk", "followers_csv"), looks()),
    **dict.fromkeys(
        ("master_followers", "master_followers_csv"), looks(lambda desk: [desk.master])
    ),
    "change_followers": Address(P.INTERVENE, P.INTERVENE, lambda desk: ["pause"]),
    "change_master_followers": Address(
        P.INTERVENE, P.INTERVENE, lambda desk: [desk.master, "stop"]
    ),
    **dict.fromkeys(
        ("master", "master_trades", "master_outcomes", "master_outcomes_csv", "master_audit"),
        looks(lambda desk: [desk.master]),
    ),
    "change_master": acts(P.INTERVENE, lambda desk: [desk.master, "deactivate"], positions="close"),
    "repair_drift": Address(P.INTERVENE, P.INTERVENE),
    "accept_drift": Address(P.INTERVENE, P.INTERVENE),
    "confirm_closes": Address(P.HALT, P.HALT),
    "kill_everything": acts(P.HALT, NONE, state="reducing"),
    "kill_platform": acts(P.HALT, lambda desk: ["paper"], state="reducing"),
    "kill_account": acts(P.HALT, lambda desk: [desk.world.master.account.uuid], state="halted"),
    "copy_trading": Address(
        P.MANAGE_PRODUCT,
        P.MANAGE_PRODUCT,
        data=lambda desk: {"reason": "x", "enabled": "0", "confirmed": "1"},
        audits=True,
    ),
    "bot_trading": Address(
        P.MANAGE_PRODUCT,
        P.MANAGE_PRODUCT,
        data=lambda desk: {"reason": "x", "enabled": "1"},
        audits=True,
    ),
    "applications": looks(),
    "alarms": looks(),
    "alarm": looks(lambda desk: [desk.alarm]),
    "acknowledge_alarms": Address(
        P.INTERVENE,
        P.INTERVENE,
        data=lambda desk: {"reason": "x", "alarm": str(desk.alarm)},
        audits=True,
    ),
    "decide_application": Address(
        P.DECIDE_APPLICATIONS, P.DECIDE_APPLICATIONS, lambda desk: [desk.applicant, "approve"]
    ),
    "rules": Address(P.MANAGE_PRODUCT, P.MANAGE_PRODUCT, data=ruling, audits=True),
    "defaults": Address(P.MANAGE_PRODUCT, P.MANAGE_PRODUCT, data=standing, audits=True),
    "customer": looks(of_customer),
    "view_as": acts(P.VIEW_AS_CUSTOMER, of_customer),
    "end_view": Address(P.VIEW, P.VIEW),
    "customer_permissions": acts(P.MANAGE_CUSTOMERS, of_customer, may_copy="on"),
    "lock_customer": acts(P.MANAGE_CUSTOMERS, of_customer),
    "unlock_customer": Address(P.MANAGE_CUSTOMERS, P.MANAGE_CUSTOMERS, of_customer),
    "reset_customer_factor": Address(P.MANAGE_CUSTOMERS, P.MANAGE_CUSTOMERS, of_customer),
    "connection": looks(of_connection),
    "add_connection": Address(P.MANAGE_PLATFORMS, P.MANAGE_PLATFORMS, NONE, new_connection, True),
    "change_connection": acts(
        P.MANAGE_PLATFORMS,
        of_connection,
        name="Another",
        host="h",
        port="1",
        requests_per_second="9",
        history_per_second="1",
    ),
    "credentials": acts(
        P.MANAGE_PLATFORMS, of_connection, client_id="a", client_secret="b", access_token="c"
    ),
    "add_group": acts(
        P.MANAGE_PLATFORMS, NONE, name="New", mode="demo", leverage="30", currency="EUR"
    ),
    "change_group": acts(
        P.MANAGE_PLATFORMS,
        lambda desk: [desk.world.master.account.group_id],
        name="Renamed",
        mode="demo",
        leverage="30",
        currency="EUR",
    ),
    "add_account": Address(P.MANAGE_PLATFORMS, P.MANAGE_PLATFORMS, NONE, new_account, True),
    "add_master": Address(
        P.MANAGE_CUSTOMERS,
        P.MANAGE_CUSTOMERS,
        NONE,
        lambda desk: {"login": desk.spare, "strategy_name": "Tide", "visibility": "public"},
        True,
    ),
    "change_house": Address(
        P.MANAGE_PRODUCT,
        P.MANAGE_PRODUCT,
        NONE,
        lambda desk: {"reason": "x", "name": "Northwind", "timezone": "Europe/Oslo"},
        True,
    ),
    "mail": acts(P.MANAGE_PRODUCT, lambda desk: ["password-reset-key"], subject="s", body="{link}"),
    "staff": Address(P.MANAGE_STAFF),
    "add_staff": acts(P.MANAGE_STAFF, NONE, email="new@x.org", name="New", role="risk"),
    "staff_role": acts(P.MANAGE_STAFF, of_colleague, role="admin"),
    "lock_staff": acts(P.MANAGE_STAFF, of_colleague),
    "unlock_staff": Address(P.MANAGE_STAFF, P.MANAGE_STAFF, of_colleague),
    "reset_staff_factor": Address(P.MANAGE_STAFF, P.MANAGE_STAFF, of_colleague),
}


@pytest.fixture
def desk(db: None) -> Desk:
    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    spare = AccountFactory(login="spare")
    waits = MasterFactory(status="pending", visibility="public")
    colleague = staff(Role.SUPPORT)
    rung = alarm(world.master)
    return Desk(world, CustomerFactory().user, colleague, spare.login, waits.uuid, rung.uuid)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _blank(*args: object, **options: object) -> SafeString:
    return mark_safe("<p></p>")


def tries(desk: Desk) -> Iterator[tuple[str, str, Permission | None, str, Data]]:
    """All addresses and methods: name, method, who may, where and with what."""
    for name, address in ADDRESSES.items():
        where = reverse(f"console:{name}", args=address.args(desk))
        yield name, "get", address.get, where, {}
        yield name, "post", address.post, where, address.data(desk)


def test_every_address_says_who_may_use_it() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(ADDRESSES)


def test_every_role_does_what_it_may_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    for role in Role:
        client = client_of(staff(role))
        if role is not Role.OWNER:  # who sees a page is decided before it is rendered
            monkeypatch.setattr("django.template.backends.django.Template.render", _blank)
        for name, method, needed, where, data in tries(desk):
            with undone():
                before = AuditEntry.objects.count()
                status = getattr(client, method)(where, data).status_code
                left = AuditEntry.objects.count() - before
            if needed is None:
                right = status == 405
            elif needed in PERMISSIONS[role]:
                nothing_to_do = status == 422 and method == "post"
                right = nothing_to_do or status in (200, 302)
                if method == "post" and ADDRESSES[name].audits:
                    right = status == 302 and left >= 1
            else:
                right = status == 403 and left == 0
            if not right:
                wrong.append((str(role), method, name, status, left))
    assert wrong == []


def test_a_customer_finds_no_address_of_staff(desk: Desk) -> None:
    client = client_of(desk.customer)
    before = AuditEntry.objects.count()

    found = {
        (name, method, getattr(client, method)(where, data).status_code)
        for name, method, needed, where, data in tries(desk)
        if needed is not None
    }

    assert {status for _, _, status in found} == {404}
    assert AuditEntry.objects.count() == before


def test_nothing_is_open_without_signing_in(desk: Desk) -> None:
    client = Client()
    for name, method, needed, where, data in tries(desk):
        if needed is not None:
            response = getattr(client, method)(where, data)
            assert response.status_code == 302, name
            assert response["Location"].startswith(reverse("account_login")), name


def test_people_without_a_role_are_no_staff(desk: Desk) -> None:
    stranger = staff(Role.SUPPORT)
    stranger.groups.clear()

    assert client_of(stranger).get(reverse("console:live")).status_code == 404
