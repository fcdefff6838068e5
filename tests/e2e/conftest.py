"""The web process of this test and a browser that reports whatever goes wrong on a page."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from apps.accounts.api import create_customer, create_staff
from apps.accounts.models import User
from apps.accounts.roles import Role
from tests.support.database import close_idle_connections

PASSWORD = "correct horse battery"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The browser's own loop runs in the thread of the test, which also uses the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or the one that CHROMIUM names.

    Closed after each module: its loop runs in this thread, where tests with loops of their own
    may follow.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield chromium
        chromium.close()
    # While the browser's loop runs, Django keeps other connections for this thread than without;
    # those from before were idle and have been ended with the sessions of the server's threads.
    connections.close_all()


@pytest.fixture
def site(transactional_db: None, live_redis_url: str) -> Iterator[str]:
    """The address of the real ASGI application on this test's database and Redis."""
    from config.asgi import application

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    config = uvicorn.Config(
        ASGIStaticFilesHandler(application), port=port, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    server.force_exit = True
    thread.join(timeout=10)
    close_idle_connections()


@pytest.fixture
def customer(transactional_db: None) -> User:
    return create_customer(actor=None, email="mara@example.org", password=PASSWORD, name="Mara")


@pytest.fixture
def owner(transactional_db: None) -> User:
    return create_staff(
        actor=None, email="ida@example.org", password=PASSWORD, name="Ida", role=Role.OWNER
    )


def _is_fault(message: ConsoleMessage) -> bool:
    """Whether a page complains.

    A form that is refused answers 422, which is no fault. Nor is a preview given up because its
    form was sent meanwhile: htmx calls that an abort. A request that failed says sendError.
    """
    given_up = message.text.startswith(("htmx:sendAbort,", "htmx:afterRequest,"))
    return message.type == "error" and "status of 422" not in message.text and not given_up


# Nobody finds a link and clicks it before the page's own scripts have run; a test does, on a busy
# machine. Its click is repeated when they have.
_CLICKS_WAIT_FOR_SCRIPTS = """
    const early = [];
    const hold = (event) => {
        event.preventDefault();
        event.stopImmediatePropagation();
        early.push(event.target);
    };
    window.addEventListener("click", hold, true);
    document.addEventListener("DOMContentLoaded", () => setTimeout(() => {
        window.removeEventListener("click", hold, true);
        for (const target of early) target.click();
    }));
"""

NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser, site: str) -> Iterator[NewPage]:
    """Open pages on the site; the test fails where one writes an error into its console.

    Violations of the content security policy and failed requests are such errors.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def opened(*, width: int = 1440, height: int = 900, **options: Any) -> Page:
        viewport = {"width": width, "height": height}
        context = browser.new_context(**{"base_url": site, "viewport": viewport, **options})
        contexts.append(context)
        context.add_init_script(_CLICKS_WAIT_FOR_SCRIPTS)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if _is_fault(message) else None,
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def sign_in(page: Page, user: User) -> None:
    """Sign in by the form, as a person does."""
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
