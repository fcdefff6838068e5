"""The embedded servers: found again, killed, stopped, closed to strangers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from apps.common.embedded import (
    EmbeddedServers,
    ServerUnavailable,
    port_is_free,
    postgres_answers,
    redis_answers,
    redis_program,
    stop_leftover_postgres,
)


@pytest.fixture
def servers(server_folder: Path) -> Iterator[EmbeddedServers]:
    pair = EmbeddedServers(server_folder, durable=False)
    pair.start()
    yield pair
    pair.stop()


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def test_data_and_addresses_are_found_again(servers: EmbeddedServers) -> None:
    rows(servers.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    addresses = servers.database_url, servers.redis_url
    servers.stop()
    assert not postgres_answers(addresses[0])

    again = EmbeddedServers(servers.directory, durable=False)
    with again:
        assert (again.database_url, again.redis_url) == addresses
        assert rows(again.database_url, "SELECT answer FROM kept") == [(42,)]


def test_a_killed_server_can_be_started_again(servers: EmbeddedServers) -> None:
    rows(servers.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    redis.Redis.from_url(servers.redis_url).set("gone", 1)

    servers.kill_postgres()
    servers.kill_redis()
    assert not postgres_answers(servers.database_url)
    assert not redis_answers(servers.redis_url)

    servers.start_postgres()
    servers.start_redis()
    assert rows(servers.database_url, "SELECT answer FROM kept") == [(42,)]
    assert redis.Redis.from_url(servers.redis_url).get("gone") is None


def test_strangers_on_the_machine_need_the_password(servers: EmbeddedServers) -> None:
    port = servers.database_url.rpartition(":")[2].partition("/")[0]
    redis_port = servers.redis_url.rpartition(":")[2].partition("/")[0]

    assert not postgres_answers(f"postgres://bellwether:guess@127.0.0.1:{port}/bellwether")
    assert not redis_answers(f"redis://127.0.0.1:{redis_port}/0")
    assert (servers.directory / "servers.json").stat().st_mode & 0o077 == 0
    assert (servers.directory / "redis.conf").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_replaced(servers: EmbeddedServers) -> None:
    other = EmbeddedServers(servers.directory, postgres=False)
    other.prepare()  # while the first pair still listens

    assert other.redis_url != servers.redis_url
    assert port_is_free(int(other.redis_url.rpartition(":")[2].partition("/")[0]))


def test_a_postgres_left_by_a_killed_launcher_is_stopped(servers: EmbeddedServers) -> None:
    data = servers.directory / "pg"
    assert stop_leftover_postgres(data) is True
    assert not postgres_answers(servers.database_url)
    assert stop_leftover_postgres(data) is False


def test_another_process_with_the_remembered_number_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (tmp_path / "postmaster.pid").write_text(f"{stranger.pid}\n")

        assert stop_leftover_postgres(tmp_path) is False
        assert stranger.poll() is None
        stranger.kill()


def test_without_redis_one_sentence_asks_for_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ServerUnavailable, match=r"set REDIS_URL to a Redis or Valkey server"):
        redis_program()
