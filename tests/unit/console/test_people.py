"""Customers and staff: finding them, locks, roles, permissions, second factors."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import people
from apps.accounts.errors import NotPermitted, NotPossible
from apps.accounts.models import AuditEntry, Customer, User
from apps.accounts.roles import Role
from apps.accounts.selectors import roles_of
from apps.copytrading import api
from apps.copytrading.customers import customers
from apps.copytrading.errors import NotAllowedToCustomer
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.copytrading.permissions import set_customer_permissions
from tests.factories.accounts import CustomerFactory, staff
from tests.factories.copytrading import CopyWorld, FollowerFactory, MasterFactory
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
ALL = {
    "may_copy": True,
    "may_be_master": True,
    "may_run_bots": True,
    "allowed_strategies": ["spot_grid"],
}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def mara() -> Customer:
    found: Customer = CustomerFactory(name="Mara Lind", user__email="mara@example.org")
    return found


def test_customers_are_found_by_address_name_login_and_state(mara: Customer) -> None:
    other = CustomerFactory(name="Jon", user__email="jon@example.org")
    AccountFactory(owner=mara.user, login="70011")
    Customer.objects.filter(pk=other.pk).update(may_copy=False)

    def found(**wanted: str) -> list[str]:
        return [row.email for row in customers(**wanted)]  # type: ignore[arg-type]

    assert found() == ["jon@example.org", "mara@example.org"]
    assert found(text="LIND") == found(text="7001") == found(text="mara@") == ["mara@example.org"]
    assert found(text="0011") == found(text="%") == []
    assert found(state="restricted") == ["jon@example.org"]
    assert found(state="locked") == []
    assert [row.accounts for row in customers(text="lind")] == [1]
    assert [row.id for row in customers(before=other.pk)] == [mara.pk]


def test_the_lists_cost_the_same_for_many(mara: Customer) -> None:
    client = client_of(staff(Role.SUPPORT))
    pages = [
        reverse("console:customers"),
        reverse("console:customer", args=[mara.user.uuid]),
    ]
    before = [queries(client, page) for page in pages]
    for _ in range(5):
        CustomerFactory()
        AccountFactory(owner=mara.user)
    assert [queries(client, page) for page in pages] == before
    assert max(before) <= 12


def test_a_lock_ends_sessions_and_an_unlock_does_not_bring_them_back(mara: Customer) -> None:
    theirs, admin = client_of(mara.user), staff(Role.ADMIN)
    portal = reverse("portal:accounts")
    assert theirs.get(portal).status_code == 200

    assert people.lock_user(actor=admin, user=mara.user, reason="Asked for it")
    assert theirs.get(portal).status_code == 302
    assert not people.lock_user(actor=admin, user=mara.user, reason="Again")
    assert people.unlock_user(actor=admin, user=mara.user, reason="Back")

    assert theirs.get(portal).status_code == 302
    mara.user.refresh_from_db()
    assert client_of(mara.user).get(portal).status_code == 200
    actions = AuditEntry.objects.order_by("id").values_list("action", "reason")
    assert list(actions) == [("customer.lock", "Asked for it"), ("customer.unlock", "Back")]


def test_taking_copying_away_pauses_copies_and_refuses_new_ones(mara: Customer) -> None:
    world = CopyWorld()
    copy = world.follow(account={"owner": mara.user})
    strangers = world.follow()

    changed = set_customer_permissions(
        actor=staff(Role.ADMIN), customer=mara, reason="Chargeback", **{**ALL, "may_copy": False}
    )

    assert changed == {"may_copy": False, "allowed_strategies": ["spot_grid"]}
    copy.refresh_from_db()
    strangers.refresh_from_db()
    assert (copy.status, copy.status_reason[:7]) == (CopySubscription.Status.PAUSED, "Copying")
    assert strangers.status == CopySubscription.Status.ACTIVE
    with pytest.raises(NotAllowedToCustomer):
        api.resume(actor=mara.user, subscription=copy)
    with pytest.raises(NotAllowedToCustomer):
        api.resume(actor=staff(Role.OWNER), subscription=copy)
    follower = FollowerFactory(account=AccountFactory(owner=mara.user))
    with pytest.raises(NotAllowedToCustomer):
        api.subscribe(actor=mara.user, master=world.master, follower=follower)
    mara.refresh_from_db()
    set_customer_permissions(actor=None, customer=mara, reason="Cleared", **ALL)
    copy.refresh_from_db()
    assert copy.status == CopySubscription.Status.PAUSED
    assert api.resume(actor=mara.user, subscription=copy).status == CopySubscription.Status.ACTIVE


def test_taking_mastership_away_hides_masters(mara: Customer) -> None:
    master = MasterFactory(account__owner=mara.user, visibility=CopyMaster.Visibility.PUBLIC)

    set_customer_permissions(actor=None, customer=mara, **{**ALL, "may_be_master": False})

    master.refresh_from_db()
    assert master.status == CopyMaster.Status.INACTIVE
    with pytest.raises(NotAllowedToCustomer):
        api.set_master_status(actor=staff(Role.OWNER), master=master, status="active")
    with pytest.raises(NotAllowedToCustomer):
        api.create_master(
            actor=mara.user, account=AccountFactory(owner=mara.user), strategy_name="New"
        )


def test_permissions_are_changed_on_their_page(mara: Customer) -> None:
    client = client_of(staff(Role.ADMIN))
    address = reverse("console:customer_permissions", args=[mara.user.uuid])

    shown = client.get(address).content.decode()
    without = client.post(address, {"may_copy": "on"})
    wrong = client.post(address, {"reason": "x", "allowed_strategies": ["crystal_ball"]})
    done = client.post(address, {"reason": "Only copying", "may_copy": "on"})

    assert "Running now" in shown
    assert (without.status_code, wrong.status_code, done.status_code) == (422, 422, 302)
    mara.refresh_from_db()
    assert (mara.may_copy, mara.may_be_master, mara.allowed_strategies) == (True, False, [])
    assert AuditEntry.objects.get().before["may_be_master"] is True


def test_a_second_factor_that_is_not_there_is_not_reset(mara: Customer) -> None:
    client = client_of(staff(Role.ADMIN))
    address = reverse("console:reset_customer_factor", args=[mara.user.uuid])

    page = client.post(address, {"reason": "Lost the phone"}, follow=True)

    assert "signs in without a second factor" in page.content.decode()
    assert not AuditEntry.objects.exists()


def test_owners_manage_staff_and_keep_one_owner() -> None:
    owner, risk = staff(Role.OWNER), staff(Role.RISK)
    with pytest.raises(NotPossible, match="your own role"):
        people.change_role(actor=owner, user=owner, role=Role.RISK, reason="x")
    with pytest.raises(NotPossible, match="last owner"):
        people.change_role(actor=None, user=owner, role=Role.RISK, reason="x")
    with pytest.raises(NotPossible):
        people.lock_user(actor=owner, user=owner, reason="x")

    assert people.change_role(actor=owner, user=risk, role=Role.OWNER, reason="Deputy")
    assert not people.change_role(actor=owner, user=risk, role=Role.OWNER, reason="Deputy")
    risk = User.objects.get(pk=risk.pk)
    assert roles_of(risk) == {Role.OWNER}
    assert people.change_role(actor=risk, user=owner, role=Role.SUPPORT, reason="Leaves")
    assert roles_of(User.objects.get(pk=owner.pk)) == {Role.SUPPORT}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.RISK, Role.SUPPORT])
def test_only_owners_reach_staff_through_the_services(role: Role) -> None:
    actor, colleague = staff(role), staff(Role.SUPPORT)
    for act in (people.lock_user, people.unlock_user, people.reset_second_factor):
        with pytest.raises(NotPermitted):
            act(actor=actor, user=colleague, reason="x")
    with pytest.raises(NotPermitted):
        people.change_role(actor=actor, user=colleague, role=Role.OWNER, reason="x")


def test_a_customer_is_given_no_role(mara: Customer) -> None:
    with pytest.raises(NotPossible):
        people.change_role(actor=staff(Role.OWNER), user=mara.user, role=Role.RISK, reason="x")
