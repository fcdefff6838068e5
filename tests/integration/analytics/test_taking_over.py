"""An installation that has sampled before keeps its samples when they move to partitions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

NAME = "bellwether_taking_over"


@pytest.fixture
def database_url() -> Iterator[str]:
    """An empty database beside the tests' own."""
    server = settings.DATABASES["default"]
    base = f"postgres://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}"
    name = f"{NAME}_{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}"')
    yield f"{base}/{name}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(database_url: str, *target: str) -> None:
    """Migrate an app, to a migration."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0", *target],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url},
        check=True,
        timeout=120,
    )


def test_samples_of_before_are_in_their_months(database_url: str) -> None:
    migrate(database_url, "accounts")  # whose roles are looked after at every migration
    migrate(database_url, "analytics", "0001")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO analytics_equitysample (account_id, at, balance, equity, margin_used) "
            "VALUES (7, '2025-12-31T23:59Z', 1, 2, 3), (7, '2026-01-01T00:00Z', 4, 5, 6)"
        )
    migrate(database_url, "analytics")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT tableoid::regclass::text, account_id, balance, equity, margin_used, deposits "
            "FROM analytics_equitysample ORDER BY at"
        ).fetchall()
        months = connection.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent IN "
            "('analytics_equitysample'::regclass, 'analytics_equityhour'::regclass)"
        ).fetchone()
    assert rows == [
        ("analytics_equitysample_2025_12", 7, 1, 2, 3, 0),
        ("analytics_equitysample_2026_01", 7, 4, 5, 6, 0),
    ]
    assert months is not None and months[0] >= 8 and months[0] % 2 == 0
