"""The page on which a track record is imported."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from apps.accounts.models import User
from apps.analytics.models import EquityDay, ImportedRecord
from apps.platforms.models import TradingAccount
from tests.factories.copytrading import switch_copying
from tests.factories.platforms import AccountFactory
from tests.support.queries import queries
from tests.support.statements import MT4, SAMPLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(customer: User) -> TradingAccount:
    switch_copying()
    return AccountFactory(owner=customer, name="Main")


def at(account: TradingAccount, name: str = "track_record") -> str:
    return reverse(f"portal:{name}", args=[account.uuid])


def upload(client: Client, account: TradingAccount, data: bytes, name: str = "a.htm") -> Any:
    file = SimpleUploadedFile(name, data)
    return client.post(at(account), {"file": file, "utc_offset": "0"})


def test_upload_look_confirm_remove(as_customer: Client, account: TradingAccount) -> None:
    assert upload(as_customer, account, (SAMPLES / MT4).read_bytes()).url == at(account)
    page = as_customer.get(at(account)).content.decode()
    assert "This is a preview" in page and "MetaTrader 4" in page and "Import this record" in page
    assert not EquityDay.objects.exists()

    as_customer.post(at(account, "confirm_record"))

    page = as_customer.get(at(account)).content.decode()
    assert "This is a preview" not in page and "Imported history" in page
    for shown in ("account", "accounts"):
        address = at(account, shown) if shown == "account" else reverse("portal:accounts")
        assert as_customer.get(address).status_code == 200
    assert "Imported history" in as_customer.get(at(account, "account")).content.decode()
    become = as_customer.get(reverse("portal:become_master")).content.decode()
    assert "Imported history" in become

    assert "leave the figures" in as_customer.get(at(account, "remove_record")).content.decode()
    as_customer.post(at(account, "remove_record"))
    assert not ImportedRecord.objects.exists() and not EquityDay.objects.exists()
    assert "Imported history" not in as_customer.get(at(account, "account")).content.decode()


def test_what_is_wrong_is_listed_by_line(as_customer: Client, account: TradingAccount) -> None:
    data = (SAMPLES / MT4).read_bytes().replace(b"buy", b"bye", 1)
    response = upload(as_customer, account, data)
    assert response.status_code == 422
    page = response.content.decode()
    assert "Nothing was imported" in page and "<script" not in page.split("What is wrong")[1][:400]
    (line, sentence) = response.context["refused"].problems[0]
    assert line > 1 and f">{line}</td>" in page and escape(sentence) in page
    assert not ImportedRecord.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(1000),
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        b"%PDF-1.7 " + bytes(200),
        b"<html><table>" + b"<tr><td>" * 5000,
        b"<html><script>alert(1)</script></html>",
        "type,symbol\n\ud83d".encode("utf-16", "surrogatepass"),
        b"\xff\xfe" + b"\x00" * 999,
    ],
    ids=["empty", "zeros", "png", "pdf", "deep", "script", "surrogate", "odd-utf-16"],
)
def test_anything_else_is_refused_in_words(
    as_customer: Client, account: TradingAccount, data: bytes
) -> None:
    response = upload(as_customer, account, data)
    assert response.status_code == 422
    assert "What is wrong in the file" in response.content.decode()
    assert "alert(1)" not in response.content.decode()
    assert not ImportedRecord.objects.exists()


def test_a_huge_file_is_not_read(as_customer: Client, account: TradingAccount) -> None:
    response = upload(as_customer, account, bytes(8 * 1024 * 1024 + 1))
    assert response.status_code == 422
    assert "more than 8 MB" in response.content.decode()


def test_a_name_with_anything_in_it_is_shown_as_text(
    as_customer: Client, account: TradingAccount
) -> None:
    name = "<img src=x onerror=alert(1)>.htm"
    upload(as_customer, account, (SAMPLES / MT4).read_bytes(), name)
    assert "<img src=x" not in as_customer.get(at(account)).content.decode()


def test_discarding_forgets_it(as_customer: Client, account: TradingAccount) -> None:
    upload(as_customer, account, (SAMPLES / MT4).read_bytes())
    as_customer.post(at(account, "discard_record"))
    assert not ImportedRecord.objects.exists()
    as_customer.post(at(account, "confirm_record"))
    assert not EquityDay.objects.exists()


def test_more_trades_cost_no_more_queries(as_customer: Client, account: TradingAccount) -> None:
    upload(as_customer, account, (SAMPLES / MT4).read_bytes())
    assert queries(as_customer, at(account)) <= 18
