"""One PostgreSQL and one Redis for the whole run, unless the environment names others.

They start before Django is set up; workers of pytest-xdist inherit the addresses, and each has
a database and a Redis database of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import django

from apps.common.embedded import EmbeddedServers

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"


def _start_servers() -> None:
    postgres, redis = "DATABASE_URL" not in os.environ, "REDIS_URL" not in os.environ
    if not (postgres or redis):
        return
    folder = Path(tempfile.mkdtemp(prefix="bellwether-tests-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as a user who must get in
    servers = EmbeddedServers(folder, durable=False, postgres=postgres, redis=redis)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(servers.stop)
    servers.start()
    if postgres:
        os.environ["DATABASE_URL"] = servers.database_url
    if redis:
        os.environ["REDIS_URL"] = servers.redis_url


_start_servers()
django.setup()
