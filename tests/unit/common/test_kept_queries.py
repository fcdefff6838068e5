"""Rows by statements that are made once, against what Django's querysets answer."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Customer, User
from apps.accounts.session_store import SessionStore
from apps.common.database import prepared_rows
from apps.common.kept_queries import KeptQuery
from tests.factories.accounts import CustomerFactory

pytestmark = pytest.mark.django_db

_BY_EMAIL = KeptQuery(
    lambda: Customer.objects.select_related("user"),
    "accounts_user.email = ANY(%s) ORDER BY accounts_user.email DESC LIMIT %s",
)


def test_rows_are_those_of_a_queryset_with_their_relations() -> None:
    users = [CustomerFactory(user__email=f"{letter}@example.com").user for letter in "abc"]
    found = _BY_EMAIL([user.email for user in users], 2)
    expected = Customer.objects.select_related("user").order_by("-user__email")[:2]
    assert found == list(expected)
    for one, other in zip(found, expected, strict=True):
        for field in Customer._meta.concrete_fields:
            assert getattr(one, field.attname) == getattr(other, field.attname)
        for field in User._meta.concrete_fields:
            assert getattr(one.user, field.attname) == getattr(other.user, field.attname)
    assert _BY_EMAIL([], 2) == []


def test_relations_are_read_along_and_the_query_is_counted() -> None:
    user = CustomerFactory(user__email="a@example.com").user
    with CaptureQueriesContext(connection) as captured:
        assert [one.user.email for one in _BY_EMAIL([user.email], 5)] == [user.email]
    assert len(captured) == 1


def test_errors_are_those_of_django() -> None:
    with pytest.raises(DatabaseError):
        prepared_rows("SELECT nothing_of_the_kind")


def test_a_session_is_read_and_one_that_has_ended_is_not() -> None:
    session = SessionStore()
    session["theme"] = "dark"
    session.create()
    assert SessionStore(session.session_key)["theme"] == "dark"
    session.set_expiry(-1)
    session.save()
    ended = SessionStore(session.session_key)
    assert "theme" not in ended and ended.session_key is None
    assert SessionStore(uuid.uuid4().hex).get("theme") is None


def test_a_static_file_has_one_address() -> None:
    first = staticfiles_storage.url("css/base.css")
    assert first == staticfiles_storage.url("css/base.css") and first.startswith("/static/css/")


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_has_ended_is_replaced_at_the_next_request() -> None:
    assert prepared_rows("SELECT 1") == [(1,)]
    ended = connection.connection.info.backend_pid
    with psycopg.connect(**_place()) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [ended])
    connection.close_if_unusable_or_obsolete()  # what the beginning of a request does
    assert prepared_rows("SELECT 1") == [(1,)]
    assert connection.connection.info.backend_pid != ended


def _place() -> dict[str, object]:
    info = connection.connection.info
    return {
        "host": info.host,
        "port": info.port,
        "user": info.user,
        "password": info.password,
        "dbname": info.dbname,
    }
