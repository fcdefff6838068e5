"""Where this installation keeps its data, and which servers and addresses it uses."""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from apps.common.embedded import EmbeddedServers, free_port, port_is_free

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
    """Read the environment. Refusal when a value makes no sense or the port is taken."""
    var = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()
    installation = Installation(
        var=var,
        data=Path(os.environ.get("DATA_DIR") or _default_data(var)).resolve(),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=_port(os.environ.get("PORT", "8000")),
        demo=os.environ.get("DEMO", "1").lower() not in ("0", "no", "false", ""),
        own_postgres=not os.environ.get("DATABASE_URL"),
        own_redis=not os.environ.get("REDIS_URL"),
    )
    try:
        var.mkdir(parents=True, exist_ok=True)
        installation.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(
            f"{error.filename} cannot be created ({error.strerror}): set VAR_DIR and DATA_DIR "
            "to folders that you may write to."
        ) from None
    return installation


def hold(installation: Installation) -> int:
    """Make sure that nobody else runs this installation; the lock lasts as long as we do."""
    descriptor = os.open(installation.var / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode().strip()
        raise Refusal(
            f"Bellwether runs from this folder already (process {holder}): stop that one first, "
            "by Ctrl-C in its terminal."
        ) from None
    if not port_is_free(installation.port, installation.host):
        raise Refusal(
            f"Port {installation.port} is in use: stop the program that listens there, or choose "
            f"another one, e.g. PORT={installation.port + 1} make run."
        )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _default_data(var: Path) -> Path:
    """As root outside the clone, where PostgreSQL's unprivileged user can reach it."""
    if os.geteuid() == 0:
        name = hashlib.sha256(str(var).encode()).hexdigest()[:10]
        return Path("/var/lib") / f"bellwether-{name}"
    return var / "servers"


def _port(value: str) -> int:
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise Refusal(f"PORT={value} is not a port: choose a number from 1 to 65535.")
    return int(value)
