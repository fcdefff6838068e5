"""Fixtures for all tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from apps.accounts.house import forget_house
from apps.accounts.selectors import forget_product_config
from apps.execution.kill_switch import forget_kill_switches


@pytest.fixture(autouse=True)
def _fresh_product_config() -> Iterator[None]:
    """No test sees the configuration, or the house, that another one read."""
    forget_product_config()
    forget_house()
    forget_kill_switches()
    yield
    forget_product_config()
    forget_house()
    forget_kill_switches()


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """An empty folder for servers of the test's own.

    As root, PostgreSQL runs as a user who could not enter pytest's temporary folders.
    """
    with tempfile.TemporaryDirectory(prefix="bellwether-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def live_redis_url() -> Iterator[str]:
    """The Redis database of this worker, empty before and after the test."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield settings.REDIS_URL
    client.flushdb()
    client.close()


@pytest.fixture
def process_env(transactional_db: None, live_redis_url: str) -> dict[str, str]:
    """The environment for real processes of the product on this test's database and Redis."""
    from django.db import connection

    database = settings.DATABASES["default"]
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:"
        f"{database['PORT']}/{connection.settings_dict['NAME']}"
    )
    return os.environ | {
        "DATABASE_URL": url,
        "REDIS_URL": live_redis_url,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "PYTHONUNBUFFERED": "1",
    }
