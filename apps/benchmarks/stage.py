"""Servers of the benchmark's own, and one clean database and set of processes for each run."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings

from apps.benchmarks.rig import RigError
from apps.common.embedded import EmbeddedServers

#: Followers in runs of many trades in a row.
ENDURING = 100


class Stage:
    """PostgreSQL and Redis with the durability of an installation, in a temporary folder.

    A run is a child process, since Django speaks to one database for the life of a process.
    """

    def __init__(self, say: Callable[[str], object], keep: Path | None = None) -> None:
        self._say = say
        self._keep = keep
        self._folder = Path(tempfile.mkdtemp(prefix="bellwether-bench-"))
        self._folder.chmod(0o755)  # as root, PostgreSQL runs as a user who must get in
        self._servers = EmbeddedServers(self._folder / "servers", durable=True)
        self._runs = 0

    def __enter__(self) -> Self:
        self._say("starting PostgreSQL and Redis")
        self._servers.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._servers.stop()
        if self._keep is not None:
            shutil.copytree(self._folder / "runs", self._keep, dirs_exist_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def machine(self) -> dict[str, object]:
        return {"cpus": os.cpu_count(), "python": platform.python_version()}

    def run(self, followers: int, events: int, warmup: int, stored: int = 0) -> dict[str, Any]:
        """Figures of one follower count, with so many outcomes stored before."""
        self._say(f"{followers:,} followers, {warmup} + {events} events")
        return self._child(f"f{followers}", "copies", followers, events, warmup, stored)

    def paced(self) -> dict[str, Any]:
        """Figures of the run under a platform's rate limit."""
        self._say("150 followers at 50 requests a second")
        return self._child("paced", "paced", 150, 0, 0)

    def sustained(self, trades: int) -> dict[str, Any]:
        """Figures of that many copied trades in a row."""
        events = _even(trades, ENDURING)
        self._say(f"{events * ENDURING:,} copied trades in a row, {ENDURING} followers")
        return self._child("sustained", "sustained", ENDURING, events, 20)

    def memory(self, trades: int) -> dict[str, Any]:
        """Memory over that many copied trades."""
        events = _even(trades, ENDURING)
        self._say(f"memory over {events * ENDURING:,} copied trades, {ENDURING} followers")
        return self._child("memory", "memory", ENDURING, events, 0)

    def figures(self, masters: int, days: int) -> dict[str, float]:
        """Times of all figures of so many masters with so many days of history."""
        options = ("--masters", str(masters), "--days", str(days))
        found: dict[str, float] = self._measured("figures", "bench_figures_run", *options)
        return found

    def pages(self, size: Mapping[str, int]) -> list[dict[str, Any]]:
        """Server times of every page with so many rows behind it."""
        options = [part for name, count in size.items() for part in (f"--{name}", str(count))]
        found: list[dict[str, Any]] = self._measured(
            "pages", "bench_pages_run", *options, pool=True
        )
        return found

    def live(self, options: Mapping[str, int]) -> dict[str, Any]:
        """How soon an outcome reaches open pages."""
        flags = [part for name, count in options.items() for part in (f"--{name}", str(count))]
        found: dict[str, Any] = self._measured("live", "bench_live_run", *flags)
        return found

    def _measured(self, name: str, command: str, *options: str, pool: bool = False) -> Any:
        """What a command that is given a clean database writes.

        With ``pool`` it takes connections as the web process does.
        """
        folder = self._folder / "runs" / name
        folder.mkdir(parents=True)
        env = self._environment(f"bench_{name}", folder) | {"DATABASE_POOL": str(int(pool))}
        result = folder / "figures.json"
        self._manage(env, "migrate", "-v", "0")
        self._manage(env, command, *options, "--out", str(result))
        return json.loads(result.read_text())

    def _child(
        self, name: str, what: str, followers: int, events: int, warmup: int, stored: int = 0
    ) -> Any:
        folder = self._folder / "runs" / name
        folder.mkdir(parents=True)
        env = self._environment(f"bench_{name}", folder)
        result = folder / "figures.json"
        self._manage(env, "migrate", "-v", "0")
        self._manage(
            env,
            *("bench_run", what, "--followers", str(followers), "--events", str(events)),
            *("--warmup", str(warmup), "--outcomes-stored", str(stored)),
            *("--folder", str(folder), "--out", str(result)),
        )
        return json.loads(result.read_text())

    def _environment(self, database: str, folder: Path) -> dict[str, str]:
        with psycopg.connect(self._servers.database_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        self._runs += 1
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "DATABASE_URL": _with_path(self._servers.database_url, database),
            "REDIS_URL": _with_path(self._servers.redis_url, str(self._runs)),
            "VAR_DIR": str(folder),
            "LOG_LEVEL": "WARNING",
        }

    def _manage(self, env: Mapping[str, str], *arguments: str) -> None:
        """Run a command to its end, its output among our progress. RigError when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        )
        if done.returncode:
            raise RigError(f"{arguments[0]} ended with {done.returncode}; its reasons are above")


def _even(trades: int, followers: int) -> int:
    """How many trades of the master make at least so many copied ones; half are closes."""
    return 2 * ceil(trades / (2 * followers))


def _with_path(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
