"""One PostgreSQL and one Redis in a folder."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import redis

from apps.common.embedded.machine import (
    HOST,
    Account,
    ServerUnavailable,
    die_with_parent,
    free_port,
    port_is_free,
    postgres_folder,
    reachable,
    redis_program,
    run_as,
    stop_leftover_postgres,
    unprivileged_account,
)

_DATABASE = "bellwether"


class EmbeddedServers:
    """One PostgreSQL and one Redis in ``directory``.

    Without ``durable`` data survives the death of a process, but not that of the machine: for
    tests only.
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
            f"postgres://bellwether:{self._state['password']}@{HOST}:"
            f"{self._state['postgres_port']}/{_DATABASE}"
        )

    @property
    def redis_url(self) -> str:
        return f"redis://:{self._state['password']}@{HOST}:{self._state['redis_port']}/0"

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

    def pid(self, name: str) -> int:
        """Process id of ``postgres`` or ``redis``, which must be running."""
        return self._processes[name].pid

    def __enter__(self) -> EmbeddedServers:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # --- commands ------------------------------------------------------------------------------
    def postgres_command(self) -> list[str]:
        """What runs PostgreSQL in the foreground; as root run it as ``account``."""
        settings: dict[str, str | int] = {
            "listen_addresses": HOST,
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
            "lc_messages": "C",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if sys.platform == "linux":
            # One write that returns when it is on the disk, for a write and a flush after it.
            settings["wal_sync_method"] = "open_datasync"
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
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
            f"bind {HOST}",
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
        if account is None or reachable(original / "bin" / "postgres", account):
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
            command, capture_output=True, text=True, cwd=self.directory, **run_as(account)
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
                preexec_fn=die_with_parent(
                    signal.SIGQUIT if name == "postgres" else signal.SIGTERM
                ),
                **run_as(account),
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
        # Asking earlier would leave a line about it in the log of every start.
        try:
            status = (self.directory / "pg" / "postmaster.pid").read_text()
        except FileNotFoundError:
            return False
        if not status.rstrip().endswith("\nready"):
            return False
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
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_answers(url: str) -> bool:
    """Whether a Redis server answers at the address."""
    client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
