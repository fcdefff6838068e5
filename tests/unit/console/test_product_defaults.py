"""Defaults of copying: who may change them, what is kept, and from when they hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.api import update_product_defaults
from apps.accounts.errors import InvalidDefaults, NotPermitted
from apps.accounts.models import AuditEntry
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import Role
from apps.accounts.selectors import product_config
from apps.console.forms import DefaultsForm
from tests.factories.accounts import staff
from tests.support.forms import untouched

pytestmark = pytest.mark.django_db
STANDING = {name: str(value) for name, value in DefaultsForm.standing(ProductConfig()).items()}


@pytest.fixture
def owner() -> Client:
    client = Client()
    client.force_login(staff(Role.OWNER))
    return client


def save(client: Client, **values: str) -> int:
    data = untouched(DefaultsForm, **{**STANDING, "reason": "Quieter", **values})
    return client.post(reverse("console:defaults"), data).status_code


def test_saved_defaults_hold_and_are_audited(
    owner: Client, django_capture_on_commit_callbacks: object
) -> None:
    assert product_config().max_delay_s == 10
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert save(owner, max_delay_s="4", max_slippage="0.25") == 302

    assert (product_config().max_delay_s, product_config().max_slippage) == (4, Decimal("0.25"))
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("defaults.update", "Quieter")
    assert entry.before == {"max_delay_s": 10, "max_slippage": "0.1000"}
    assert entry.after == {"max_delay_s": 4, "max_slippage": "0.25"}
    page = owner.get(reverse("console:product")).content.decode()
    assert "Maximum delay 10 to 4" in page
    assert "Slippage tolerance 0.1 to 0.25" in page


def test_nothing_different_leaves_no_trail(owner: Client) -> None:
    assert save(owner) == 302
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("max_delay_s", "0", "Use a whole number from 1 to 3,600."),
        ("stale_account_s", "1e9", "Use a whole number from 1 to 3,600."),
        ("max_slippage", "-1", "Use a number from 0 to 100 with at most 4 decimals."),
        ("min_margin_level", "x", "Enter a number like 0.25."),
        ("reason", "", "Say why; the reason is kept in the audit trail."),
    ],
)
def test_wrong_values_stand_beside_their_fields(
    owner: Client, field: str, value: str, sentence: str
) -> None:
    data = untouched(DefaultsForm, **{**STANDING, "reason": "x", field: value})
    response = owner.post(reverse("console:defaults"), data)
    assert response.status_code == 422
    assert response.context["defaults"].errors == {field: [sentence]}
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("role", [Role.RISK, Role.SUPPORT])
def test_only_those_who_manage_the_product_change_defaults(role: Role) -> None:
    user = staff(role)
    with pytest.raises(NotPermitted):
        update_product_defaults(actor=user, max_delay_s=3)
    client = Client()
    client.force_login(user)
    assert save(client, max_delay_s="3") == 403
    page = client.get(reverse("console:product")).content.decode()
    assert "Save defaults" not in page
    assert "10 seconds" in page


def test_the_engine_refuses_what_the_form_would() -> None:
    with pytest.raises(InvalidDefaults) as refused:
        update_product_defaults(actor=None, max_delay_s=0, colour="red")  # type: ignore[call-arg]
    assert set(refused.value.fields) == {"max_delay_s", "colour"}
