"""Risk disclosure and terms: versions, acceptances, and that neither is ever changed."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from apps.accounts.errors import InvalidText, NotPermitted, TextOutdated
from apps.accounts.legal import accept_texts, current_texts, missing_texts, publish_text
from apps.accounts.models import Acceptance, AuditEntry, LegalText, User
from apps.accounts.roles import Role
from tests.factories.accounts import staff

pytestmark = pytest.mark.django_db
ADD = "admin:accounts_legaltext_add"


def test_a_new_installation_has_both_texts(customer: User) -> None:
    assert [(t.kind, t.version) for t in current_texts()] == [("risk", 1), ("terms", 1)]
    assert all("must replace" in text.text for text in current_texts())
    assert missing_texts(customer) == current_texts()


@pytest.mark.parametrize("model", [LegalText, Acceptance])
def test_what_was_written_stays(customer: User, accepted: None, model: type) -> None:
    field = {"published_by": "x"} if model is LegalText else {"user": customer}
    for change in (model.objects.all().update, model.objects.all()._raw_delete):
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            change(**field) if change.__name__ == "update" else change("default")


def test_versions_count_and_only_the_newest_holds(customer: User, accepted: None) -> None:
    owner = staff(Role.OWNER)
    made = publish_text(actor=owner, kind="risk", text="  Second.\r\n\r\nMore.  ")

    assert (made.version, made.text, made.published_by) == (2, "Second.\n\nMore.", owner.email)
    assert [t.version for t in current_texts()] == [2, 1]
    assert [str(t) for t in missing_texts(customer)] == ["Risk disclosure, version 2"]
    entry = AuditEntry.objects.get(action="legal.publish")
    assert (entry.before, entry.after) == ({"version": 1}, {"version": 2})
    with pytest.raises(TextOutdated):
        accept_texts(actor=customer, versions={"risk": 1})
    assert accept_texts(actor=customer, versions={"risk": 2}) == [made]
    assert accept_texts(actor=customer, versions={"risk": 2}) == []
    for role in (Role.RISK, Role.SUPPORT):
        with pytest.raises(NotPermitted):
            publish_text(actor=staff(role), kind="risk", text="x")
    with pytest.raises(InvalidText):
        publish_text(actor=owner, kind="risk", text=" \n ")


def test_staff_publish_in_the_admin_and_change_nothing(customer: User) -> None:
    client = Client()
    client.force_login(staff(Role.ADMIN))

    done = client.post(reverse(ADD), {"kind": "terms", "text": "Ours.\n\nSecond paragraph."})
    assert done.status_code == 302
    text = LegalText.objects.get(kind="terms", version=2)
    change = reverse("admin:accounts_legaltext_change", args=[text.pk])
    assert "Second paragraph." in client.get(change).content.decode()
    assert client.post(change, {"kind": "terms", "text": "Other"}).status_code == 403
    client.force_login(staff(Role.SUPPORT))
    assert client.post(reverse(ADD), {"kind": "terms", "text": "x"}).status_code == 403
    client.force_login(customer)
    assert client.post(reverse(ADD), {"kind": "terms", "text": "x"}).status_code == 302
    assert LegalText.objects.count() == 3


def test_customers_see_what_they_accepted_and_accept_what_is_new(
    as_customer: Client, customer: User, accepted: None
) -> None:
    publish_text(actor=None, kind="terms", text="Only <b>plain</b> words.")
    listed = as_customer.get(reverse("portal:terms")).content.decode()
    assert listed.count("Not yet; asked before you follow somebody") == 1
    assert listed.count("In force") == 2 and listed.count("<time") == 2

    address = reverse("portal:legal_text", args=["terms", 2])
    shown = as_customer.get(address).content.decode()
    assert "Only &lt;b&gt;plain&lt;/b&gt; words." in shown and "I have read it" in shown
    old = as_customer.get(reverse("portal:legal_text", args=["terms", 1])).content.decode()
    assert "A newer version is in force" in old and "I have read it" not in old
    assert as_customer.get(reverse("portal:legal_text", args=["terms", 9])).status_code == 404

    for version in ("1", "x", ""):
        as_customer.post(reverse("portal:terms"), {"kind": "terms", "version": version})
    assert missing_texts(customer)
    as_customer.post(reverse("portal:terms"), {"kind": "terms", "version": "2"})
    assert not missing_texts(customer)
    assert "I have read it" not in as_customer.get(address).content.decode()


def test_acceptances_of_others_are_not_shown(as_stranger: Client, accepted: None) -> None:
    listed = as_stranger.get(reverse("portal:terms")).content.decode()

    assert listed.count("Not yet; asked before you follow somebody") == 2
