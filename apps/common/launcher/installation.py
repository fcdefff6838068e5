"""Where this installation keeps its data, and which servers and addresses it uses."""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from apps.common.embedded import EmbeddedServers, free_port, port_is_free
from apps.common.keyfile import read_or_create

ROOT = Path(__file__).resolve().parents[3]


class Refusal(Exception):
    """The product cannot be started; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the environment decides about this start."""

    var: Path
    data: Path
    host: str
    port: int
    demo: bool
    own_postgres: bool
    own_redis: bool

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}/"

    def servers(self) -> EmbeddedServers:
        """The embedded servers that stand in for addresses which are not set."""
        return EmbeddedServers(self.data, postgres=self.own_postgres, redis=self.own_redis)

    def remembered_port(self, name: str) -> int:
        """A loopback port that stays the same from start to start while it is free."""
        path = self.var / "ports" / name
        if path.exists() and port_is_free(port := int(path.read_text())):
            return port
        path.parent.mkdir(parents=True, exist_ok=True)
        port = free_port()
        path.write_text(str(port))
        return port


def from_environment() -> Installation:
    """Read the environment and make the folders. Refusal when a value makes no sense."""
    try:
        var = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()
        var.mkdir(parents=True, exist_ok=True)
        data = Path(os.environ.get("DATA_DIR") or _default_data(var)).resolve()
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(
            f"{error.filename} cannot be created ({error.strerror}): set VAR_DIR and DATA_DIR "
            "to folders that you may write to."
        ) from None
    return Installation(
        var=var,
        data=data,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=_port(os.environ.get("PORT", "8000")),
        demo=os.environ.get("DEMO", "1").lower() not in ("0", "no", "false", ""),
        own_postgres=not os.environ.get("DATABASE_URL"),
        own_redis=not os.environ.get("REDIS_URL"),
    )


def hold(installation: Installation) -> list[int]:
    """Make sure that nobody else runs this installation; the locks last as long as we do.

    The data has a lock of its own: a copied clone may share it.
    """
    locks = [_lock(folder) for folder in (installation.var, installation.data)]
    if not port_is_free(installation.port, installation.host):
        raise Refusal(
            f"Port {installation.port} is in use: stop the program that listens there, or choose "
            f"another one, e.g. PORT={installation.port + 1} make run."
        )
    return locks


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode().strip()
        raise Refusal(
            f"Bellwether already runs on the data in {folder} (process {holder}): stop that one "
            "first, by Ctrl-C in its terminal."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _default_data(var: Path) -> Path:
    """As root outside the clone, where PostgreSQL's unprivileged user can reach it.

    The folder's name is kept in ``var``: without that, and so without its keys, the data would
    be of no use, and a new clone in the old place begins anew.
    """
    if os.geteuid() == 0:
        name = read_or_create(var / "data-name", lambda: f"bellwether-{secrets.token_hex(5)}")
        return Path("/var/lib") / name
    return var / "servers"


def _port(value: str) -> int:
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise Refusal(f"PORT={value} is not a port: choose a number from 1 to 65535.")
    return int(value)
