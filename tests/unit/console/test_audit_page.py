"""The audit trail: nobody alters it, and what is looked for is found in it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.accounts import audit
from apps.accounts.api import record_audit
from apps.accounts.audit import AuditSearch, search_audit
from apps.accounts.models import AuditEntry, User
from apps.accounts.roles import Role
from tests.factories.accounts import UserFactory, staff
from tests.support.queries import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return staff(Role.OWNER)


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def entry(actor: User | None = None, action: str = "master.paused", **changes: object) -> None:
    values = {
        "object_type": action.partition(".")[0],
        "object_id": "1",
        "object_label": "Harbour Swing",
        "reason": "News",
        "before": {"status": "active"},
        "after": {"status": "paused"},
    }
    record_audit(actor=actor, action=action, **(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET reason = 'another'",
        "DELETE FROM accounts_auditentry",
        "DELETE FROM accounts_auditentry WHERE id = 0",
    ],
)
def test_postgresql_refuses_to_alter_an_entry(statement: str) -> None:
    entry()
    refused = pytest.raises(IntegrityError, match="kept for good")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().reason == "News"


def test_an_entry_outlives_its_object_and_its_actor() -> None:
    actor, gone = UserFactory(email="ida@example.org"), UserFactory(email="mara@example.org")
    entry(actor, "customer.lock", object_type="user", object_id=str(gone.uuid))
    gone.delete()
    actor.delete()

    (row,) = (
        search_audit(AuditSearch(actor="ida@")).rows
        or search_audit(AuditSearch(actor="ida@example.org")).rows
    )
    assert (row.actor, row.action) == ("ida@example.org", "customer.lock")


def test_searching_by_each_filter(owner: User) -> None:
    entry(owner)
    entry(None, "subscription.loss_limit", object_label="subscription 7", reason="Lost 500")
    entry(owner, "defaults.update", object_type="product_config", object_id="defaults", reason="x")

    def found(**wanted: object) -> list[str]:
        return [row.action for row in search_audit(AuditSearch(**wanted)).rows]  # type: ignore[arg-type]

    assert found() == ["defaults.update", "subscription.loss_limit", "master.paused"]
    assert found(actor="system") == ["subscription.loss_limit"]
    assert found(actor=owner.email[:5].upper()) == ["defaults.update", "master.paused"]
    assert found(action="master.paused") == ["master.paused"]
    assert found(object_type="product_config", object_id="defaults") == ["defaults.update"]
    assert found(text="lost 500") == ["subscription.loss_limit"]
    assert found(text="harbour") == ["defaults.update", "master.paused"]
    assert found(text="100%") == []
    assert found(since=datetime.now(UTC) + timedelta(days=1)) == []
    assert len(found(until=datetime.now(UTC) + timedelta(days=1))) == 3


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    for number in range(7):
        entry(object_id=str(number))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = search_audit(AuditSearch(), cursor=cursor, limit=3)
        seen += [row.object_id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_words_are_looked_for_in_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LOOKED_THROUGH", 4)
    entry(reason="needle")
    for _ in range(6):
        entry()

    first = search_audit(AuditSearch(text="needle"))
    second = search_audit(AuditSearch(text="needle"), cursor=first.next_cursor)

    assert first.rows == [] and first.looked_back_to is not None
    assert [row.reason for row in second.rows] == ["needle"]
    assert second.next_cursor is None


def test_the_page_tells_changes_in_words(client: Client, owner: User) -> None:
    entry(owner)
    entry(owner, "customer.permissions", object_type="user", before={"may_copy": True},
          after={"may_copy": False})  # fmt: skip
    page = client.get(reverse("console:audit")).content.decode()

    assert "<del>active</del>" in page and "<ins>paused</ins>" in page
    assert '<span class="soft">Copying</span> <del>on</del>' in page
    assert "Changed permissions" in page


def test_wrong_filters_are_told_and_do_no_harm(client: Client) -> None:
    entry()
    page = client.get(reverse("console:audit"), {"since": "yesterday", "before": "x-y"})
    assert page.status_code == 200
    assert "Give a day like" in page.content.decode()
    assert "Harbour Swing" in page.content.decode()


def test_queries_do_not_grow(client: Client) -> None:
    entry()
    before = queries(client, reverse("console:audit"))
    for number in range(20):
        entry(object_id=str(number))
    assert queries(client, reverse("console:audit")) == before <= 6


async def _read(response: object) -> bytes:
    return b"".join([part async for part in response])  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_the_file_holds_what_the_filter_leaves(client: Client) -> None:
    from asgiref.sync import async_to_sync

    entry(reason="=HYPERLINK()")
    entry(None, "kill_switch.halted", object_type="kill_switch", object_label="Everything")
    response = client.get(reverse("console:audit_csv"), {"object_type": "master"})
    text = async_to_sync(_read)(response.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))

    assert [(row["action"], row["reason"]) for row in rows] == [("master.paused", "'=HYPERLINK()")]
    assert rows[0]["after"] == '{"status": "paused"}'
