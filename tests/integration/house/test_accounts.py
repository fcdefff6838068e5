"""Users, roles, modules and the audit trail on the real database."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from apps.accounts import api, selectors
from apps.accounts.errors import EmailTaken, NotPermitted
from apps.accounts.models import User
from apps.accounts.roles import Permission, Role

pytestmark = pytest.mark.django_db


def test_a_fresh_installation_has_both_modules_off() -> None:
    config = selectors.product_config()

    assert not config.copy_trading_enabled
    assert not config.bot_trading_enabled
    assert (config.max_delay_s, config.stale_account_s) == (10, 30)


def test_a_customer_signs_in_by_mail_address_in_any_case() -> None:
    user = api.create_customer(actor=None, email="Ann@Example.org", password="x", name="Ann")

    assert user.email == "ann@example.org"
    assert User.objects.get_by_natural_key("ANN@example.org") == user
    assert selectors.roles_of(user) == frozenset()
    assert not selectors.may(user, Permission.VIEW)


def test_an_address_has_one_sign_in() -> None:
    api.create_customer(actor=None, email="ann@example.org", password="x", name="Ann")

    with pytest.raises(EmailTaken, match="already has a sign-in"):
        api.create_customer(actor=None, email="ANN@example.org", password="x", name="Ann")


def test_a_customer_needs_a_real_time_zone() -> None:
    with pytest.raises(ValidationError, match="is not a time zone"):
        api.create_customer(
            actor=None, email="a@example.org", password="x", name="Ann", timezone="Mars/Base"
        )


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        (Role.OWNER, Permission.MANAGE_STAFF, None),
        (Role.ADMIN, Permission.MANAGE_PRODUCT, Permission.MANAGE_STAFF),
        (Role.RISK, Permission.HALT, Permission.MANAGE_PRODUCT),
        (Role.SUPPORT, Permission.VIEW, Permission.INTERVENE),
    ],
)
def test_roles_grant_what_they_say(
    role: Role, allowed: Permission, refused: Permission | None
) -> None:
    user = api.create_staff(
        actor=None, email=f"{role}@example.org", password="x", name="Sam", role=role
    )

    assert selectors.may(user, allowed)
    assert refused is None or not selectors.may(user, refused)


def test_a_module_is_switched_with_actor_and_reason(
    django_capture_on_commit_callbacks: object,
) -> None:
    admin = api.create_staff(
        actor=None, email="admin@example.org", password="x", name="Ada", role=Role.ADMIN
    )
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        api.set_module_enabled(
            actor=admin, module=api.Module.COPY_TRADING, enabled=True, reason="launch"
        )

    assert selectors.product_config().copy_trading_enabled
    (entry,) = selectors.audit_trail(object_type="product_config")
    assert (entry.actor, entry.action, entry.reason) == (
        "admin@example.org",
        "module.enable",
        "launch",
    )
    assert (entry.before, entry.after) == ({"enabled": False}, {"enabled": True})


def test_support_does_not_switch_modules() -> None:
    support = api.create_staff(
        actor=None, email="s@example.org", password="x", name="Sue", role=Role.SUPPORT
    )

    with pytest.raises(NotPermitted, match="owner or admin"):
        api.set_module_enabled(actor=support, module="copy_trading", enabled=True)
    assert selectors.audit_trail(object_type="product_config") == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", ["first", "after the tables were emptied"])
def test_roles_are_there_whatever_a_test_has_emptied(round_: str) -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= set(Role)
