"""What every answer of the web process carries, and whom its WebSockets turn away."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from asgiref.testing import ApplicationCommunicator
from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key
from django.test import Client

from apps.accounts.roles import Role
from apps.common.launcher.installation import ROOT
from config.asgi import application
from tests.factories.accounts import staff


def policy(answer: object) -> dict[str, str]:
    header: str = answer.headers["Content-Security-Policy"]  # type: ignore[attr-defined]
    parts = (part.strip().partition(" ") for part in header.split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.django_db
def test_pages_run_nothing_that_is_written_into_them(client: Client) -> None:
    directives = policy(client.get("/there-is-no-such-page/"))

    assert "unsafe" not in " ".join(directives.values())
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == directives["script-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"


@pytest.mark.django_db
def test_the_staff_admin_has_a_policy_of_its_own(client: Client) -> None:
    client.force_login(staff(Role.OWNER))
    answer = client.get("/staff-admin/")

    assert answer.status_code == 200
    assert "'unsafe-inline'" in policy(answer)["style-src"]
    assert policy(answer)["connect-src"] == "'self'"


@pytest.mark.django_db  # Channels closes what connection the thread has
async def test_a_foreign_page_cannot_open_a_websocket() -> None:
    scope = {
        "type": "websocket",
        "path": "/ws/anything/",
        "headers": [(b"origin", b"https://evil.example")],
    }
    communicator = ApplicationCommunicator(application, scope)

    await communicator.send_input({"type": "websocket.connect"})

    assert (await communicator.receive_output())["type"] == "websocket.close"


def production(**values: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.prod", **values}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def test_a_real_installation_passes_djangos_own_check() -> None:
    result = production(
        SECRET_KEY="$" + get_random_secret_key() * 2,  # not the name of another variable
        CREDENTIALS_KEYS=Fernet.generate_key().decode(),
        ALLOWED_HOSTS="desk.example.org",
        DATABASE_URL="postgres://somebody@127.0.0.1:9/bellwether",
        REDIS_URL="redis://127.0.0.1:9/0",
    )

    assert result.returncode == 0, result.stderr


def test_a_real_installation_does_not_start_without_its_secrets() -> None:
    result = production(DATABASE_URL="postgres://somebody@127.0.0.1:9/bellwether")

    assert result.returncode != 0
    assert "Set the SECRET_KEY environment variable" in result.stderr


@pytest.mark.django_db
def test_pages_are_sent_compressed_to_browsers_that_take_them_so(client: Client) -> None:
    plain = client.get("/accounts/login/")
    packed = client.get("/accounts/login/", headers={"accept-encoding": "gzip"})
    assert not plain.has_header("Content-Encoding")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.content) < len(plain.content) / 2
