"""Moments read from PostgreSQL are the same as Django's own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import BaseTzLoader  # type: ignore[import-untyped]
from psycopg import DataError
from psycopg.postgres import types

from apps.common.moments import MomentLoader

OID = types["timestamptz"].oid


class _Djangos(BaseTzLoader):
    timezone = UTC


@pytest.mark.parametrize(
    "text",
    [
        b"2026-11-28 10:48:03+00",
        b"2026-11-28 10:48:03.5+00",
        b"2026-11-28 10:48:03.123456+00",
        b"0001-01-01 00:00:00+00",
        b"9999-12-31 23:59:59.999999+00",
    ],
)
def test_a_moment_is_read_as_django_reads_it(text: bytes) -> None:
    read = MomentLoader(OID).load(text)
    assert read == _Djangos(OID).load(text)
    assert read.tzinfo is UTC


@pytest.mark.parametrize("text", [b"2026-11-28 10:48:03+05:30", b"2026-11-28 10:48:03-03"])
def test_of_another_time_zone_is_read_as_django_reads_it(text: bytes) -> None:
    assert MomentLoader(OID).load(text) == _Djangos(OID).load(text)


@pytest.mark.parametrize("text", [b"infinity", b"0044-03-15 12:00:00+00 BC"])
def test_what_python_has_no_moment_for_is_refused(text: bytes) -> None:
    with pytest.raises(DataError):
        MomentLoader(OID).load(text)


@pytest.mark.django_db
def test_connections_read_so() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT '2026-11-28 11:48:03.25+01'::timestamptz")
        assert cursor.fetchone() == (datetime(2026, 11, 28, 10, 48, 3, 250000, UTC),)
        assert connection.connection.adapters.get_loader(OID, 0) is MomentLoader
