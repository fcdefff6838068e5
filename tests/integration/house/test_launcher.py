"""`make run` as a user meets it: start, a child that dies, Ctrl-C, the second start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.integration.house.launcher import ROOT, Launcher, alive, descendants, environment

MAIL = "first@example.org"


def manage(env: dict[str, str], *arguments: str) -> str:
    """Run manage.py as somebody would in another terminal."""
    result = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=env | {"DJANGO_SUPERUSER_PASSWORD": "a long password"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def status_of(env: dict[str, str], path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{env['PORT']}{path}", timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_product_starts_heals_stops_and_finds_its_data_again(server_folder: Path) -> None:
    env = environment(server_folder)
    launcher = Launcher(env)
    try:
        launcher.wait_for("Bellwether is ready")
        assert status_of(env, "/staff-admin/login/") == 200
        assert "already runs on the data in" in refusal(env)
        manage(env, "createsuperuser", "--no-input", "--email", MAIL)

        for name, program, count in (("worker", "-Q copy", 2), ("redis", "redis-server", 1)):
            victim, *others = launcher.wait_for_programs(program, count)
            family = descendants(victim)
            os.kill(victim, signal.SIGKILL)
            line = launcher.wait_for(f"{name:<9} | ended")
            assert "signal 9" in line
            assert "starts again in" in line
            assert alive(family) == []
            assert {*others} < {*launcher.wait_for_programs(program, count)}
        assert status_of(env, "/staff-admin/login/") == 200

        everything = launcher.children()
        assert launcher.interrupt() < 5
        assert launcher.process.returncode == 0
        assert alive(everything) == []
    finally:
        launcher.close()

    second = Launcher(env)
    try:
        second.wait_for("Bellwether is ready")
        found = manage(
            env,
            "shell",
            "-v",
            "0",
            "-c",
            "from apps.accounts.selectors import find_user;"
            f"print(find_user('{MAIL}').is_superuser)",
        )
        assert found.strip() == "True"
        everything = second.children()
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(5) == 0
        assert alive(everything) == []
    finally:
        second.close()


def refusal(env: dict[str, str]) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "apps.common.launcher"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert result.returncode == 1
    assert "ready" not in result.stdout
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_port_in_use_is_one_sentence(server_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert refusal(environment(server_folder, PORT=str(port))) == (
            f"Port {port} is in use: stop the program that listens there, or choose another one, "
            f"e.g. PORT={port + 1} make run.\n"
        )


def test_a_port_that_is_none_is_one_sentence(server_folder: Path) -> None:
    assert "PORT=http is not a port" in refusal(environment(server_folder, PORT="http"))


def test_a_server_that_does_not_answer_is_named(server_folder: Path) -> None:
    env = environment(server_folder, DATABASE_URL="postgres://nobody@127.0.0.1:9/none")

    assert "DATABASE_URL" in refusal(env)


@pytest.mark.parametrize("output", ["Python 3.9.2", ""])
def test_a_python_that_is_too_old_is_one_sentence(tmp_path: Path, output: str) -> None:
    old = tmp_path / "python3"
    old.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{output}" && exit 0\nexit 1\n')
    old.chmod(0o755)
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    result = subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "prepare"), "run"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert result.returncode == 1
    assert result.stderr.startswith("Bellwether needs Python 3.11, 3.12 or 3.13")
    assert result.stderr.count("\n") == 1
