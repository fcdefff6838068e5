"""PostgreSQL goes away under a worker: its lock has gone with the connection."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DataError, OperationalError, connection

from apps.common.database import Query, ask_together
from apps.copytrading.services import sql
from apps.copytrading.services.locks import MASTER_LOCK, master_lock, master_lock_asking

pytestmark = pytest.mark.django_db(transaction=True)

ONE = Query("SELECT 1::int", [], lambda rows: rows[0][0])

# The server's other databases have locks of the same name while tests run side by side.
HELD = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
          WHERE datname = current_database() AND locktype = 'advisory' AND classid = %s"""


def cut() -> None:
    """End the connection of this test, from the outside."""
    own = connection.connection.info
    values = connection.get_connection_params()
    values = {k: v for k, v in values.items() if k in {"host", "port", "user", "password"}}
    with psycopg.connect(dbname=own.dbname, autocommit=True, **values) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [own.backend_pid])


def go_on_under_a_lock_that_ends() -> None:
    with master_lock(7) as taken:
        assert taken
        cut()
        ask_together(ONE)


def test_whoever_has_lost_a_lock_does_not_go_on_without_it() -> None:
    with pytest.raises(OperationalError):
        go_on_under_a_lock_that_ends()
    connection.close()


def test_a_lock_is_not_kept_when_what_was_asked_with_it_fails() -> None:
    wrong = Query("SELECT 1 / %s::int", [0], list)
    with pytest.raises(DataError), master_lock_asking(7, wrong):
        pass
    assert sql.rows(HELD, [MASTER_LOCK]) == [(0,)]


def test_a_worker_that_begins_gets_a_new_connection_and_its_lock() -> None:
    sql.rows("SELECT 1")
    cut()
    with master_lock_asking(7, ONE) as (taken, (one,)):
        assert (taken, one) == (True, 1)
        assert sql.rows(HELD, [MASTER_LOCK]) == [(1,)]
