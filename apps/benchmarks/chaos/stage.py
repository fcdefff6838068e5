"""The real processes of a chaos run, in a folder of their own, and how they are broken."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from apps.benchmarks.rig import Rig, RigError
from apps.common.embedded import EmbeddedServers
from apps.common.launcher import programs
from apps.common.launcher.installation import ROOT, Installation
from apps.demo.venue import VenueUnavailable, ask, wait_for_venue

Say = Callable[[str], object]


class Processes(Rig):
    """A rig with every process of an installation, which can be stopped and continued."""

    def beat(self) -> None:
        place = Installation(
            var=self.folder,
            data=self.folder,
            host="127.0.0.1",
            port=0,
            demo=False,
            own_postgres=False,
            own_redis=False,
        )
        self._start("beat", programs.beat(place, self._env))

    def signal(self, name: str, how: signal.Signals) -> None:
        """Send a signal to a process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid(name), how)

    def runs(self, name: str) -> bool:
        return name in self._running


class Stage:
    """PostgreSQL, Redis, venue, gateway, worker and beat; ended with everything they started."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.folder = folder
        self._say = say
        self.servers = EmbeddedServers(folder / "servers", durable=True)
        self.gateway = "gateway"  # which of the two runs, or leads
        self._rules: Sequence[Mapping[str, Any]] = ()

    def __enter__(self) -> Self:
        self._say("starting PostgreSQL, Redis and the venue")
        self.servers.start()
        try:
            (self.folder / "run").mkdir()
            self.rig = Processes(self.folder / "run", self._environment())
            self.manage("migrate", "-v", "0")
            self.rig.venue("--no-rate-limits")
            self.rig.wait_until(self.rig.venue_listens, "the venue's start", 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if hasattr(self, "rig"):
            for name in ("gateway", "gateway-b", "worker", "upkeep", "beat", "venue"):
                if self.rig.runs(name):
                    self.rig.kill(name)
        self.servers.stop()

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "DATABASE_URL": self.servers.database_url,
            "REDIS_URL": self.servers.redis_url,
            "VAR_DIR": str(self.folder / "run"),
            "LOG_LEVEL": "INFO",
        }

    def manage(self, *arguments: str) -> None:
        """Run a management command to its end. RigError when it fails."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        )
        if done.returncode:
            raise RigError(f"{arguments[0]} ended with {done.returncode}; its reasons are above")

    def start(self) -> None:
        """Start the product on accounts that have been opened."""
        self.rig.gateway(self.gateway)
        self.rig.worker()
        self.rig.upkeep()
        self.rig.beat()

    # --- the venue's faults ----------------------------------------------------------------------
    def faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Have the venue keep to this plan, also after it is killed; an empty one is honesty."""
        self._rules = rules
        if self.rig.runs("venue"):
            self._tell_venue()

    def _tell_venue(self) -> None:
        wait_for_venue(self.rig.admin_port, within_s=_VENUE_START_S)
        with contextlib.suppress(VenueUnavailable):
            ask(self.rig.admin_port, "faults", rules=list(self._rules))

    # --- killing ---------------------------------------------------------------------------------
    def kill(self, name: str) -> float:
        """SIGKILL; answers when, on the monotonic clock."""
        if name == "postgres":
            for pid in _tree(self.servers.pid(name)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.servers.kill_postgres()
        elif name == "redis":
            self.servers.kill_redis()
        else:
            self.rig.kill(name)
        return time.monotonic()

    def restart(self, name: str) -> None:
        if name == "postgres":
            self.servers.start_postgres()
        elif name == "redis":
            self.servers.start_redis()
        elif name == "venue":
            self.rig.venue("--no-rate-limits")
            self._tell_venue()
        elif name.startswith("gateway"):
            self.rig.gateway(name)
        else:
            getattr(self.rig, name)()


#: It reads its books before it answers, and leaves the processor to the others.
_VENUE_START_S = 60.0


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that PostgreSQL's own user may enter."""
    folder = tempfile.TemporaryDirectory(prefix="bellwether-chaos-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o755)
    return folder


def _tree(pid: int) -> list[int]:
    """A process and its children."""
    found = [pid]
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += (int(child) for child in entry.read_text().split())
    return found
