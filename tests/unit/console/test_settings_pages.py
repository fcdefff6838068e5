"""Settings: modules, house, mails, groups, connections, and the way to the first copied trade."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.errors import NotPossible
from apps.accounts.house import forget_house, house, mail_in_words, set_mail, update_house
from apps.accounts.models import AuditEntry
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import Role
from apps.accounts.selectors import forget_product_config, product_config
from apps.console.checklist import steps
from apps.console.forms import DefaultsForm, RulesForm
from apps.platforms.models import AccountGroup, Connection, Symbol
from tests.factories.accounts import CustomerFactory, staff
from tests.factories.copytrading import CopyWorld, symbol
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def owner() -> Client:
    client = Client()
    client.force_login(staff(Role.OWNER))
    return client


def fresh() -> None:
    forget_house()
    forget_product_config()


def test_switching_copying_off_says_what_runs_and_asks(owner: Client) -> None:
    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    address = reverse("console:copy_trading")

    shown = owner.get(reverse("console:product")).content.decode()
    asked = owner.post(address, {"reason": "Maintenance", "enabled": "0"}).content.decode()

    assert "Running now: 1 copy of 0 customers, 1 copied position open" in shown
    assert "1 running copy of 0 customers" in asked
    assert "1 copied position stays open" in asked and "customers close it under" in asked
    fresh()
    assert product_config().copy_trading_enabled
    owner.post(address, {"reason": "Maintenance", "enabled": "0", "confirmed": "1"})
    fresh()
    assert not product_config().copy_trading_enabled
    page = owner.get(reverse("console:product")).content.decode()
    assert reverse("console:masters") not in page and reverse("console:audit") in page


def test_bots_are_switched_on_at_once(owner: Client) -> None:
    owner.post(reverse("console:bot_trading"), {"reason": "Go", "enabled": "1"})
    fresh()
    assert product_config().bot_trading_enabled


def test_every_default_of_the_configuration_has_its_field() -> None:
    switches = {"id", "copy_trading_enabled", "bot_trading_enabled", "updated_at"}
    names = {field.name for field in ProductConfig._meta.concrete_fields} - switches
    assert names == {*DefaultsForm.base_fields, *RulesForm.base_fields} - {"reason"}


def test_the_house_has_a_name_a_time_zone_and_a_logo(
    owner: Client, django_capture_on_commit_callbacks: Any
) -> None:
    values = {"name": "Northwind", "timezone": "Europe/Oslo", "reason": "New brand"}
    with django_capture_on_commit_callbacks(execute=True):
        done = owner.post(
            reverse("console:change_house"),
            {**values, "logo": SimpleUploadedFile("l.png", PNG, "image/png")},
        )
    assert done.status_code == 302
    page = Client().get(reverse("account_login")).content.decode()
    assert "· Northwind</title>" in page
    address = reverse("portal:house_logo", args=[house().logo_mark])
    assert address in page
    picture = Client().get(address)
    assert (picture.content, picture["Content-Type"]) == (PNG, "image/png")
    assert "immutable" in picture["Cache-Control"]
    assert Client().get(reverse("portal:house_logo", args=["other"])).status_code == 404
    assert AuditEntry.objects.get().after["timezone"] == "Europe/Oslo"
    with django_capture_on_commit_callbacks(execute=True):
        owner.post(reverse("console:change_house"), {**values, "remove_logo": "on"})
    assert house().logo_mark == ""


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", PNG + b"0" * 300_000])
def test_other_files_are_no_logo(owner: Client, content: bytes) -> None:
    refused = owner.post(
        reverse("console:change_house"),
        {"name": "N", "timezone": "UTC", "reason": "x",
         "logo": SimpleUploadedFile("l.png", content, "image/png")},
    )  # fmt: skip
    assert refused.status_code == 422
    assert refused.context["form"].errors["logo"]
    assert not AuditEntry.objects.exists()


def test_mails_leave_in_the_words_of_the_house() -> None:
    mara = CustomerFactory(name="Mara {link}", user__email="mara@example.org").user
    update_house(actor=None, name="Northwind", timezone="UTC", support_email="help@n.example")
    forget_house()
    kind = "account/email/password_reset_key"
    context = {"user": mara, "password_reset_url": "https://n.example/reset", "request": None}

    built_in = get_adapter().render_mail(kind, mara.email, dict(context))
    set_mail(actor=None, kind=kind, subject="{house}:\n password", body="{name}: {link} {support}")
    own = get_adapter().render_mail(kind, mara.email, dict(context))

    assert built_in.subject.startswith("[Northwind]") and "Northwind" in built_in.body
    assert own.subject == "Northwind: password"
    assert own.body == "Mara {link}: https://n.example/reset help@n.example"
    assert own.to == ["mara@example.org"]


def test_a_mail_with_an_unknown_placeholder_is_refused(owner: Client) -> None:
    with pytest.raises(NotPossible, match="unknown"):
        set_mail(actor=None, kind="account/email/unknown_account", subject="x", body="{nme}")
    address = reverse("console:mail", args=["unknown-account"])
    refused = owner.post(address, {"subject": "x", "body": "{nme}", "reason": "x"})
    assert refused.status_code == 422
    assert mail_in_words("account/email/unknown_account", {}) is None
    owner.post(address, {"subject": "x", "body": "Hello {email}", "reason": "x"})
    assert mail_in_words("account/email/unknown_account", {"email": "a@b"}) == ("x", "Hello a@b")
    assert owner.post(address, {"reset": "1", "reason": " "}).status_code == 422
    assert mail_in_words("account/email/unknown_account", {"email": "a@b"}) == ("x", "Hello a@b")
    owner.post(address, {"reset": "1", "reason": "back"})
    assert mail_in_words("account/email/unknown_account", {}) is None
    assert owner.get(reverse("console:mail", args=["nothing"])).status_code == 404


def test_suffixes_hold_at_once_for_matching(owner: Client) -> None:
    world = CopyWorld()
    symbol(world.connection, "GBPUSD.vip", instrument_id="7", folded="GBPUSD.VIP")
    values = {
        "name": "Main", "host": "h.example", "port": "5035", "tls": "on", "enabled": "on",
        "symbol_suffixes": ".vip", "requests_per_second": "20", "history_per_second": "5",
        "reason": "Their names",
    }  # fmt: skip
    address = reverse("console:change_connection", args=[world.connection.uuid])

    assert owner.post(address, values).status_code == 302
    assert Symbol.objects.get(instrument_id="7").folded == "GBPUSD"
    found = Connection.objects.get()
    assert (found.name, found.requests_per_second, found.enabled) == ("Main", 20, True)
    assert AuditEntry.objects.get().action == "connection.changed"
    assert owner.post(address, {**values, "port": "99999"}).status_code == 422
    page = owner.get(reverse("console:connection", args=[found.uuid]), {"text": "gbp"})
    assert "GBPUSD.vip" in page.content.decode() and "EURUSD" not in page.content.decode()


def test_a_taken_name_is_told_beside_the_field(owner: Client) -> None:
    world = CopyWorld()
    other = AccountFactory().connection
    values = {
        "platform": "paper", "name": other.name, "server": "S", "host": "h", "port": "1",
        "requests_per_second": "50", "history_per_second": "5", "client_id": "a",
        "client_secret": "b", "access_token": "c",
    }  # fmt: skip
    made = owner.post(reverse("console:add_connection"), values)
    changed = owner.post(
        reverse("console:change_connection", args=[world.connection.uuid]),
        {**values, "reason": "x"},
    )
    missing = owner.post(
        reverse("console:add_connection"), {**values, "name": "New", "access_token": ""}
    )
    assert made.context["form"].errors["name"] and changed.context["form"].errors["name"]
    assert "needs access_token" in missing.content.decode()
    assert 'value="a"' not in missing.content.decode()


def test_groups_are_added_and_changed(owner: Client) -> None:
    values = {"name": "Demo EUR", "mode": "demo", "leverage": "30", "currency": "eur"}
    owner.post(reverse("console:add_group"), values)
    group = AccountGroup.objects.get()
    assert (group.currency, group.leverage) == ("EUR", 30)
    again = owner.post(reverse("console:add_group"), {**values, "leverage": "77"})
    told = again.content.decode()
    assert again.status_code == 422 and "There is a group of this name" in told
    assert 'value="77"' in told and 'value="Demo EUR"' in told  # nothing has to be typed again
    owner.post(
        reverse("console:change_group", args=[group.pk]),
        {**values, "leverage": "50", "reason": "Rules"},
    )
    group.refresh_from_db()
    assert group.leverage == 50
    assert AuditEntry.objects.latest("id").before == {"leverage": "30.00"}


def test_the_checklist_leads_to_the_first_copied_trade(owner: Client) -> None:
    begun = steps()
    assert not any(step.done for step in begun)
    page = owner.get(reverse("console:setup")).content.decode()
    assert "Next: connect a platform" in page
    before = queries(owner, reverse("console:setup"))

    world = CopyWorld()
    world.follow()
    world.trade("p1", 100_000)
    world.run()
    fresh()

    done = {step.title: step.done for step in steps()}
    waiting = {"Run a gateway", "Read accounts and symbols"}
    assert {title for title, yes in done.items() if not yes} == waiting
    assert queries(owner, reverse("console:setup")) == before <= 12
