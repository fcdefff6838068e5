"""The processes of the product, as they run on one machine."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps.common import tether
from apps.common.embedded import EmbeddedServers
from apps.common.launcher.installation import ROOT, Installation
from apps.common.launcher.supervisor import Program

#: What must not wait for anything longer, and what may.
COPY_QUEUES = "copy,bots,default"
UPKEEP_QUEUES = "upkeep,analytics,rewards"
#: So many masters are worked on side by side.
COPY_WORKERS = 2
#: Waits for mail servers and messengers, and so holds up nothing else.
NOTIFY_QUEUES = "notify"
_SERVERS_LAST = 10
#: Of what copies must not wait for: sweeps, and still less a venue that stands for somebody
#: else's machine.
_NICE, _VENUE_NICE = 5, 10


def postgres(servers: EmbeddedServers) -> Program:
    account = servers.account
    return Program(
        name="postgres",
        command=servers.postgres_command(),
        folder=servers.directory,
        stop_signal=signal.SIGINT,  # a fast shutdown: sessions end, data is written
        stop_within_s=1.8,
        stop_order=_SERVERS_LAST,
        uid=account.uid if account else None,
        gid=account.gid if account else None,
    )


def redis(servers: EmbeddedServers) -> Program:
    return Program(
        name="redis",
        command=_tethered(servers.redis_command()),
        folder=servers.directory,
        stop_within_s=1.0,
        stop_order=_SERVERS_LAST,
    )


def paper_venue(installation: Installation, env: Mapping[str, str]) -> Program:
    # Last, like the servers: whoever trades here would otherwise complain that it is gone.
    return _managed(
        "venue",
        env,
        "papervenue",
        "serve",
        *("--host", "127.0.0.1", "--port", env["PAPERVENUE_PORT"]),
        *("--admin-port", env["PAPERVENUE_ADMIN_PORT"]),
        *(("--http-port", pages) if (pages := _port_of(env.get("PAPERVENUE_URL", ""))) else ()),
        *("--data", str(installation.var / "papervenue")),
        stop_within_s=1.5,
        stop_order=_SERVERS_LAST,
        niceness=_VENUE_NICE,
    )


def _port_of(address: str) -> str:
    return address.rpartition(":")[2]


def gateway(env: Mapping[str, str]) -> Program:
    return _managed("gateway", env, "gateway")


def demo_traders(env: Mapping[str, str]) -> Program:
    return _managed("traders", env, "demo_traders")


def worker(env: Mapping[str, str]) -> Program:
    """Plans and settles, one master at a time.

    Each process takes a task from Redis only when it begins it: a parent that takes it for a
    child would hand it on a millisecond later.
    """
    solo = ("-Q", COPY_QUEUES, "--pool", "solo")
    env = {**env, "DATABASE_BY_INDEX": "1"}
    return _celery("worker", env, *solo, *_ALONE, processes=COPY_WORKERS)


def upkeep(env: Mapping[str, str]) -> Program:
    """Sweeps, sealing, reconciliation and figures, beside the copies in a process of its own."""
    solo = ("-Q", UPKEEP_QUEUES, "--pool", "solo")
    return _celery("worker", env, *solo, *_ALONE, title="upkeep", niceness=_NICE)


def notifier(env: Mapping[str, str]) -> Program:
    """Tells customers what happened; its threads wait for mail servers, not for the processor."""
    return _celery(
        "worker",
        env,
        *("-Q", NOTIFY_QUEUES, "--pool", "threads", "--concurrency", "4"),
        *_ALONE,
        title="notifier",
        niceness=_NICE,
    )


_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def beat(installation: Installation, env: Mapping[str, str]) -> Program:
    schedule = str(installation.var / "beat-schedule")
    return _celery("beat", env, "-s", schedule, "--pidfile", "")


def web(installation: Installation, env: Mapping[str, str]) -> Program:
    return _python(
        "web",
        {**env, "DATABASE_POOL": "1"},
        "uvicorn",
        "config.asgi:application",
        *("--host", installation.host, "--port", str(installation.port)),
        *("--loop", "uvloop", "--ws", "websockets-sansio", "--lifespan", "off"),
        *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "1"),
    )


def manage(*arguments: str) -> list[str]:
    """The command line of a management command."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def collect_static() -> list[str]:
    return manage("collectstatic", "--no-input", "-v", "0")


def _managed(
    name: str, env: Mapping[str, str], *arguments: str, niceness: int = 0, **how: Any
) -> Program:
    command = _tethered(manage(*arguments), niceness)
    return Program(name=name, command=command, env=env, folder=ROOT, **how)


def _python(
    name: str, env: Mapping[str, str], *module: str, niceness: int = 0, **how: Any
) -> Program:
    command = _tethered([sys.executable, "-m", *module], niceness)
    return Program(name=name, command=command, env=env, folder=ROOT, **how)


def _celery(
    name: str,
    env: Mapping[str, str],
    *options: str,
    title: str = "",
    niceness: int = 0,
    processes: int = 1,
) -> Program:
    command = ("celery", "--quiet", "-A", "config", name, "--loglevel", "WARNING", *options)
    # Messages are JSON alone: for root in a container or on a demo machine no cause to warn.
    quiet = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
    return _python(
        title or name, {**env, **quiet}, *command, niceness=niceness, processes=processes
    )


def _tethered(command: list[str], niceness: int = 0) -> list[str]:
    return [sys.executable, "-ISs", str(Path(tether.__file__)), str(niceness), *command]
