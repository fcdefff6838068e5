"""Leaving the test database to nobody."""

from __future__ import annotations

from django.db import connection


def close_idle_connections() -> None:
    """End idle sessions of other threads; left open they keep the test database in use.

    This thread's own is made anew: a thread that shared it may have closed it underneath.
    """
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
        )
